pub fn main(t: (u8, u8)) -> u8 {
    let (a, b, c) = t;
    a + b + c
}

pub fn main(p: (u8, u8)) -> u8 {
    let (a, a) = p;
    a
}

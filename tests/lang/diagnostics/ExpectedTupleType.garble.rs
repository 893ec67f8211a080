pub fn main(x: u8) -> u8 {
    let (a, b) = x;
    a + b
}

pub fn main(x: u8) -> u8 {
    let y = missing;
    let (a, b) = y;
    a + b + y + x
}

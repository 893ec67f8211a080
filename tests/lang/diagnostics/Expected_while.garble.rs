pub fn main(x: u8) -> u8 {
    while x > 1 { }
    x
}

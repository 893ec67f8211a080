pub fn main(x: u8, y: u8) -> u8 {
    max(x, y)
}

pub fn main(x: u8, y: u16) -> u8 {
    x << y
}

pub fn main(x: u8) -> u8 {
    x
}
pub fn main(y: u16) -> u16 {
    y
}

pub fn main(x: u8) -> u8 {
    if x > 1 {
        x
}
pub fn other(x: u8) -> u8 {
    x
}

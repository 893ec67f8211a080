fn double(x: u8) -> u8 {
    x + x
}
pub fn main(x: u8) -> u8 {
    duoble(x) + double(x)
}

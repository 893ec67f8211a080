//! max_source 40
pub fn main(x: u8) -> u8 {
    x + x
}

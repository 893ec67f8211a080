//! const PARTY_1::M=3
pub fn main(x: u8) -> u8 {
    x
}

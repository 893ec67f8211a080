//! const PARTY_0::N=300
const N: u8 = PARTY_0::N;
pub fn main(x: u8) -> u8 {
    x + N
}

//! const PARTY_0::N=2
const N: bool = PARTY_0::N;
pub fn main(x: u8) -> u8 {
    if N { x } else { 1 }
}

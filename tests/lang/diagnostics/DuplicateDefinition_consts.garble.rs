const A: u8 = 1u8;
const A: u8 = 2u8;
pub fn main(x: u8) -> u8 {
    x + A
}

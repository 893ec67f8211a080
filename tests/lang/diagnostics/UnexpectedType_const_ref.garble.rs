const A: u16 = 2u16;
const B: u8 = A;
pub fn main(x: u8) -> u8 {
    x + B
}

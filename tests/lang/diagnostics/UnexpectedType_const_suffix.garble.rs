const A: u8 = 2u16;
pub fn main(x: u8) -> u8 {
    x + A
}

const A: (u8, u8) = 1u8;
pub fn main(x: u8) -> u8 {
    x
}

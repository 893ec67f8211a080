const B: u8 = 200u8 + 100u8;
const S: usize = 1usize - 2usize;
pub fn main(x: [u8; S]) -> u8 {
    B
}

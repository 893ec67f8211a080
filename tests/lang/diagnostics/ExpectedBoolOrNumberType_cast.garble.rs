pub fn main(x: [u8; 2]) -> u8 {
    x as u8
}

pub fn main(x: [u8; 2u8]) -> u8 {
    x[0]
}

pub fn main(x: [u8; 2 + 1]) -> u8 {
    x[0]
}

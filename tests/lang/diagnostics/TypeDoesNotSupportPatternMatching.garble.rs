pub fn main(x: [u8; 2]) -> u8 {
    match x {
        (a, b) => a + b,
    }
}

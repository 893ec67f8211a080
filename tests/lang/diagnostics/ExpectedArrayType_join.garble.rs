pub fn main(a: u8, b: [u8; 2]) -> u8 {
    let rows = join(a, b);
    1
}

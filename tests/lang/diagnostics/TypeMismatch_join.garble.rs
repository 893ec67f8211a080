pub fn main(a: [u8; 2], b: [u16; 2]) -> u8 {
    let rows = join(a, b);
    1
}

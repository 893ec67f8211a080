pub fn main(a: [u8; 2], b: [(u8, u8); 2]) -> u8 {
    for row in join_iter(a, b) {
    }
    1
}

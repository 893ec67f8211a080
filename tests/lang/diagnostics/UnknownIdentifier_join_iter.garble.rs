pub fn main(a: [(u8, u8); 2], b: [(u8, u8); 2]) -> u8 {
    let x = join_iter(a, b);
    1
}

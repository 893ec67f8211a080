const N: usize = 2usize;
pub fn main(x: [u8; const { N - 3usize }]) -> u8 {
    1
}

const N: usize = 2usize;
pub fn main(x: [u8; const { max(N, 3usize) + N - 1usize }]) -> [u8; N] {
    x
}

pub fn main(x: u8) -> u8 {
    [x; const { 2usize + 3usize }][0]
}

pub fn main(x: u8) -> u8 {
    [1, 2, 3]
}

pub fn main(x: u8) -> bool {
    x + 1
}

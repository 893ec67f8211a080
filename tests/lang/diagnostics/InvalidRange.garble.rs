pub fn main(x: u8) -> u8 {
    for i in 5..3 {
    }
    x
}

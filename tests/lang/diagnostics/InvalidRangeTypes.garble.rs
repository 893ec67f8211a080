pub fn main(x: u8) -> u8 {
    for i in 0u8..4u16 {
    }
    x
}

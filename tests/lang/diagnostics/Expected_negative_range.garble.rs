pub fn main(x: u8) -> u8 {
    for i in -1..3 { }
    x
}

pub fn main(x: u8) -> u8 {
    let y = 1
    x
}

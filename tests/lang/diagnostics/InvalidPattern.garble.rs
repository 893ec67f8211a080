pub fn main(x: u8) -> u8 {
    let = 1;
    x
}

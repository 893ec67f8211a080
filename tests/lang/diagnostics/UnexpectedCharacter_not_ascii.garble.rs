pub fn main(x: u8) -> u8 {
    let é = 1;
    x
}

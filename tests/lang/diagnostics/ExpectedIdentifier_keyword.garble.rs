pub fn main(x: u8) -> u8 {
    let mut in = 1;
    x
}

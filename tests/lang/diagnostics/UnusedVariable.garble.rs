pub fn main(x: u8) -> u8 {
    let y = x;
    let mut z = 1u8;
    z = 2;
    x
}

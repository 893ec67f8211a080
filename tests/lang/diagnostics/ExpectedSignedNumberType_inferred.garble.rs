pub fn main(x: u8) -> u8 {
    let y = 5;
    let z = -y;
    z + x
}

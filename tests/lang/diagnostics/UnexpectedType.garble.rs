pub fn main(x: u8) -> u8 {
    let y: u16 = x;
    y as u8
}

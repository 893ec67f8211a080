pub fn main(x: u8) -> u8 {
    let y = if x > 1 { 1u8 } else { false };
    x
}

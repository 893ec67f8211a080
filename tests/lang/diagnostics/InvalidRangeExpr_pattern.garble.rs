pub fn main(x: u8) -> u8 {
    match x {
        1..=2u8 => 1,
        _ => 2,
    }
}

pub fn main(x: u8) -> u8 {
    match x {
        300 => 1,
        _ => 2,
    }
}

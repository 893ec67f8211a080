pub fn main(x: u8) -> u8 {
    match x {
        5..5 => 1,
        _ => 2,
    }
}

pub fn main(x: u8) -> u8 {
    match x {
        0..=9 => 1,
        _ => 2,
        200 => 3,
    }
}

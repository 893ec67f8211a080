pub fn main(x: u8) -> u8 {
    match x {
        0..10 => 1,
        11..=255 => 3,
    }
}

pub fn main(x: u8) -> u8 {
    match x {
        1.. => 1,
        _ => 2,
    }
}

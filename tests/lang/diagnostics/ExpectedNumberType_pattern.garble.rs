pub fn main(x: bool) -> u8 {
    match x {
        1 => 1,
        _ => 2,
    }
}

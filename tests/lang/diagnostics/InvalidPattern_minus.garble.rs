pub fn main(x: u8) -> u8 {
    match x {
        -y => 1,
        _ => 2,
    }
}

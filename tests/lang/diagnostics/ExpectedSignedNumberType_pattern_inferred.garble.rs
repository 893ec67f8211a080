pub fn main(x: u8) -> u8 {
    let y = 5;
    match y {
        -1 => x + y,
        _ => 1,
    }
}

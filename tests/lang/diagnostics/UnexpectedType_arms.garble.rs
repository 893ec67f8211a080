pub fn main(x: u8) -> u8 {
    let y = match x {
        0 => 1u8,
        _ => true,
    };
    y
}

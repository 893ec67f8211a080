pub fn main(x: u8) -> u8 { x }

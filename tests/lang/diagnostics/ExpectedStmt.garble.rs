pub fn main(x: u8) -> u8 {
    else { 1 }
    x
}

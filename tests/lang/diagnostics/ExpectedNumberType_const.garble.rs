const A: bool = true + false;
pub fn main(x: u8) -> u8 {
    if A { x } else { 1 }
}

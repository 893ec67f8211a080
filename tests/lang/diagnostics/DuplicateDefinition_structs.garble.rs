struct A { x: u8 }
struct A { y: u8 }
pub fn main(x: u8) -> u8 {
    x
}

struct A { x: u8 }
enum A { B }
pub fn main(x: u8) -> u8 {
    x
}

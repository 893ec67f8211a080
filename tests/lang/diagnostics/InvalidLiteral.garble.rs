const A: i32 = 5i32;
const B: i32 = -A;
pub fn main(x: u8) -> u8 {
    x
}

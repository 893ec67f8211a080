struct A { y: u8 }
pub fn main(x: u8) -> u8 {
    let A { y } = x;
    y
}

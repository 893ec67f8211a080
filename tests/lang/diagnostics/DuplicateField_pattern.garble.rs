struct A { y: u8 }
pub fn main(a: A) -> u8 {
    let A { y, y: z } = a;
    y + z
}

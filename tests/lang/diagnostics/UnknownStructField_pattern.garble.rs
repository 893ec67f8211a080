struct A { y: u8 }
pub fn main(a: A) -> u8 {
    let A { z, .. } = a;
    z
}

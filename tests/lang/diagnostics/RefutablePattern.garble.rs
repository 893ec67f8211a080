enum E { A(u8), B(u8, u8) }
pub fn main(e: E) -> u8 {
    let E::A(x) = e;
    x
}

enum E { A(u8, u8) }
pub fn main(e: E) -> u8 {
    match e {
        E::A(x) => x,
    }
}

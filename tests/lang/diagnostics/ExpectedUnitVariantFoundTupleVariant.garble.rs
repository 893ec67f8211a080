enum E { A, B(u8) }
pub fn main(x: u8) -> E {
    E::A(x)
}

enum E { A, B, A(u8) }
pub fn main(e: E, x: u8) -> u8 {
    x
}

enum E { A((u8, u8)) }
pub fn main(e: E) -> E {
    e
}

struct S { a: u8, b: u8, a: u16 }
pub fn main(s: S) -> u8 {
    s.b
}

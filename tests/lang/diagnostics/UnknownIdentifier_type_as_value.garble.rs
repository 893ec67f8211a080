struct S { a: u8 }
pub fn main(x: u8) -> u8 {
    S + x
}

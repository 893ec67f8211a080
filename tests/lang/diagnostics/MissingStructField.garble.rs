struct S { a: u8, b: u8 }
pub fn main(x: u8) -> S {
    S { a: x }
}

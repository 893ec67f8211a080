struct S { a: u8, b: u8 }
pub fn main(s: S) -> u8 {
    let S { a } = s;
    a
}

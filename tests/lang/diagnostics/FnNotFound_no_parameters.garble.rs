//! fn f
fn f() -> u8 {
    1
}
pub fn main(x: u8) -> u8 {
    f() + x
}

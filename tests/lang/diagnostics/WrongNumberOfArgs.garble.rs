fn f(a: u8, b: u8) -> u8 {
    a + b
}
pub fn main(x: u8) -> u8 {
    f(x)
}

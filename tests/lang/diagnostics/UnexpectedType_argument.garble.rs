fn f(a: u16) -> u16 {
    a
}
pub fn main(x: u8) -> u16 {
    f(x)
}

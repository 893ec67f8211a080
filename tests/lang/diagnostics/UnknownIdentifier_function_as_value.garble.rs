fn f(x: u8) -> u8 {
    x
}
pub fn main(x: u8) -> u8 {
    f(x) + f
}

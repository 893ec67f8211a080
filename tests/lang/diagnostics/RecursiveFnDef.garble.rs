fn f(x: u8) -> u8 {
    if x > 0 { g(x - 1) } else { x }
}
fn g(x: u8) -> u8 {
    f(x)
}
pub fn main(x: u8) -> u8 {
    f(x)
}

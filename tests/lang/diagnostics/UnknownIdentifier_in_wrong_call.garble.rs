fn f(a: u8) -> u8 {
    a
}
pub fn main(x: u8) -> u8 {
    join(y) + f(z, w)
}

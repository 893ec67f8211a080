struct S { a: u8 }
pub fn main(x: u8, s: S) -> u16 {
    let y = x + 1u16;
    let z = s.b;
    let w: bool = foo(x);
    if w { y } else { z }
}
fn unused(a: u8) -> u8 {
    a = 2;
    a
}

struct A { x: u8 }
struct B { x: u8 }
pub fn main(a: A) -> u8 {
    let B { x } = a;
    x
}

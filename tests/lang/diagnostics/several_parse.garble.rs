const A u8 = 1u8;
struct S { a u8 }
pub fn main(x: u8) -> u8 {
    let y = ;
    let z = (1, 2;
    match x {
        1 -> 2,
        _ => 3,
    }
}
fn f(x: u8) -> u8 { 1 + }

enum A { X, Y }
pub fn main(x: u8) -> u8 {
    match x {
        A::X => 1,
        _ => 2,
    }
}

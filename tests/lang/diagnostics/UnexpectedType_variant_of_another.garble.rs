enum A { X, Y }
enum B { X, Y }
pub fn main(a: A) -> u8 {
    match a {
        B::X => 1,
        A::X => 2,
        A::Y => 3,
    }
}

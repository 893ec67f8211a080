enum Move { Up, Down }
pub fn main(x: u8) -> Move {
    Move::Dwon
}

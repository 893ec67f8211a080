struct Point { x: u8 }
pub fn main(y: u8) -> Point {
    Pont { x: y }
}

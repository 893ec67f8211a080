struct Point { first: u8 }
pub fn main(p: Point) -> u8 {
    p.frist
}

struct Point { x: u8 }
pub fn main(p: Piont) -> u8 {
    p.x
}

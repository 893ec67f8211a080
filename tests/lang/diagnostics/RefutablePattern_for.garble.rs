pub fn main(x: u8) -> u8 {
    let mut s = x;
    for (1, y) in [(1u8, 2u8), (3u8, 4u8)] {
        s += y;
    }
    s
}

const N: u8 = 3u8;
pub fn main(x: u8) -> u8 {
    x
}

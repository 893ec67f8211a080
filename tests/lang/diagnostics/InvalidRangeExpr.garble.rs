const N: usize = 4usize;
pub fn main(x: u8) -> u8 {
    for i in 0..N {
    }
    x
}

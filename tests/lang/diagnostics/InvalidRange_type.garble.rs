pub fn main(x: u8) -> u8 {
    let mut y = x;
    for i in 250u8..258 {
        y ^= i;
    }
    y
}

pub fn main(x: u8) -> u8 {
    /* one /* two */
    x
}

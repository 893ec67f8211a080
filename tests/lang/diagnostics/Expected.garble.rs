pub fn main(x: u8) {
    x
}

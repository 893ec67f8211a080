pub fn main(x: u8) -> u8 {
    let s = "abc";
    x
}

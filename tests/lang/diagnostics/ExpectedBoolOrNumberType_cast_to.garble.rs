pub fn main(x: u8) -> u8 {
    let (a, b) = x as (u8, u8);
    a + b
}

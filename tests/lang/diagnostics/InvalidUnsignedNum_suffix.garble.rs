pub fn main(x: u8) -> u8 {
    x + 0xff + 1_000 + 1u128
}

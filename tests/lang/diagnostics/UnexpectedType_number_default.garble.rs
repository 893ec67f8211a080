pub fn main(x: u8) -> u64 {
    let y = 3000000000;
    y as u64 + x as u64
}

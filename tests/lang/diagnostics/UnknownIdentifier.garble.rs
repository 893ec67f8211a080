pub fn main(count: u8) -> u8 {
    cuont + 1
}

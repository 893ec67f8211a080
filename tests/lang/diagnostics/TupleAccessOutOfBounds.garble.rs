pub fn main(t: (u8, u8)) -> u8 {
    t.2
}

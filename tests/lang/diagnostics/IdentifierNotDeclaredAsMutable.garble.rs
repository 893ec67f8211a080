pub fn main(x: u8) -> u8 {
    let sum = 0;
    for i in [x] {
        sum += i;
    }
    sum
}

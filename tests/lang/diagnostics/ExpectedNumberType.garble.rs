pub fn main(x: bool) -> bool {
    x + x
}

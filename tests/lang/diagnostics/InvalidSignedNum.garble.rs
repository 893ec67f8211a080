pub fn main(x: i8) -> i8 {
    x + -129i8
}

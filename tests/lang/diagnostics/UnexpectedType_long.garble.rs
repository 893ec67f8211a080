pub fn main(x: ([(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10], [(u8, bool); 10])) -> u8 {
    x
}

struct Tree { left: Leaf, size: u8 }
enum Leaf { Empty, Full(u8, [Tree; 2]) }
pub fn main(t: Tree) -> u8 {
    t.size
}

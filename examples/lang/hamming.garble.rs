// Fingerprints: does the one that was taken lie close enough to the one on file? The parties learn
// only that, neither the fingerprints nor the distance.

const WORDS: usize = 4usize;
const LIMIT: u16 = 12u16;

fn ones(x: u64) -> u16 {
    let mut n = 0u16;
    let mut rest = x;
    for _ in 0usize..64usize {
        n += (rest & 1u64) as u16;
        rest = rest >> 1u8;
    }
    n
}

pub fn main(taken: [u64; WORDS], on_file: [u64; WORDS]) -> bool {
    let mut distance = 0u16;
    for i in 0usize..4usize {
        distance += ones(taken[i] ^ on_file[i]);
    }
    distance <= LIMIT
}

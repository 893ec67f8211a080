// The median of the salaries of two firms, by a sorting network: odd-even transposition.

fn sorted(values: [u32; 8]) -> [u32; 8] {
    let mut v = values;
    for round in 0usize..8usize {
        for i in 0usize..7usize {
            if i % 2usize == round % 2usize {
                if v[i] > v[i + 1usize] {
                    let t = v[i];
                    v[i] = v[i + 1usize];
                    v[i + 1usize] = t;
                }
            }
        }
    }
    v
}

pub fn main(a: [u32; 4], b: [u32; 4]) -> u32 {
    let mut all = [0u32; 8];
    for i in 0usize..4usize {
        all[i] = a[i];
        all[i + 4usize] = b[i];
    }
    let v = sorted(all);
    v[3] + (v[4] - v[3]) / 2u32
}

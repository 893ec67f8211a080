// Statistics that protect small groups: three clinics count their cases by age group. Groups with
// fewer than K cases in all are not published.

const K: u32 = 5u32;

enum Count {
    Hidden,
    Cases(u32),
}

fn publish(cases: u32) -> Count {
    if cases < K {
        Count::Hidden
    } else {
        Count::Cases(cases)
    }
}

pub fn main(a: [u32; 4], b: [u32; 4], c: [u32; 4]) -> [Count; 4] {
    let mut out = [Count::Hidden; 4];
    for i in 0usize..4usize {
        out[i] = publish(a[i] + b[i] + c[i]);
    }
    out
}

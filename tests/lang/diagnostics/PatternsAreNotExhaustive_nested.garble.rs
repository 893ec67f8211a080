struct P { ok: bool, at: (i8, u8) }
enum E { A, B(P) }
pub fn main(e: E) -> u8 {
    match e {
        E::A => 1,
        E::B(P { ok: true, .. }) => 2,
        E::B(P { ok: false, at: (-128..=9, _) }) => 3,
        E::B(P { ok: _, at: (11..=127, _) }) => 4,
    }
}

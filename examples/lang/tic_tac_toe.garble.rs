// A judge for tic-tac-toe between players who do not show their boards: each gives the nine fields as
// a number of nine bits, field 0 the lowest. The judge says who has a line, or what is wrong.

enum Verdict {
    First,
    Second,
    Nobody,
    SameField,
    WrongCount,
}

fn has_line(board: u16) -> bool {
    let mut won = false;
    for line in [7u16, 56u16, 448u16, 73u16, 146u16, 292u16, 273u16, 84u16] {
        won = won | (board & line == line);
    }
    won
}

fn count(board: u16) -> u8 {
    let mut n = 0u8;
    for field in 0u8..9u8 {
        n += (board >> field & 1u16) as u8;
    }
    n
}

pub fn main(first: u16, second: u16) -> Verdict {
    let a = count(first);
    let b = count(second);
    if first & second != 0u16 {
        Verdict::SameField
    } else if a != b && a != b + 1u8 {
        Verdict::WrongCount
    } else if has_line(first) {
        Verdict::First
    } else if has_line(second) {
        Verdict::Second
    } else {
        Verdict::Nobody
    }
}

// Who is richer? Two parties learn that and nothing about the amounts.

enum Richest {
    First,
    Second,
    Equal,
}

pub fn main(first: u64, second: u64) -> Richest {
    if first > second {
        Richest::First
    } else if second > first {
        Richest::Second
    } else {
        Richest::Equal
    }
}

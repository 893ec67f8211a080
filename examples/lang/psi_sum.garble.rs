// Private set intersection with sum: a shop has its customers with what they spent, an advertiser
// those who saw an advertisement. Both learn how many are in both lists and what these spent
// together, and nothing else. Keys are strictly ascending.

const CUSTOMERS: usize = SHOP::CUSTOMERS;
const VIEWERS: usize = ADVERTISER::VIEWERS;

struct Effect {
    buyers: u32,
    revenue: u64,
}

pub fn main(spent: [(u32, u32); CUSTOMERS], saw: [(u32,); VIEWERS]) -> Effect {
    let mut buyers = 0u32;
    let mut revenue = 0u64;
    for row in join_iter(spent, saw) {
        let ((_, amount), _) = row;
        buyers += 1u32;
        revenue += amount as u64;
    }
    Effect { buyers: buyers, revenue: revenue }
}

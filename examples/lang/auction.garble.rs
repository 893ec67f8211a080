// A sealed-bid second-price auction: the highest bidder wins and pays the second-highest bid.
// All learn the winner and the price; no other bid is seen. Of equal bids the first one wins.

struct Sale {
    winner: u8,
    price: u32,
}

pub fn main(bids: [u32; 3]) -> Sale {
    let mut winner = 0u8;
    let mut best = 0u32;
    let mut price = 0u32;
    let mut bidder = 0u8;
    for bid in bids {
        if bid > best {
            price = best;
            best = bid;
            winner = bidder;
        } else if bid > price {
            price = bid;
        }
        bidder += 1u8;
    }
    Sale { winner: winner, price: price }
}

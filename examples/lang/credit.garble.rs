// Linear scoring of a credit request: the bank's weights stay the bank's, the customer's figures stay
// the customer's. Both learn the class.

struct Customer {
    age: u8,
    income: u32, // a month
    debts: u32,
    defaults: u8,
}

struct Model {
    age: i32,
    income: i32, // for each 100 a month
    debts: i32, // for each 1,000
    defaults: i32,
    bias: i32,
    good: i32, // scores from here on are good …
    fair: i32, // … and from here on fair
}

enum Class {
    Good,
    Fair,
    Poor,
}

pub fn main(customer: Customer, model: Model) -> Class {
    let score = model.bias
        + model.age * (customer.age as i32)
        + model.income * ((customer.income / 100u32) as i32)
        + model.debts * ((customer.debts / 1000u32) as i32)
        + model.defaults * (customer.defaults as i32);
    if score >= model.good {
        Class::Good
    } else if score >= model.fair {
        Class::Fair
    } else {
        Class::Poor
    }
}

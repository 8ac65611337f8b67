//! Keys and the orders in which they are asked for.
//!
//! A sequence holds the keys themselves, one after the other in memory, as they would lie in requests: what is measured is the table,
//! not the way to the key.

use core::fmt::Display;
use core::hash::Hash;

use super::subject::Make;

/// A type of keys.
pub trait KeyType: Hash + Eq + Clone + Display + Send + Sync + 'static {
    /// In the table.
    const NAME: &'static str;
    /// What a keyed limiter of ours is asked with.
    type Asked: ?Sized + Hash + Sync + 'static;

    /// The key with a number below 2^44; other numbers, other keys.
    fn numbered(number: u64) -> Self;
    /// The key, borrowed.
    fn asked(&self) -> &Self::Asked;
    /// A number as evenly spread as the keys, for the price of next to nothing.
    fn spread(&self) -> u64;
    /// Peers that take only this type of keys.
    fn own_peers() -> Vec<(&'static str, Make<Self>)>;
}

/// An odd factor is a bijection of the numbers below a power of two: neighbours are strewn.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl KeyType for u64 {
    const NAME: &'static str = "u64";
    type Asked = u64;

    fn numbered(number: u64) -> u64 {
        number.wrapping_mul(FACTOR)
    }

    fn asked(&self) -> &u64 {
        self
    }

    fn spread(&self) -> u64 {
        *self
    }

    fn own_peers() -> Vec<(&'static str, Make<u64>)> {
        Vec::new()
    }
}

impl KeyType for String {
    const NAME: &'static str = "15 characters";
    type Asked = str;

    fn numbered(number: u64) -> String {
        format!("key_{:011x}", number.wrapping_mul(FACTOR) & ((1 << 44) - 1))
    }

    fn asked(&self) -> &str {
        self
    }

    fn spread(&self) -> u64 {
        // Its last eight digits.
        let digits = self.as_bytes().last_chunk().map_or(0, |digits| u64::from_le_bytes(*digits));
        digits.wrapping_mul(FACTOR)
    }

    fn own_peers() -> Vec<(&'static str, Make<String>)> {
        super::peers::throttlecrabs()
    }
}

/// The order of calls on keys that the table has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every key as likely as every other.
    Uniform,
    /// The n-th key in proportion to 1/n.
    Zipf,
}

impl Order {
    /// Both.
    pub const ALL: [Order; 2] = [Order::Uniform, Order::Zipf];

    /// In the table.
    pub const fn name(self) -> &'static str {
        match self {
            Order::Uniform => "hit, uniform",
            Order::Zipf => "hit, Zipf",
        }
    }

    /// The numbers of `calls` keys out of `keys`.
    pub fn numbers(self, keys: usize, calls: usize, seed: u64) -> Vec<u64> {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut up_to = Vec::new();
        if self == Order::Zipf {
            let mut sum = 0.0;
            up_to.extend((1..=keys).map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            }));
        }
        (0..calls)
            .map(|_| match up_to.last() {
                None => random.u64(..keys as u64),
                Some(all) => {
                    let at = random.f64() * all;
                    up_to.partition_point(|&sum| sum <= at).min(keys - 1) as u64
                }
            })
            .collect()
    }
}

/// The keys of numbers, in their order.
pub fn keys<K: KeyType>(numbers: impl IntoIterator<Item = u64>) -> Vec<K> {
    numbers.into_iter().map(K::numbered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_differ_and_have_the_length_that_is_said() {
        let keys: HashSet<String> = keys::<String>(0..10_000).into_iter().collect();
        assert_eq!(keys.len(), 10_000);
        assert!(keys.iter().all(|key| key.len() == 15));
        assert_eq!(super::keys::<u64>(0..10_000).into_iter().collect::<HashSet<_>>().len(), 10_000);
    }

    #[test]
    fn orders_have_their_shape() {
        let share = |order: Order, first: u64| {
            let numbers = order.numbers(1_000, 100_000, 1);
            assert!(numbers.iter().all(|&number| number < 1_000));
            numbers.iter().filter(|&&number| number < first).count()
        };
        // The sum of 1/n up to 1,000 is 7.49, up to 10 it is 2.93.
        assert!((38_000..40_500).contains(&share(Order::Zipf, 10)));
        assert!((700..1_300).contains(&share(Order::Uniform, 10)));
    }
}

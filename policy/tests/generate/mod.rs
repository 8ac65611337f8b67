//! Random reports: numbers log-uniform over all of 64 bits, so that small, large and boundary values are equally likely.

use quickcheck::{Arbitrary, Gen};
use tidegate_policy::headers::{Outcome, ServiceLimit};

/// Where a random case begins.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64);

impl Arbitrary for Seed {
    fn arbitrary(gen_: &mut Gen) -> Seed {
        Seed(u64::arbitrary(gen_))
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: Seed) -> Random {
        Random(seed.0)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Log-uniform, with the neighbours of powers of two and of ten.
    pub fn number(&mut self) -> u64 {
        let bits = self.below(65) as u32;
        let any = if bits == 0 { 0 } else { self.next() >> (64 - bits) };
        match self.below(8) {
            0 => 1_u64.checked_shl(bits).unwrap_or(0).wrapping_sub(self.below(3)),
            1 => 10_u64.saturating_pow(bits % 20).wrapping_add(self.below(3)).wrapping_sub(1),
            2 => any / 1_000_000_000 * 1_000_000_000,
            _ => any,
        }
    }
}

/// The numbers of some limits, without their names.
#[derive(Clone, Debug)]
pub struct Numbers(Vec<(u64, u64, u64, Option<u64>, Outcome)>);

impl Numbers {
    /// The limits, with names from the slice, over and over, or none.
    pub fn limits<'a>(&self, names: &'a [String]) -> Vec<ServiceLimit<'a>> {
        let mut names = names.iter().map(String::as_str).cycle();
        let limits = self.0.iter().map(|&(limit, remaining, reset, window, outcome)| {
            let made = ServiceLimit::new(names.next().unwrap_or(""), limit, remaining, reset).outcome(outcome);
            window.map_or(made, |window| made.window(window))
        });
        limits.collect()
    }
}

/// A time, names, and up to four limits. A limit's wait is at most its reset, as a limiter's is; what remains at most the limit.
pub fn random_limits(seed: Seed) -> (u64, Vec<String>, Numbers) {
    let mut random = Random::new(seed);
    let now = random.number();
    let names = (0..4).map(|place| {
        let length = random.below(6);
        let odd = random.below(20) == 0;
        let letters = (0..length).map(|_| match random.below(if odd { 8 } else { 7 }) {
            0 => '"',
            1 => '\\',
            2 => ' ',
            3 => ';',
            7 => ['\r', '\u{e9}', '\u{7f}', '\u{10ffff}'][random.below(4) as usize],
            _ => char::from(b'!' + random.below(94) as u8),
        });
        format!("{place}{}", letters.collect::<String>())
    });
    let names = names.collect();
    let count = random.below(5);
    let numbers = (0..count).map(|_| {
        let limit = random.number();
        let remaining = random.number().min(limit);
        let reset = random.number();
        let window = (random.below(3) > 0).then(|| random.number());
        let outcome = match random.below(5) {
            0 => Outcome::After(random.number().min(reset)),
            1 => Outcome::After(reset),
            2 => Outcome::Never,
            _ => Outcome::Allowed,
        };
        (limit, remaining, reset, window, outcome)
    });
    let numbers = Numbers(numbers.collect());
    (now, names, numbers)
}

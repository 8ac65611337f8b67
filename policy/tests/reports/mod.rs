//! Random reports, from random numbers of all sizes.

use tidegate_policy::headers::{Outcome, ServiceLimit};

use crate::generate::{Random, Seed};

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

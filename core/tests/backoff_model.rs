//! The backoff rule once more, slow and obvious, written from its definition and not from the core.
//!
//! Other tests include this file as a module. Each delay of a schedule is computed from its beginning, with numbers of any length and
//! division bit by bit; the draws are restated in 128 bits.
#![allow(dead_code)]

use std::time::Duration;

use tidegate::backoff::{Backoff, Jitter};

/// A schedule with its numbers in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Schedule {
    Constant,
    Linear { step: u64 },
    Exponential { numerator: u64, denominator: u64 },
    Fibonacci,
}

/// All that `Backoff` can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) schedule: Schedule,
    pub(crate) base: u64,
    pub(crate) cap: Option<u64>,
    pub(crate) jitter: Jitter,
    pub(crate) max_retries: Option<u32>,
    pub(crate) max_elapsed: Option<u64>,
    pub(crate) seed: u64,
}

/// One question: the time if told, and the server's hint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) now: Option<u64>,
    pub(crate) hint: Option<u64>,
}

impl Config {
    /// The same configuration, for the core.
    pub(crate) fn backoff(&self) -> Backoff {
        let base = Duration::from_nanos(self.base);
        let mut backoff = match self.schedule {
            Schedule::Constant => Backoff::constant(base),
            Schedule::Linear { step } => Backoff::linear(base, Duration::from_nanos(step)),
            Schedule::Exponential { numerator, denominator } => {
                Backoff::exponential(base).factor_ratio(numerator, denominator).expect("a legal factor")
            }
            Schedule::Fibonacci => Backoff::fibonacci(base),
        };
        backoff = backoff.jitter(self.jitter).seed(self.seed);
        if let Some(cap) = self.cap {
            backoff = backoff.max_delay(Duration::from_nanos(cap));
        }
        if let Some(most) = self.max_retries {
            backoff = backoff.max_retries(most);
        }
        if let Some(most) = self.max_elapsed {
            backoff = backoff.max_elapsed(Duration::from_nanos(most));
        }
        backoff
    }

    /// What the core must answer.
    pub(crate) fn answers(&self, start: Option<u64>, asks: &[Ask]) -> Vec<Option<u64>> {
        let mut random = self.seed;
        let mut s = self.base;
        let mut origin = start;
        let mut elapsed = 0;
        let mut over = false;
        let mut answers = Vec::new();
        for (n, ask) in asks.iter().enumerate() {
            if let Some(now) = ask.now {
                let origin = *origin.get_or_insert(now.saturating_sub(elapsed));
                elapsed = elapsed.max(now.saturating_sub(origin));
            }
            over |= self.max_retries.is_some_and(|most| n as u64 >= u64::from(most));
            if over {
                answers.push(None);
                continue;
            }
            let delay = self.delay(n as u32, &mut s, &mut random, ask.hint);
            let end = saturate(u128::from(elapsed) + u128::from(delay));
            if self.max_elapsed.is_some_and(|most| end > most) {
                over = true;
                answers.push(None);
                continue;
            }
            elapsed = end;
            answers.push(Some(delay));
        }
        answers
    }

    fn delay(&self, n: u32, s: &mut u64, random: &mut u64, hint: Option<u64>) -> u64 {
        let cap = self.cap.unwrap_or(u64::MAX);
        let v = self.value(n).min(cap);
        let h = hint.unwrap_or(0);
        let (low, width) = match self.jitter {
            Jitter::None => return v.max(h),
            Jitter::Full => (0, v),
            Jitter::Equal => (v - v / 2, v / 2),
            Jitter::Additive(j) => {
                let width = saturate(j.as_nanos()).min(cap);
                (v.min(cap - width), width)
            }
            Jitter::Decorrelated => {
                let high = saturate(3 * u128::from(*s)).max(self.base);
                let drawn = self.base + uniform(random, high - self.base);
                *s = drawn.min(cap);
                let low = self.base.min(cap);
                let sum = saturate(u128::from(low.max(h)) + u128::from(*s - low));
                return if h < cap { sum.min(cap) } else { sum };
            }
            other => panic!("a jitter without a model: {other:?}"),
        };
        if h >= cap && h > low {
            return saturate(u128::from(h) + u128::from(uniform(random, width)));
        }
        let low = low.max(h);
        low + uniform(random, width.min(cap - low))
    }

    /// The delay of the schedule before cap and jitter.
    pub(crate) fn value(&self, n: u32) -> u64 {
        let base = u128::from(self.base);
        match self.schedule {
            Schedule::Constant => self.base,
            Schedule::Linear { step } => saturate(base + u128::from(step) * u128::from(n)),
            Schedule::Fibonacci => {
                let (mut a, mut b) = (base, base);
                for _ in 0..n {
                    (a, b) = (b, u128::from(saturate(a + b)));
                }
                saturate(a)
            }
            Schedule::Exponential { numerator, denominator } => {
                let mut u = Wide::from_whole(self.base);
                for _ in 0..n {
                    if u.whole() == u64::MAX {
                        break;
                    }
                    u = u.times(numerator, denominator);
                }
                u.whole()
            }
        }
    }
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// A number with 64 fraction bits, in digits of 32 bits, the lowest first.
struct Wide(Vec<u32>);

impl Wide {
    fn from_whole(whole: u64) -> Wide {
        Wide(vec![0, 0, whole as u32, (whole >> 32) as u32])
    }

    fn whole(&self) -> u64 {
        if self.0[4..].iter().any(|digit| *digit != 0) {
            return u64::MAX;
        }
        u64::from(self.0[3]) << 32 | u64::from(self.0[2])
    }

    /// `floor(self * numerator / denominator)`, as on paper.
    fn times(&self, numerator: u64, denominator: u64) -> Wide {
        let mut columns = vec![0u128; self.0.len() + 3];
        for (i, digit) in self.0.iter().enumerate() {
            columns[i] += u128::from(*digit) * u128::from(numerator as u32);
            columns[i + 1] += u128::from(*digit) * u128::from(numerator >> 32);
        }
        for i in 1..columns.len() {
            let carry = columns[i - 1] >> 32;
            columns[i - 1] %= 1 << 32;
            columns[i] += carry;
        }
        let mut rest = 0u128;
        let mut quotient = vec![0u32; columns.len()];
        for place in (0..32 * columns.len()).rev() {
            let (digit, bit) = (place / 32, place % 32);
            rest = rest * 2 + (columns[digit] >> bit & 1);
            if rest >= u128::from(denominator) {
                rest -= u128::from(denominator);
                quotient[digit] |= 1 << bit;
            }
        }
        while quotient.len() > 4 && quotient.last() == Some(&0) {
            quotient.pop();
        }
        Wide(quotient)
    }
}

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(11_400_714_819_323_198_485);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(13_787_848_793_156_543_929);
    z = (z ^ z >> 27).wrapping_mul(10_723_151_780_598_845_931);
    z ^ z >> 31
}

/// Uniform from 0 to `max`, both included.
pub(crate) fn uniform(state: &mut u64, max: u64) -> u64 {
    let count = u128::from(max) + 1;
    loop {
        let product = u128::from(next(state)) * count;
        if product % (1 << 64) >= (1u128 << 64) % count {
            return (product >> 64) as u64;
        }
    }
}

#[test]
fn the_model_multiplies() {
    for (a, n, d, want) in [
        (3, 3, 2, 4),
        (100, 11, 10, 110),
        (7, 1, 1, 7),
        (u64::MAX, 2, 1, u64::MAX),
        (u64::MAX, u64::MAX, u64::MAX - 1, u64::MAX),
        (u64::MAX / 2, u64::MAX, u64::MAX, u64::MAX / 2),
        (0, 9, 1, 0),
    ] {
        assert_eq!(Wide::from_whole(a).times(n, d).whole(), want, "{a} * {n} / {d}");
    }
    // Fractions are kept: 1.5^2 is 2.25, and 1.5^3 is 3.375.
    let half_more = |wide: Wide| wide.times(3, 2);
    assert_eq!(half_more(half_more(Wide::from_whole(1))).whole(), 2);
    assert_eq!(half_more(half_more(half_more(Wide::from_whole(1)))).whole(), 3);
}

#[test]
fn the_model_draws_what_the_generator_publishes() {
    assert_eq!(next(&mut 0), 0xe220_a839_7b1d_cdaf);
    assert_eq!(uniform(&mut 0, u64::MAX), 0xe220_a839_7b1d_cdaf);
    assert_eq!(uniform(&mut 0, 0), 0);
}

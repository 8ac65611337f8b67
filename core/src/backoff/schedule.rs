//! Schedules: how the delay grows from one retry to the next, before cap and jitter.
//!
//! A [`Steps`] holds the next delay and moves on in constant time; [`Steps::nth`] jumps ahead in at most about 45,000 steps,
//! whatever n, because every schedule that is not constant reaches 2^64 by then (the slowest allowed factor is 1.001).

/// What grows, and how. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Schedule {
    Constant,
    Linear { step: u64 },
    Exponential { factor: Factor },
    Fibonacci,
}

/// The exact ratio by which an exponential schedule grows: in lowest terms, 1 or at least 1.001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Factor {
    numerator: u64,
    denominator: u64,
}

impl Factor {
    pub(super) const TWO: Factor = Factor { numerator: 2, denominator: 1 };

    /// `None` if the denominator is 0 or the ratio is neither 1 nor at least 1.001.
    pub(super) const fn new(numerator: u64, denominator: u64) -> Option<Factor> {
        // The products fit: 2^64 * 1001 < 2^74.
        let thousandths = (numerator as u128).wrapping_mul(1000);
        let least = (denominator as u128).wrapping_mul(1001);
        if denominator == 0 || (numerator != denominator && thousandths < least) {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        match (numerator.checked_div(divisor), denominator.checked_div(divisor)) {
            (Some(numerator), Some(denominator)) => Some(Factor { numerator, denominator }),
            _ => None,
        }
    }

    /// `floor(value * factor)`, or the largest value when that does not fit.
    fn multiply(self, value: u128) -> u128 {
        let Factor { numerator, denominator } = self;
        // value * numerator, as 128 bits above 64 bits. Neither line wraps: (2^64 - 1)^2 + 2^64 - 1 < 2^128.
        let low = wide(value as u64, numerator);
        let high = wide((value >> 64) as u64, numerator).wrapping_add(low >> 64);
        // Long division by one 64-bit digit. The denominator is at least 1.
        let denominator = u128::from(denominator);
        let quotient = high.checked_div(denominator).unwrap_or(u128::MAX);
        if quotient > u128::from(u64::MAX) {
            return u128::MAX;
        }
        let rest = high.checked_rem(denominator).unwrap_or(0);
        let digit = ((rest << 64) | u128::from(low as u64)).checked_div(denominator).unwrap_or(0);
        (quotient << 64) | digit
    }
}

fn wide(a: u64, b: u64) -> u128 {
    u128::from(a).wrapping_mul(u128::from(b))
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        a = b;
        b = rest;
    }
    a
}

/// The delays of one schedule, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Steps {
    Constant(u64),
    Linear {
        next: u64,
        step: u64,
    },
    /// `next` has 64 fraction bits.
    Exponential {
        next: u128,
        factor: Factor,
    },
    Fibonacci {
        next: u64,
        after: u64,
    },
}

impl Steps {
    pub(super) fn new(schedule: Schedule, base: u64) -> Steps {
        match schedule {
            Schedule::Constant => Steps::Constant(base),
            Schedule::Linear { step } => Steps::Linear { next: base, step },
            Schedule::Exponential { factor } => Steps::Exponential { next: u128::from(base) << 64, factor },
            Schedule::Fibonacci => Steps::Fibonacci { next: base, after: base },
        }
    }

    /// What changes from step to step.
    pub(super) fn to_raw(self) -> [u64; 2] {
        match self {
            Steps::Constant(next) | Steps::Linear { next, .. } => [next, 0],
            Steps::Exponential { next, .. } => [(next >> 64) as u64, next as u64],
            Steps::Fibonacci { next, after } => [next, after],
        }
    }

    /// The same schedule where [`Steps::to_raw`] found it.
    pub(super) fn at_raw(self, [first, second]: [u64; 2]) -> Steps {
        match self {
            Steps::Constant(_) => Steps::Constant(first),
            Steps::Linear { step, .. } => Steps::Linear { next: first, step },
            Steps::Exponential { factor, .. } => {
                Steps::Exponential { next: u128::from(first) << 64 | u128::from(second), factor }
            }
            Steps::Fibonacci { .. } => Steps::Fibonacci { next: first, after: second },
        }
    }

    /// The delay that comes next. Never falls.
    pub(super) fn peek(&self) -> u64 {
        match *self {
            Steps::Constant(next) | Steps::Linear { next, .. } | Steps::Fibonacci { next, .. } => next,
            Steps::Exponential { next, .. } => (next >> 64) as u64,
        }
    }

    pub(super) fn advance(&mut self) {
        match self {
            Steps::Constant(_) => {}
            Steps::Linear { next, step } => *next = next.saturating_add(*step),
            Steps::Exponential { next, factor } => *next = factor.multiply(*next),
            Steps::Fibonacci { next, after } => (*next, *after) = (*after, next.saturating_add(*after)),
        }
    }

    /// The delay after `n` advances, or any value of at least `cap` once the schedule has reached the cap.
    pub(super) fn nth(mut self, n: u32, cap: u64) -> u64 {
        if let Steps::Linear { next, step } = self {
            return next.saturating_add(step.saturating_mul(u64::from(n)));
        }
        for _ in 0..n {
            let before = self;
            if before.peek() >= cap {
                break;
            }
            self.advance();
            if self == before {
                break;
            }
        }
        self.peek()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiply_is_exact_at_the_edges() {
        let max = u64::MAX;
        let whole = |n, d, v: u64| (Factor::new(n, d).unwrap().multiply(u128::from(v) << 64) >> 64) as u64;
        assert_eq!(whole(3, 2, 3), 4);
        assert_eq!(whole(6, 5, 100_000_000), 120_000_000);
        assert_eq!(whole(max, max / 2, 1), 2);
        assert_eq!(whole(max - 1, max / 2, max / 2), max - 1);
        assert_eq!(whole(max, 1, 1), max);
        assert_eq!(whole(max, 1, max), max);
        assert_eq!(whole(1, 1, max), max);
        assert_eq!(Factor::new(max, 1).unwrap().multiply(u128::MAX), u128::MAX);
    }

    #[test]
    fn factors_below_the_least_are_refused() {
        assert_eq!(Factor::new(0, 1), None);
        assert_eq!(Factor::new(1, 0), None);
        assert_eq!(Factor::new(0, 0), None);
        assert_eq!(Factor::new(1, 2), None);
        assert_eq!(Factor::new(1001, 1000), Factor::new(2002, 2000));
        assert!(Factor::new(1001, 1000).is_some() && Factor::new(10_009, 10_000).is_none());
        assert!(Factor::new(u64::MAX, u64::MAX).is_some());
        assert!(Factor::new(u64::MAX, u64::MAX - 1).is_none());
    }

    #[test]
    fn the_slowest_factor_reaches_the_end_in_the_promised_number_of_steps() {
        let factor = Factor::new(1001, 1000).unwrap();
        let mut steps = Steps::new(Schedule::Exponential { factor }, 1);
        let mut count = 0;
        while steps.peek() < u64::MAX {
            steps.advance();
            count += 1;
            assert!(count <= 45_000);
        }
        assert_eq!(Steps::new(Schedule::Exponential { factor }, 1).nth(u32::MAX, u64::MAX), u64::MAX);
    }
}

//! Time on a grid of ticks, exactly.
//!
//! `tick(t) = floor(t * num / den)` for every 64-bit `t`, with two 64-bit multiplications and no division: the textbook
//! "division by an invariant integer" (Granlund and Montgomery, PLDI 1994) with a 128-bit reciprocal.
//!
//! Why it is exact: let `M = ceil(num * 2^128 / den)`. Then `t*M / 2^128 = t*num/den + t*e/2^128` with `0 <= e < 1`. The
//! fraction of `t*num/den` is at most `1 - 1/den`, so the floor is right as long as `t/2^128 < 1/den`; with `t < 2^64` and
//! `den <= 2^62` the left side is below `2^-64`. Where `num = den`, M does not fit, and a tick is a nanosecond.

use crate::wide::divisor;

/// A grid with `num` ticks in every `den` nanoseconds. `1 <= num <= den <= 2^62`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    reciprocal_high: u64,
    reciprocal_low: u64,
    num: u64,
    den: u64,
}

impl Grid {
    pub(crate) const fn new(num: u64, den: u64) -> Grid {
        debug_assert!(1 <= num && num <= den && den <= 1 << 62);
        let den = divisor(den);
        if num == den {
            return Grid { reciprocal_high: 0, reciprocal_low: 0, num, den };
        }
        // num * 2^128 / den in two steps of long division. Below 2^128, because num < den.
        let dividend = (num as u128) << 64;
        let high = dividend / den as u128;
        let rest = (dividend % den as u128) << 64;
        let low = rest / den as u128;
        let round_up = !rest.is_multiple_of(den as u128) as u128;
        let reciprocal = (high << 64) + low + round_up;
        Grid { reciprocal_high: (reciprocal >> 64) as u64, reciprocal_low: reciprocal as u64, num, den }
    }

    /// The tick in which the nanosecond `t` lies.
    #[inline(always)]
    pub(crate) const fn tick(&self, t: u64) -> u64 {
        // A reciprocal is at least 2^128 / den >= 2^66, so its high half is 0 only where there is none.
        if self.reciprocal_high == 0 {
            return t;
        }
        let low = (t as u128 * self.reciprocal_low as u128) >> 64;
        // t * M / 2^64, which is below 2^128. The sum ends on a register's edge: nothing to shift.
        let high = t as u128 * self.reciprocal_high as u128;
        ((high + low) >> 64) as u64
    }

    /// The first nanosecond in `tick` or later; `u64::MAX` if that is beyond 64 bits.
    #[inline]
    pub(crate) const fn first_nanosecond(&self, tick: u64) -> u64 {
        let t = (tick as u128 * self.den as u128).div_ceil(divisor(self.num) as u128);
        if t > u64::MAX as u128 { u64::MAX } else { t as u64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees(num: u64, den: u64, t: u64) {
        let grid = Grid::new(num, den);
        let exact = (t as u128 * num as u128 / den as u128) as u64;
        assert_eq!(grid.tick(t), exact, "tick({t}) on {num}/{den}");
        let first = grid.first_nanosecond(exact);
        assert!(first <= t && grid.tick(first) == exact);
        assert!(first == 0 || grid.tick(first - 1) < exact || exact == 0);
    }

    #[test]
    fn exact_at_every_boundary() {
        let edges = |max: u64| {
            let mut all = std::vec![1, 2, 3, 7, max - 1, max];
            for k in 1..63 {
                for x in [(1u64 << k) - 1, 1 << k, (1 << k) + 1] {
                    if x <= max {
                        all.push(x);
                    }
                }
            }
            all
        };
        for den in edges(1 << 62) {
            for num in [1, 2, 3, den / 3, den / 2, den - 1, den] {
                if num == 0 || num > den {
                    continue;
                }
                for t in edges((1 << 63) - 1) {
                    agrees(num, den, t);
                }
                // Just below and at a multiple of den: where a rounded reciprocal is wrong first.
                let top = ((1u64 << 63) - 1) / den * den;
                for t in [top.saturating_sub(1), top, u64::MAX] {
                    agrees(num, den, t);
                }
            }
        }
    }

    /// The bug this file avoids: a 64-bit reciprocal is one tick late within the clock's range.
    #[test]
    fn a_64_bit_reciprocal_would_be_wrong() {
        let (num, den) = (1u64 << 27, 200_000_000u64);
        let short = ((num as u128) << 63) / den as u128;
        let wrong = (0..1u64 << 20)
            .map(|i| (i << 43) / den * den)
            .filter(|&t| ((t as u128 * short) >> 63) as u64 != Grid::new(num, den).tick(t))
            .count();
        assert!(wrong > 0);
    }
}

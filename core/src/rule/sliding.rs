//! The sliding window of two counters: the word is `{ window | previous | current }`.
//!
//! Textbook form, with e the time since the current window began:
//! ```text
//! allowed iff previous * (W - e) + (current + q) * W <= L * W
//! ```
//! Departures:
//! 1. The weights are exact products of 128 bits; no ratio is rounded.
//! 2. A counter may reach 2L by charges; as the previous one it keeps its weight, which carries the debt.
//! 3. A reservation for a later window moves the word there. Callers who come before that window are judged at its start, and are
//!    denied, because such a word always has `previous + current >= L`: nothing that gives back may break that. At the earliest instant
//!    it follows from `2L <= W`, at most one permit in 2 ns, which is refused otherwise; for a later one `previous` is raised.

use super::{Booking, END, Step, TEN_YEARS, Unbookable, bits};
use crate::grid::Grid;
use crate::quota::{Anchor, Quota, QuotaError, QuotaErrorKind};
use crate::wide::divisor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sliding {
    grid: Grid,
    period: u64,
    /// Added to `now`, so that windows with an offset begin at whole ticks.
    phase: u64,
    /// The window of word time 0.
    base: u64,
    /// Bits of each counter.
    count_bits: u32,
    limit: u64,
    /// The last nanosecond of the last window that the word can hold.
    end: u64,
}

/// The word, unpacked and seen at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    window: u64,
    previous: u64,
    current: u64,
    /// Nanoseconds since the window began; 0 for a time before it.
    elapsed: u64,
    /// Whether the time lies before the window.
    early: bool,
}

impl Sliding {
    pub(crate) const fn new(quota: &Quota, origin: u64) -> Result<Sliding, QuotaError> {
        let (limit, period) = (quota.limit(), quota.period_nanos());
        let phase = match quota.anchored() {
            Anchor::Offset(offset) if offset % divisor(period) != 0 => period - offset % divisor(period),
            _ => 0,
        };
        // Denser than a permit in 2 ns, a reservation could leave room at the start of the window that it moves to.
        if limit > period / 2 {
            return Err(QuotaError::new(QuotaErrorKind::RateTooHigh));
        }
        let grid = Grid::new(1, period);
        let count_bits = bits(limit as u128 * 2);
        let clock = bits(grid.tick(END + phase) as u128);
        let base = if 2 * count_bits + clock <= 64 {
            0
        } else {
            if count_bits > 31 || (period as u128) << (64 - 2 * count_bits) < TEN_YEARS {
                return Err(QuotaError::new(QuotaErrorKind::LimitTooLarge));
            }
            grid.tick(origin + phase)
        };
        let past = (u64::MAX >> (2 * count_bits)) as u128 + base as u128 + 1;
        let end = (past * period as u128).saturating_sub(1 + phase as u128);
        let end = if end > END as u128 { END } else { end as u64 };
        Ok(Sliding { grid, period, phase, base, count_bits, limit, end })
    }

    #[cfg_attr(tidegate_loom, allow(dead_code))]
    pub(crate) const fn tells_every_time(&self) -> bool {
        self.end == END
    }

    const fn count_mask(&self) -> u64 {
        (1 << self.count_bits) - 1
    }

    const fn last_window(&self) -> u64 {
        u64::MAX >> (2 * self.count_bits)
    }

    /// The first nanosecond of a window, on the shifted clock.
    #[inline(always)]
    fn start(&self, window: u64) -> u64 {
        // At most END + phase, because windows come from `tick`, or one or two windows more.
        (window + self.base).saturating_mul(self.period)
    }

    #[inline(always)]
    fn seen(&self, word: u64, now: u64) -> Seen {
        let shifted = now.min(self.end) + self.phase;
        let window_now = self.grid.tick(shifted).saturating_sub(self.base);
        let window = self.window_of(word);
        let (previous, current) = ((word >> self.count_bits) & self.count_mask(), word & self.count_mask());
        let (previous, current) = match window_now.saturating_sub(window) {
            0 => (previous, current),
            1 => (current, 0),
            _ => (0, 0),
        };
        let window = window.max(window_now);
        let start = self.start(window);
        Seen {
            window,
            previous,
            current,
            elapsed: shifted.saturating_sub(start),
            early: window_now < self.window_of(word),
        }
    }

    #[inline(always)]
    fn window_of(&self, word: u64) -> u64 {
        word >> (2 * self.count_bits)
    }

    #[inline(always)]
    fn word(&self, window: u64, previous: u64, current: u64) -> u64 {
        window << (2 * self.count_bits) | previous << self.count_bits | current
    }

    /// Whether `cost` fits under `limit` at the time seen. The products stay below 2^31 * 2^62.
    #[inline(always)]
    fn fits(&self, seen: &Seen, cost: u64, limit: u64) -> bool {
        cost <= limit
            && seen.current <= limit - cost
            && u128::from(seen.previous) * u128::from(self.period - seen.elapsed)
                <= u128::from(limit - cost - seen.current) * u128::from(self.period)
    }

    /// The elapsed time in a window after which `weight` from the window before leaves `room`.
    fn decayed(&self, weight: u64, room: u64) -> u64 {
        if weight <= room {
            return 0;
        }
        // room < weight, so the quotient is below the period.
        self.period - (u128::from(room) * u128::from(self.period) / u128::from(divisor(weight))) as u64
    }

    /// The first nanosecond from `now` on at which `cost` fits under `limit`.
    fn when(&self, word: u64, now: u64, cost: u64, limit: u64) -> Option<u64> {
        let seen = self.seen(word, now);
        if self.fits(&seen, cost, limit) {
            return Some(now);
        }
        if cost > limit {
            return None;
        }
        let start = u128::from(self.start(seen.window));
        let after = if seen.current <= limit - cost {
            u128::from(self.decayed(seen.previous, limit - cost - seen.current))
        } else {
            u128::from(self.period) + u128::from(self.decayed(seen.current, limit - cost))
        };
        let t = (start + after).saturating_sub(u128::from(self.phase));
        (t <= u128::from(self.end)).then_some((t as u64).max(now))
    }

    /// The word less those of `permits` that can leave the current counter without letting early callers in.
    fn give_back(&self, word: u64, seen: &Seen, permits: u64) -> u64 {
        let mut back = permits.min(seen.current);
        if seen.early {
            back = back.min((seen.previous + seen.current).saturating_sub(self.limit));
        }
        if back == 0 { word } else { self.word(seen.window, seen.previous, seen.current - back) }
    }
}

#[cfg(test)]
impl Sliding {
    pub(super) fn word_for_test(&self, window: u64, previous: u64, current: u64) -> u64 {
        self.word(window, previous, current)
    }
}

impl Step for Sliding {
    fn capacity(&self) -> u64 {
        self.limit
    }

    #[inline]
    fn take(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        let seen = self.seen(word, now);
        self.fits(&seen, cost, self.limit).then(|| self.word(seen.window, seen.previous, seen.current + cost))
    }

    fn remaining(&self, word: u64, now: u64) -> u64 {
        self.limit.saturating_sub(self.used(word, now))
    }

    fn earliest(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        self.when(word, now, cost, self.limit)
    }

    fn renewed(&self, word: u64, now: u64) -> Option<u64> {
        let seen = self.seen(word, now);
        let windows = match (seen.previous, seen.current) {
            (0, 0) => return Some(now),
            (_, 0) => 1,
            _ => 2,
        };
        let end = u128::from(self.start(seen.window)) + windows * u128::from(self.period) - u128::from(self.phase);
        (end <= u128::from(self.end)).then_some((end as u64).max(now))
    }

    fn refund(&self, word: u64, now: u64, permits: u64) -> u64 {
        self.give_back(word, &self.seen(word, now), permits)
    }

    fn charge(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        let seen = self.seen(word, now);
        self.fits(&seen, cost, 2 * self.limit).then(|| self.word(seen.window, seen.previous, seen.current + cost))
    }

    fn earliest_charge(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        self.when(word, now, cost, 2 * self.limit)
    }

    fn reserve(&self, word: u64, now: u64, from: u64, cost: u64) -> Result<(u64, u64), Unbookable> {
        let at = self.earliest(word, now, cost).ok_or(Unbookable::Never)?.max(from);
        let seen = self.seen(word, now);
        let start = self.start(seen.window);
        let ahead = (at + self.phase).saturating_sub(start) / divisor(self.period);
        let window = seen.window + ahead;
        if window > self.last_window() {
            return Err(Unbookable::Full);
        }
        let previous = match ahead {
            0 => return Ok((self.word(window, seen.previous, seen.current + cost), at)),
            1 => seen.current,
            _ => 0,
        };
        // Who comes before that window finds nothing at its start; so it is anyway if `at` is the earliest instant.
        Ok((self.word(window, previous.max(self.limit - cost), cost), at))
    }

    fn cancel(&self, word: u64, now: u64, booking: &Booking) -> u64 {
        let seen = self.seen(word, now);
        if seen.window != self.window_of(booking.after) {
            return word;
        }
        self.give_back(word, &seen, booking.cost)
    }

    fn unit(&self) -> u64 {
        1
    }

    fn used(&self, word: u64, now: u64) -> u64 {
        let seen = self.seen(word, now);
        let weighted = u128::from(seen.previous) * u128::from(self.period - seen.elapsed);
        // Two counters below 2^32.
        seen.current + weighted.div_ceil(u128::from(divisor(self.period))) as u64
    }

    fn spent(&self, now: u64, units: u64) -> Option<u64> {
        (units <= 2 * self.limit).then(|| self.word(self.seen(0, now).window, 0, units))
    }

    fn holds(&self, word: u64) -> bool {
        let (previous, current) = ((word >> self.count_bits) & self.count_mask(), word & self.count_mask());
        previous <= 2 * self.limit && current <= 2 * self.limit
    }

    fn end(&self) -> u64 {
        self.end
    }
}

//! Fixed windows, and the token bucket with interval refill: the word is `{ tick at which the interval began | used }`.
//!
//! Textbook form: a counter that is cleared (fixed window) or credited with L (token bucket) when a whole interval has passed. Both are
//! one rule: *each whole interval gives back L of what is used*, with a capacity of L (window) or B (bucket).
//!
//! Departures:
//! 1. `used` may exceed the capacity: by a charge (debt), or by reservations that wait. What is beyond is carried into the next
//!    intervals. Moving the window forward instead would forget how full the present one is and let newcomers into it.
//! 2. A reservation for a later interval closes what is left until then (`used` is padded to the boundary), because its permits
//!    are used only then.
//! 3. Aligned to the clock, a tick *is* an interval; so it is where a calendar says how long each lasts ([`Ticks`]). From first use, an
//!    interval is `2^sub` ticks, as fine as the bits beside the counter allow, so that both are one 64-bit word.

use super::{Booking, END, Step, TEN_YEARS, Unbookable, bits};
use crate::grid::Grid;
use crate::quota::{Anchor, Quota, QuotaError, QuotaErrorKind};
use crate::wide::divisor;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval<T = Even> {
    pub(super) ticks: T,
    /// An interval is `1 << sub` ticks.
    pub(super) sub: u32,
    /// The low bits of the word, which hold `used`.
    pub(super) used_bits: u32,
    /// Permits given back by each whole interval.
    pub(super) limit: u64,
    pub(super) capacity: u64,
    /// The last nanosecond of the last tick that the word can hold.
    pub(super) end: u64,
}

/// How time is told in ticks.
pub(crate) trait Ticks: Copy {
    /// The tick in which `now` lies; it never runs backwards.
    fn tick(&self, now: u64) -> u64;
    /// The first nanosecond in `tick` or later; `u64::MAX` if that is beyond 64 bits.
    fn first_nanosecond(&self, tick: u128) -> u64;
}

/// Ticks of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Even {
    grid: Grid,
    /// Added to `now` before it is put on the grid, so that windows with an offset begin at whole ticks.
    phase: u64,
    /// The tick of word time 0.
    base: u64,
}

impl Even {
    #[inline(always)]
    const fn at(&self, now: u64) -> u64 {
        self.grid.tick(now + self.phase).saturating_sub(self.base)
    }
}

impl Ticks for Even {
    #[inline(always)]
    fn tick(&self, now: u64) -> u64 {
        self.at(now)
    }

    fn first_nanosecond(&self, tick: u128) -> u64 {
        match u64::try_from(tick + u128::from(self.base)) {
            Ok(tick) => self.grid.first_nanosecond(tick).saturating_sub(self.phase),
            Err(_) => u64::MAX,
        }
    }
}

/// The word, unpacked and seen at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    start: u64,
    used: u64,
}

impl Interval {
    pub(crate) const fn new(quota: &Quota, origin: u64) -> Result<Interval, QuotaError> {
        let (limit, period, capacity) = (quota.limit(), quota.period_nanos(), quota.capacity());
        let too_large = Err(QuotaError::new(QuotaErrorKind::LimitTooLarge));
        let (grid, phase, sub, used_bits, base);
        if let Anchor::FirstUse = quota.anchored() {
            // Room for a queue of sixteen capacities, and about eighteen years of ticks.
            used_bits = bits(capacity as u128 * 32);
            if used_bits > 63 {
                return too_large;
            }
            let coarser = 59u32.saturating_sub(64 - used_bits);
            let finest = divisor(period).ilog2();
            if coarser > 0 && finest < coarser + 10 {
                return too_large;
            }
            sub = finest - coarser;
            phase = 0;
            grid = Grid::new(1 << sub, period);
            base = grid.tick(origin);
        } else {
            phase = match quota.anchored() {
                Anchor::Offset(offset) if offset % divisor(period) != 0 => period - offset % divisor(period),
                _ => 0,
            };
            sub = 0;
            grid = Grid::new(1, period);
            let needed = bits(capacity as u128 * 2);
            let clock = bits(grid.tick(END + phase) as u128);
            if needed + clock <= 64 {
                used_bits = 64 - clock;
                base = 0;
            } else {
                used_bits = needed;
                if needed > 63 || (period as u128) << (64 - needed) < TEN_YEARS {
                    return too_large;
                }
                base = grid.tick(origin + phase);
            }
        }
        let past = (u64::MAX >> used_bits) as u128 + base as u128 + 1;
        let end =
            if past > u64::MAX as u128 { END } else { (grid.first_nanosecond(past as u64) - 1).saturating_sub(phase) };
        let end = if end > END { END } else { end };
        Ok(Interval { ticks: Even { grid, phase, base }, sub, used_bits, limit, capacity, end })
    }

    /// The word of a bucket that holds `fill <= capacity` tokens at `origin`.
    pub(crate) const fn filled(&self, origin: u64, fill: u64) -> u64 {
        let tick = self.ticks.at(origin);
        let tick = if tick > self.last_tick() { self.last_tick() } else { tick };
        tick << self.used_bits | (self.capacity - fill)
    }

    #[cfg_attr(tidegate_loom, allow(dead_code))]
    pub(crate) const fn tells_every_time(&self) -> bool {
        self.end == END
    }
}

impl<T> Interval<T> {
    /// The last tick that the word can hold.
    const fn last_tick(&self) -> u64 {
        u64::MAX >> self.used_bits
    }

    /// The most that the word can count; one less than the bits hold, so that no word is `RETIRED`.
    const fn most(&self) -> u64 {
        (1 << self.used_bits) - 2
    }
}

impl<T: Ticks> Interval<T> {
    #[inline(always)]
    fn tick(&self, now: u64) -> u64 {
        self.ticks.tick(now).min(self.last_tick())
    }

    #[inline(always)]
    fn seen(&self, word: u64, now: u64) -> Seen {
        let tick = self.tick(now);
        let (start, used) = (word >> self.used_bits, word & ((1 << self.used_bits) - 1));
        let whole = tick.saturating_sub(start) >> self.sub;
        let used = used.saturating_sub(whole.saturating_mul(self.limit));
        let start = if used == 0 { start.max(tick) } else { start + (whole << self.sub) };
        Seen { start, used }
    }

    #[inline(always)]
    fn word(&self, seen: Seen) -> u64 {
        seen.start << self.used_bits | seen.used
    }

    /// How many more whole intervals it takes until `cost` fits under `capacity`.
    fn intervals(&self, used: u64, cost: u64, capacity: u64) -> u64 {
        used.saturating_add(cost).saturating_sub(capacity).div_ceil(divisor(self.limit))
    }

    /// The first nanosecond of the interval that is `intervals` after `start`.
    fn first_nanosecond(&self, start: u64, intervals: u64) -> u64 {
        self.ticks.first_nanosecond(u128::from(start) + (u128::from(intervals) << self.sub))
    }

    fn when(&self, word: u64, now: u64, cost: u64, capacity: u64) -> Option<u64> {
        let seen = self.seen(word, now);
        let intervals = self.intervals(seen.used, cost, capacity);
        if intervals == 0 {
            return Some(now);
        }
        let t = self.first_nanosecond(seen.start, intervals).max(now);
        (t <= self.end()).then_some(t)
    }

    fn fits_charge(&self, cost: u64) -> bool {
        cost / 2 <= self.capacity && u128::from(cost) <= 2 * u128::from(self.capacity)
    }
}

impl<T: Ticks> Step for Interval<T> {
    fn capacity(&self) -> u64 {
        self.capacity
    }

    #[inline]
    fn take(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        if cost > self.capacity {
            return None;
        }
        let Seen { start, used } = self.seen(word, now);
        (used <= self.capacity - cost).then(|| self.word(Seen { start, used: used + cost }))
    }

    fn remaining(&self, word: u64, now: u64) -> u64 {
        self.capacity.saturating_sub(self.seen(word, now).used)
    }

    fn earliest(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        if cost > self.capacity {
            return None;
        }
        self.when(word, now, cost, self.capacity)
    }

    fn renewed(&self, word: u64, now: u64) -> Option<u64> {
        // Full again is when a charge of nothing fits under a capacity of nothing.
        self.when(word, now, 0, 0)
    }

    fn refund(&self, word: u64, now: u64, permits: u64) -> u64 {
        let mut seen = self.seen(word, now);
        if seen.used > self.capacity || seen.used == 0 {
            return word;
        }
        seen.used -= permits.min(seen.used);
        self.word(seen)
    }

    fn charge(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        if !self.fits_charge(cost) {
            return None;
        }
        let Seen { start, used } = self.seen(word, now);
        // used_bits hold at least 2 * capacity, which is thus below 2^63.
        let used = used.saturating_add(cost);
        (used <= 2 * self.capacity).then(|| self.word(Seen { start, used }))
    }

    fn earliest_charge(&self, word: u64, now: u64, cost: u64) -> Option<u64> {
        if !self.fits_charge(cost) {
            return None;
        }
        self.when(word, now, cost, 2 * self.capacity)
    }

    fn reserve(&self, word: u64, now: u64, from: u64, cost: u64) -> Result<(u64, u64), Unbookable> {
        let at = self.earliest(word, now, cost).ok_or(Unbookable::Never)?.max(from);
        let Seen { start, used } = self.seen(word, now);
        let skipped = self.tick(at).saturating_sub(start) >> self.sub;
        // What each skipped interval gives back beyond what was used then is lost, as it would be if nothing were booked.
        let used = used.max(skipped.saturating_mul(self.limit)).saturating_add(cost);
        if used > self.most() {
            return Err(Unbookable::Full);
        }
        Ok((self.word(Seen { start, used }), at))
    }

    fn cancel(&self, word: u64, now: u64, booking: &Booking) -> u64 {
        let mut seen = self.seen(word, now);
        let booked = self.seen(booking.after, now);
        if booked.used == 0 || booked.start != seen.start || seen.used < booked.used {
            return word;
        }
        // Permits booked for one interval are alike; those of an interval that others have queued past are gone. And what is left must
        // still reach into the interval for which somebody waits.
        let left = seen.used - booking.cost.min(booked.used);
        let interval = |used| self.intervals(used, 0, self.capacity);
        if interval(booked.used) != interval(seen.used) || interval(left) != interval(seen.used) {
            return word;
        }
        seen.used = left;
        self.word(seen)
    }

    fn unit(&self) -> u64 {
        1
    }

    fn used(&self, word: u64, now: u64) -> u64 {
        self.seen(word, now).used
    }

    fn spent(&self, now: u64, units: u64) -> Option<u64> {
        (units <= self.most()).then(|| self.word(Seen { start: self.tick(now), used: units }))
    }

    fn holds(&self, word: u64) -> bool {
        word & ((1 << self.used_bits) - 1) <= self.most()
    }

    fn end(&self) -> u64 {
        self.end
    }
}

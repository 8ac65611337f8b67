//! GCRA, and the token bucket with continuous refill: the word is the theoretical arrival time (TAT) in ticks.
//!
//! Source: ITU-T I.371 (2004), annex A, "virtual scheduling". The textbook form, with `T = W/L` the emission interval:
//! ```text
//! x = max(now, TAT) + q*T;   allowed iff x - now <= B*T;   then TAT := x
//! ```
//! Departures:
//! 1. Time is counted in ticks of `T / 2^k` (1 to 2 ns), so that T is exactly `2^k` ticks at every rate: no rounding, and a
//!    multiplication by T is a shift. `now` becomes ticks by the exact [`Grid`].
//! 2. The test is written `level <= cap - q*T` with `level = max(0, TAT - now)`: neither side can overflow for any word.
//! 3. A token bucket that holds b tokens is a TAT of `now + (B - b)*T`: the same word, the same decisions.
//!
//! Bounds: `now < 2^63` ns, so its tick is below 2^63; `cap = B << k <= 2^61`. A grant leaves `TAT <= now + cap`, a charge
//! `TAT <= now + 2*cap`, a reservation `TAT - cap <= tick(END)`. So TAT stays below `2^63 + 2^62`, and never reaches `RETIRED`.

use super::{Booking, END, Step, Unbookable};
use crate::grid::Grid;
use crate::quota::{Quota, QuotaError, QuotaErrorKind};
use crate::wide::divisor;

/// `B * 2^k` is at most this.
const MAX_CAP: u64 = 1 << 61;

/// No step leaves a TAT as high as this (see the bounds above).
const MAX_TAT: u64 = (1 << 63) + (1 << 62);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Continuous {
    grid: Grid,
    /// One emission interval is `1 << shift` ticks.
    shift: u32,
    burst: u64,
    /// `burst << shift`: the level of a limiter with nothing left.
    cap: u64,
    /// `1 << shift`: what one permit spends.
    unit: u64,
    /// `cap - unit`: the highest level at which one permit fits.
    room: u64,
}

impl Continuous {
    pub(crate) const fn new(quota: &Quota) -> Result<Continuous, QuotaError> {
        let (limit, period, burst) = (quota.limit(), quota.period_nanos(), quota.capacity());
        if limit > period {
            return Err(QuotaError::new(QuotaErrorKind::RateTooHigh));
        }
        let shift = divisor(period / divisor(limit)).ilog2();
        if burst > MAX_CAP >> shift {
            return Err(QuotaError::new(QuotaErrorKind::BurstTooLong));
        }
        // limit << shift <= limit * (period / limit) <= period.
        let (cap, unit) = (burst << shift, 1 << shift);
        Ok(Continuous { grid: Grid::new(limit << shift, period), shift, burst, cap, unit, room: cap - unit })
    }

    /// The word of a bucket that holds `fill <= burst` tokens at `origin`.
    pub(crate) const fn filled(&self, origin: u64, fill: u64) -> u64 {
        self.grid.tick(origin) + ((self.burst - fill) << self.shift)
    }

    /// The TAT as if `permits` of what was spent had not been, at whatever time that was.
    ///
    /// Other than a refund this asks for no `now` and not whether somebody waits: only for words on which nobody reserves.
    pub(crate) fn unspend(&self, tat: u64, permits: u64) -> u64 {
        tat.saturating_sub(permits.min(self.burst) << self.shift)
    }

    /// Ticks until the limiter is full.
    #[inline(always)]
    fn level(&self, tat: u64, now: u64) -> u64 {
        tat.saturating_sub(self.grid.tick(now))
    }

    /// The first nanosecond from `now` on with `tick >= tick`; `None` beyond the clock.
    fn when(&self, tick: u64, now: u64) -> Option<u64> {
        let t = self.grid.first_nanosecond(tick).max(now);
        (t <= END).then_some(t)
    }

    /// The TAT that must have been reached before `cost` fits under `cap`.
    fn due(&self, tat: u64, cost: u64, cap: u64) -> u64 {
        // cost << shift <= 2 * MAX_CAP and tat < 2^63 + 2^62.
        (tat + (cost << self.shift)).saturating_sub(cap)
    }
}

impl Step for Continuous {
    fn capacity(&self) -> u64 {
        self.burst
    }

    #[inline(always)]
    fn take(&self, tat: u64, now: u64, cost: u64) -> Option<u64> {
        let (spent, room) = if cost == 1 {
            // The commonest cost is known where the call is compiled, and leaves nothing to compute.
            (self.unit, self.room)
        } else if cost <= self.burst {
            (cost << self.shift, self.cap - (cost << self.shift))
        } else {
            // Before any multiplication: above the capacity is never.
            return None;
        };
        let tick = self.grid.tick(now);
        let base = tat.max(tick);
        (base - tick <= room).then(|| base + spent)
    }

    fn remaining(&self, tat: u64, now: u64) -> u64 {
        self.cap.saturating_sub(self.level(tat, now)) >> self.shift
    }

    fn earliest(&self, tat: u64, now: u64, cost: u64) -> Option<u64> {
        if cost > self.burst {
            return None;
        }
        self.when(self.due(tat, cost, self.cap), now)
    }

    fn renewed(&self, tat: u64, now: u64) -> Option<u64> {
        self.when(tat, now)
    }

    fn refund(&self, tat: u64, now: u64, permits: u64) -> u64 {
        let level = self.level(tat, now);
        if level > self.cap {
            return tat;
        }
        // level <= cap = burst << shift, so more than `burst` permits are all of it.
        tat - (permits.min(self.burst) << self.shift).min(level)
    }

    fn charge(&self, tat: u64, now: u64, cost: u64) -> Option<u64> {
        if cost / 2 > self.burst || cost > 2 * self.burst {
            return None;
        }
        let tick = self.grid.tick(now);
        let base = tat.max(tick);
        let spent = cost << self.shift;
        (base - tick <= 2 * self.cap - spent).then(|| base + spent)
    }

    fn earliest_charge(&self, tat: u64, now: u64, cost: u64) -> Option<u64> {
        if cost / 2 > self.burst || cost > 2 * self.burst {
            return None;
        }
        self.when(self.due(tat, cost, 2 * self.cap), now)
    }

    fn reserve(&self, tat: u64, now: u64, from: u64, cost: u64) -> Result<(u64, u64), Unbookable> {
        // What is earned until a later instant than the earliest is forgone, or newcomers could use it before and again then. At the
        // earliest instant nothing is: its tick is `tat + cost*T - cap`, which is not above `tat`.
        let at = self.earliest(tat, now, cost).ok_or(Unbookable::Never)?.max(from);
        Ok((tat.max(self.grid.tick(at)) + (cost << self.shift), at))
    }

    fn cancel(&self, tat: u64, now: u64, booking: &Booking) -> u64 {
        let tick = self.grid.tick(now);
        // Beyond the capacity somebody waits behind the booking for an instant that stays. What it leaves passes unused: given to
        // a newcomer, it would run at that same instant.
        if tat < booking.after || tat.saturating_sub(tick) > self.cap {
            return tat;
        }
        tat - (booking.cost.min(self.burst) << self.shift).min(booking.after.saturating_sub(tick))
    }

    fn unit(&self) -> u64 {
        1 << self.shift
    }

    fn used(&self, tat: u64, now: u64) -> u64 {
        self.level(tat, now)
    }

    fn spent(&self, now: u64, units: u64) -> Option<u64> {
        self.grid.tick(now).checked_add(units).filter(|&tat| tat < MAX_TAT)
    }

    fn holds(&self, tat: u64) -> bool {
        tat < MAX_TAT
    }

    fn end(&self) -> u64 {
        END
    }
}

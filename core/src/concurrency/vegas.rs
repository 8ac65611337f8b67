//! Vegas: the limit is right when a few, but only a few, stand in the queue behind it.
//!
//! Source: Brakmo and Peterson, "TCP Vegas" (1995); rule and default parameters as in Netflix concurrency-limits, `VegasLimit` (January 2026).
//! With `rtt0` the least round trip seen, and `log = max(1, floor(log10(floor(limit))))`:
//! ```text
//! every jitter * multiplier * limit samples:  rtt0 := rtt                      (jitter from 1/2 to 1)
//! no rtt0 yet, or rtt < rtt0:                 rtt0 := rtt
//! otherwise queue = ceil(limit * (1 - rtt0 / rtt)), and
//!     dropped:                  new = limit - log
//!     2 * in_flight < limit:    no change
//!     queue <= log:             new = limit + 6 * log
//!     queue <  3 * log:         new = limit + log
//!     queue >  6 * log:         new = limit - log
//!     otherwise:                no change
//!     limit := (1 - smoothing) * limit + smoothing * min(max, max(min, new))
//! ```
//! Departures:
//! 1. Integers: a limit has 32 binary places; the queue is rounded up from the exact quotient.
//! 2. What was dropped says nothing of how long a call takes: it lowers the limit at once and touches neither rtt0 nor the count of samples. (There,
//!    a quick refusal becomes the round trip that everything is measured by.)
//! 3. A round trip of 0 is read as 1 ns; there it is an error.
//! 4. The least limit can be set; there it is 1, as it is here by default.

use super::sample::{AdaptiveError, Bounds, Fixed, POINT, Sample};
use crate::backoff::{random, seed};

/// Holds the limit where a small queue builds: by round trips against the least one seen. Settings and state; each [`Vegas::update`] is one step.
///
/// Finds a service's capacity without a drop, if its round trip grows with its queue. *Fixed points*: with `log` as above the limit
/// rests while the queue, `limit * (1 - rtt0/rtt)` rounded up, is from `3 * log` to `6 * log`.
///
/// ```
/// use tidegate::{Sample, Vegas};
/// let mut vegas = Vegas::new();
/// let quick = Sample { rtt_nanos: 1_000_000, in_flight: 20, dropped: false };
/// assert_eq!(vegas.update(quick), 20); // the round trip of an idle service
/// assert_eq!(vegas.update(quick), 26); // no queue: up
/// let slow = Sample { rtt_nanos: 2_000_000, in_flight: 26, dropped: false };
/// assert_eq!(vegas.update(slow), 25); // half of them in a queue: down
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vegas {
    bounds: Bounds,
    /// Thousandths.
    smoothing: u64,
    multiplier: u64,
    limit: Fixed,
    /// 0: none yet.
    least_rtt: u64,
    /// Samples since the last probe.
    count: u64,
    /// In units of 2^-32, from 2^31 on.
    jitter: u64,
    seed: u64,
}

impl Default for Vegas {
    fn default() -> Self {
        Vegas::new()
    }
}

impl Vegas {
    /// 20 in 1 to 1000, no smoothing (1000 thousandths), a probe multiplier of 30, a seed of its own.
    pub fn new() -> Vegas {
        // 1 <= 20 <= 1000.
        const BOUNDS: Bounds = match Bounds::new(1, 20, 1000) {
            Ok(bounds) => bounds,
            Err(_) => panic!("1 <= 20 <= 1000"),
        };
        let vegas = Vegas {
            bounds: BOUNDS,
            smoothing: 1000,
            multiplier: 30,
            limit: Fixed::whole(20),
            least_rtt: 0,
            count: 0,
            jitter: 0,
            seed: 0,
        };
        vegas.seed(seed::fresh())
    }

    /// Where it begins, and what it never leaves. It begins anew.
    pub const fn bounds(mut self, bounds: Bounds) -> Vegas {
        self.bounds = bounds;
        self.limit = Fixed::whole(bounds.initial());
        self.least_rtt = 0;
        self.count = 0;
        self
    }

    /// How much of each new limit is taken over, in thousandths.
    ///
    /// # Errors
    /// Outside 1 to 1000.
    pub const fn smoothing(mut self, thousandths: u64) -> Result<Vegas, AdaptiveError> {
        if thousandths == 0 || thousandths > 1000 {
            return Err(AdaptiveError::Smoothing(thousandths));
        }
        self.smoothing = thousandths;
        Ok(self)
    }

    /// The least round trip is measured anew every `multiplier * limit` samples, or after as few as half of that.
    ///
    /// # Errors
    /// Outside 1 to 1,000,000.
    pub const fn probe_multiplier(mut self, multiplier: u64) -> Result<Vegas, AdaptiveError> {
        if multiplier == 0 || multiplier > 1_000_000 {
            return Err(AdaptiveError::ProbeMultiplier(multiplier));
        }
        self.multiplier = multiplier;
        Ok(self)
    }

    /// The seed of the jitter, which keeps many limits from probing together. Without it each has its own.
    pub fn seed(mut self, seed: u64) -> Vegas {
        self.seed = seed;
        self.draw_jitter();
        self
    }

    /// The limit now. Permits.
    pub const fn limit(&self) -> u64 {
        self.limit.floor()
    }

    /// The least round trip since the last probe, in nanoseconds, if there is one.
    pub const fn least_rtt_nanos(&self) -> Option<u64> {
        if self.least_rtt == 0 { None } else { Some(self.least_rtt) }
    }

    /// One step; the limit after it.
    pub fn update(&mut self, sample: Sample) -> u64 {
        let log = u64::from(self.limit().ilog10().max(1));
        if sample.dropped {
            self.set(u128::from(self.limit.0.saturating_sub(Fixed::whole(log).0)));
            return self.limit();
        }
        let rtt = sample.rtt();
        self.count = self.count.saturating_add(1);
        if self.is_probe_due() {
            self.draw_jitter();
            self.count = 0;
            self.least_rtt = rtt;
        } else if self.least_rtt == 0 || rtt < self.least_rtt {
            self.least_rtt = rtt;
        } else if !self.limit.is_half_idle(sample.in_flight) {
            let queue = self.queue(rtt);
            let limit = u128::from(self.limit.0);
            let whole = |permits| u128::from(Fixed::whole(permits).0);
            if queue <= log {
                self.set(limit + whole(6 * log));
            } else if queue < 3 * log {
                self.set(limit + whole(log));
            } else if queue > 6 * log {
                // More stand in the queue than this.
                self.set(limit.saturating_sub(whole(log)));
            }
        }
        self.limit()
    }

    /// How many of those in flight stand in a queue: `limit * (1 - rtt0 / rtt)`, rounded up.
    fn queue(&self, rtt: u64) -> u64 {
        // limit < 2^63 and rtt < 2^64: below 2^127. The quotient is at most the limit.
        let waiting = u128::from(self.limit.0) * u128::from(rtt - self.least_rtt);
        waiting.div_ceil(u128::from(rtt) << POINT) as u64
    }

    fn is_probe_due(&self) -> bool {
        // 2^32 * 2^20 * 2^63, in units of 2^-64: below 2^115. A count is at most 2^20 * 2^31 before a probe comes, below 2^51.
        let due = u128::from(self.jitter) * u128::from(self.multiplier) * u128::from(self.limit.0);
        due <= u128::from(self.count) << (2 * POINT)
    }

    fn draw_jitter(&mut self) {
        self.seed = self.seed.wrapping_add(random::GAMMA);
        // 31 random bits behind a one: from 1/2 to 1.
        self.jitter = (1 << (POINT - 1)) | random::mix(self.seed) >> (u64::BITS - POINT + 1);
    }

    fn set(&mut self, new: u128) {
        let new = self.bounds.clamp_fixed(new);
        self.limit = self.bounds.clamp_fixed(self.limit.towards(u128::from(new.0), self.smoothing));
    }
}

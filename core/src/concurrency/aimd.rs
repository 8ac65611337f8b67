//! AIMD: one more while all goes well, a share less when something is dropped.
//!
//! Source: Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance" (1989); rule and default parameters as in
//! Netflix concurrency-limits, `AIMDLimit` (January 2026):
//! ```text
//! dropped or rtt > timeout:   limit := floor(limit * backoff)
//! 2 * in_flight >= limit:     limit := limit + 1
//! then limit := min(max, max(min, limit))
//! ```
//! Departure: the backoff is a whole number of thousandths, so the product is exact.

use core::time::Duration;

use super::sample::{AdaptiveError, Bounds, Sample};

/// Additive increase, multiplicative decrease: by drops alone. Settings and state; each [`Aimd::update`] is one pure step.
///
/// Without drops it grows by one for each call that enters while at least half of the limit is in flight, up to the maximum. In
/// steady state it swings between what the service can bear and `backoff` times that.
///
/// ```
/// use tidegate::{Aimd, Bounds, Sample};
/// let mut aimd = Aimd::new().bounds(Bounds::new(1, 20, 200)?);
/// let call = Sample { rtt_nanos: 5_000_000, in_flight: 20, dropped: false };
/// assert_eq!(aimd.update(call), 21);
/// assert_eq!(aimd.update(Sample { dropped: true, ..call }), 18);
/// // Hardly anything in flight: no reason to grow.
/// assert_eq!(aimd.update(Sample { in_flight: 3, ..call }), 18);
/// # Ok::<(), tidegate::AdaptiveError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aimd {
    bounds: Bounds,
    /// Thousandths.
    backoff: u64,
    timeout: u64,
    limit: u64,
}

impl Default for Aimd {
    fn default() -> Self {
        Aimd::new()
    }
}

impl Aimd {
    /// 20 in 20 to 200, a backoff of 900 thousandths, a timeout of 5 seconds.
    pub const fn new() -> Aimd {
        Aimd {
            bounds: match Bounds::new(20, 20, 200) {
                Ok(bounds) => bounds,
                Err(_) => panic!("20 <= 20 <= 200"),
            },
            backoff: 900,
            timeout: 5_000_000_000,
            limit: 20,
        }
    }

    /// Where it begins, and what it never leaves. It begins anew.
    pub const fn bounds(mut self, bounds: Bounds) -> Aimd {
        self.bounds = bounds;
        self.limit = bounds.initial();
        self
    }

    /// What is left of the limit after a drop, in thousandths.
    ///
    /// # Errors
    /// Outside 500 to 999.
    pub const fn backoff(mut self, thousandths: u64) -> Result<Aimd, AdaptiveError> {
        if thousandths < 500 || thousandths > 999 {
            return Err(AdaptiveError::Backoff(thousandths));
        }
        self.backoff = thousandths;
        Ok(self)
    }

    /// A call that takes longer than this counts as dropped. 584 years and more are read as that.
    ///
    /// # Errors
    /// A timeout of 0.
    pub const fn timeout(mut self, timeout: Duration) -> Result<Aimd, AdaptiveError> {
        let nanos = timeout.as_nanos();
        if nanos == 0 {
            return Err(AdaptiveError::ZeroTimeout);
        }
        self.timeout = if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 };
        Ok(self)
    }

    /// The limit now. Permits.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// One step; the limit after it.
    pub fn update(&mut self, sample: Sample) -> u64 {
        // A limit is below 2^31.
        let next = if sample.dropped || sample.rtt_nanos > self.timeout {
            self.limit * self.backoff / 1000
        } else if sample.in_flight >= self.limit.div_ceil(2) {
            self.limit + 1
        } else {
            self.limit
        };
        self.limit = self.bounds.clamp(next);
        self.limit
    }
}

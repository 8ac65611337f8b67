//! Gradient2: the limit follows how the last round trip compares with the long run.
//!
//! Source: rule and default parameters as in Netflix concurrency-limits, `Gradient2Limit` and `ExpAvgMeasurement` (January 2026). With `long` the
//! mean of the first ten round trips and then an exponential average of them over a window of n samples:
//! ```text
//! long := long * (1 - 2/(n+1)) + rtt * 2/(n+1)
//! long > 2 * rtt:             long := 0.95 * long, from the next sample on
//! 2 * in_flight < limit:      no change
//! gradient = max(1/2, min(1, tolerance * long / rtt))
//! limit := (1 - smoothing) * limit + smoothing * (limit * gradient + queue), within min and max
//! ```
//! Departures:
//! 1. Integers: limits, gradients and the average have 32 binary places, rounded down.
//! 2. What was dropped says nothing of how long a call takes: it counts with the least gradient, 1/2, and no queue, however few are in flight, and
//!    leaves the average alone. (There, a drop is a sample like any other. With the queue, drops would raise a limit below twice the queue.)
//! 3. A round trip of 0 is read as 1 ns.

use super::sample::{AdaptiveError, Bounds, Fixed, POINT, Sample};
use crate::concurrency::count::MAX_LIMIT;

/// Samples that are averaged plainly before the exponential average begins.
const WARM_UP: u64 = 10;

/// Compares each round trip with the average of many: for services whose idle round trip is not known or drifts. Settings and state; each
/// [`Gradient2::update`] is one pure step.
///
/// *Fixed points*: at a constant gradient g < 1 the limit tends to `queue / (1 - g)`; at g = 1 it grows by `smoothing * queue` a sample, up to
/// the maximum. Because the average follows the round trip, g tends to 1 at any load that lasts.
///
/// ```
/// use tidegate::{Gradient2, Sample};
/// let mut gradient = Gradient2::new();
/// let call = Sample { rtt_nanos: 1_000_000, in_flight: 20, dropped: false };
/// for _ in 0..10 {
///     gradient.update(call);
/// }
/// let before = gradient.limit();
/// let slow = Sample { rtt_nanos: 3_000_000, ..call };
/// assert!(gradient.update(slow) < before);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gradient2 {
    bounds: Bounds,
    /// Thousandths.
    smoothing: u64,
    /// Thousandths.
    tolerance: u64,
    queue: u64,
    window: u64,
    limit: Fixed,
    /// Nanoseconds in units of 2^-32: below 2^96.
    long: u128,
    /// Of the first samples, how many and how long together.
    count: u64,
    sum: u128,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Gradient2::new()
    }
}

impl Gradient2 {
    /// 20 in 20 to 200, a smoothing of 200 thousandths, a tolerance of 1500 thousandths, a queue of 4, a window of 600 samples.
    pub const fn new() -> Gradient2 {
        Gradient2 {
            bounds: match Bounds::new(20, 20, 200) {
                Ok(bounds) => bounds,
                Err(_) => panic!("20 <= 20 <= 200"),
            },
            smoothing: 200,
            tolerance: 1500,
            queue: 4,
            window: 600,
            limit: Fixed::whole(20),
            long: 0,
            count: 0,
            sum: 0,
        }
    }

    /// Where it begins, and what it never leaves. It begins anew.
    pub const fn bounds(mut self, bounds: Bounds) -> Gradient2 {
        self.bounds = bounds;
        self.limit = Fixed::whole(bounds.initial());
        (self.long, self.count, self.sum) = (0, 0, 0);
        self
    }

    /// How much of each new limit is taken over, in thousandths.
    ///
    /// # Errors
    /// Outside 1 to 1000.
    pub const fn smoothing(mut self, thousandths: u64) -> Result<Gradient2, AdaptiveError> {
        if thousandths == 0 || thousandths > 1000 {
            return Err(AdaptiveError::Smoothing(thousandths));
        }
        self.smoothing = thousandths;
        Ok(self)
    }

    /// How many times the average a round trip may take before the limit falls, in thousandths.
    ///
    /// # Errors
    /// Outside 1000 to 100,000.
    pub const fn tolerance(mut self, thousandths: u64) -> Result<Gradient2, AdaptiveError> {
        if thousandths < 1000 || thousandths > 100_000 {
            return Err(AdaptiveError::Tolerance(thousandths));
        }
        self.tolerance = thousandths;
        Ok(self)
    }

    /// How many may stand in a queue, so how fast the limit grows: permits.
    ///
    /// # Errors
    /// Outside 1 to 2^31 - 1.
    pub const fn queue(mut self, permits: u64) -> Result<Gradient2, AdaptiveError> {
        if permits == 0 || permits > MAX_LIMIT {
            return Err(AdaptiveError::Queue(permits));
        }
        self.queue = permits;
        Ok(self)
    }

    /// The window of the average: samples.
    ///
    /// # Errors
    /// Outside 1 to 1,000,000.
    pub const fn window(mut self, samples: u64) -> Result<Gradient2, AdaptiveError> {
        if samples == 0 || samples > 1_000_000 {
            return Err(AdaptiveError::Window(samples));
        }
        self.window = samples;
        Ok(self)
    }

    /// The limit now. Permits.
    pub const fn limit(&self) -> u64 {
        self.limit.floor()
    }

    /// The average round trip, in nanoseconds, rounded down.
    pub const fn long_rtt_nanos(&self) -> u64 {
        (self.long >> POINT) as u64
    }

    /// One step; the limit after it.
    pub fn update(&mut self, sample: Sample) -> u64 {
        const ONE: u128 = 1 << POINT;
        let (gradient, queue) = if sample.dropped {
            (ONE / 2, 0)
        } else {
            let rtt = u128::from(sample.rtt());
            let long = self.average(rtt);
            if long > rtt << (POINT + 1) {
                self.long = long * 95 / 100;
            }
            if self.limit.is_half_idle(sample.in_flight) {
                return self.limit();
            }
            // tolerance < 2^17 and long < 2^96.
            ((u128::from(self.tolerance) * long / (1000 * rtt)).clamp(ONE / 2, ONE), self.queue)
        };
        // limit < 2^63 and gradient <= 2^32; the sum is below 2^64.
        let new = ((u128::from(self.limit.0) * gradient) >> POINT) + u128::from(Fixed::whole(queue).0);
        self.limit = self.bounds.clamp_fixed(self.limit.towards(new, self.smoothing));
        self.limit()
    }

    /// The average with one more round trip.
    fn average(&mut self, rtt: u128) -> u128 {
        if self.count < WARM_UP {
            self.count += 1;
            self.sum += rtt;
            self.long = (self.sum << POINT) / u128::from(self.count);
        } else {
            let window = u128::from(self.window);
            // Below 2^96 * (window + 1), and window < 2^20.
            self.long = (self.long * (window - 1) + 2 * (rtt << POINT)) / (window + 1);
        }
        self.long
    }
}

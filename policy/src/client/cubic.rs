//! The client-side rate limiter of the AWS SDKs' adaptive retry mode: a token bucket whose rate follows a cubic curve.
//!
//! Source: the constants and steps that the SDKs share (botocore `retries/adaptive.py`, Smithy), and the test cases of their common
//! specification, which stand among the tests below. The curve: S. Ha, I. Rhee, L. Xu, "CUBIC", 2008.
//!
//! Departures:
//! 1. A caller reserves his token and is told how long to wait; the balance may go below zero, and callers stand in line behind it. There, they sleep
//!    and look again, and whoever wakes first goes first.
//! 2. Times are nanoseconds; the half-second buckets are whole numbers of them, where the sources divide floating-point seconds.
//! 3. The cube root is Newton's, from additions, multiplications and divisions alone, which IEEE 754 fixes: one result on every platform,
//!    where a library's `pow` may differ in the last digits. The results agree with the published ones to 10^-9 of their size.

use super::Feedback;

/// The rate after a refusal, as a share of the rate before.
const BETA: f64 = 0.7;
/// How steep the curve is.
const SCALE: f64 = 0.4;
/// The weight of the newest measurement.
const SMOOTH: f64 = 0.8;
/// The slowest rate, in requests a second.
const MIN_FILL_RATE: f64 = 0.5;
/// The smallest bucket.
const MIN_CAPACITY: f64 = 1.0;
/// The rate is measured in buckets of half a second.
const BUCKET: u64 = 500_000_000;
const SECOND: f64 = 1e9;

/// The state; each step gives the next one. Off until the first refusal: until then nobody waits.
///
/// ```
/// use tidegate_policy::client::{Cubic, Feedback};
///
/// let second = 1_000_000_000;
/// let mut pacer = Cubic::new(0);
/// assert_eq!(pacer.acquire(0, 1), 0);
/// for n in 1..=20 {
///     pacer = pacer.step(n * second / 10, Feedback::Success); // ten a second
/// }
/// pacer = pacer.step(2 * second, Feedback::Throttled);
/// assert!(pacer.is_enabled() && pacer.fill_rate() < 10.0);
/// assert!((0..20).map(|_| pacer.acquire(2 * second, 1)).max() > Some(second));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cubic {
    enabled: bool,
    /// Tokens a second.
    fill_rate: f64,
    max_capacity: f64,
    /// May be negative: what was reserved ahead.
    capacity: f64,
    refilled_at: Option<u64>,
    /// Responses a second, smoothed.
    measured_rate: f64,
    /// Nanoseconds, a multiple of half a second (the first one: of a second).
    bucket: u64,
    count: u64,
    last_max_rate: f64,
    throttled_at: u64,
    /// Seconds from a refusal until the curve is back at `last_max_rate`.
    time_window: f64,
    latest: u64,
}

impl Cubic {
    /// Nothing sent yet, at `now` in nanoseconds.
    pub const fn new(now: u64) -> Cubic {
        Cubic {
            enabled: false,
            fill_rate: 0.0,
            max_capacity: 0.0,
            capacity: 0.0,
            refilled_at: None,
            measured_rate: 0.0,
            bucket: now - now % (2 * BUCKET),
            count: 0,
            last_max_rate: 0.0,
            throttled_at: now,
            time_window: 0.0,
            latest: now,
        }
    }

    /// On the curve at a known point: the rate at the last refusal, and when that was. Not yet limiting.
    pub fn resumed(last_max_rate: f64, throttled_at: u64) -> Cubic {
        let rate = if last_max_rate.is_finite() { last_max_rate.clamp(0.0, 1e12) } else { 0.0 };
        Cubic { last_max_rate: rate, time_window: time_window(rate), ..Cubic::new(throttled_at) }
    }

    /// After a response.
    #[must_use]
    pub fn step(mut self, now: u64, feedback: Feedback) -> Cubic {
        let now = self.see(now);
        self.measure(now);
        let calculated = match feedback {
            Feedback::Success => self.curve(now),
            Feedback::Throttled => {
                let rate = if self.enabled { self.measured_rate.min(self.fill_rate) } else { self.measured_rate };
                self.last_max_rate = rate;
                self.time_window = time_window(rate);
                self.throttled_at = now;
                self.enabled = true;
                rate * BETA
            }
        };
        let rate = calculated.min(2.0 * self.measured_rate);
        self.refill(now);
        self.fill_rate = rate.max(MIN_FILL_RATE);
        self.max_capacity = rate.max(MIN_CAPACITY);
        self.capacity = self.capacity.min(self.max_capacity);
        self
    }

    /// Reserves `cost` tokens and says how long to wait before using them, in nanoseconds. 0 until the first refusal.
    pub fn acquire(&mut self, now: u64, cost: u32) -> u64 {
        let now = self.see(now);
        if !self.enabled {
            return 0;
        }
        self.refill(now);
        self.capacity -= f64::from(cost);
        if self.capacity >= 0.0 {
            return 0;
        }
        // Saturates. The rate is at least half a token a second once it is on.
        (-self.capacity / self.fill_rate.max(MIN_FILL_RATE) * SECOND).ceil() as u64
    }

    /// Whether a refusal has switched it on.
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The rate at which tokens come, a second.
    pub const fn fill_rate(&self) -> f64 {
        self.fill_rate
    }

    /// The smoothed rate of the responses, a second.
    pub const fn measured_rate(&self) -> f64 {
        self.measured_rate
    }

    /// The curve at `now`: the rate that it would allow a second, before it is held to twice the measured one.
    pub fn curve(&self, now: u64) -> f64 {
        let t = seconds(now.saturating_sub(self.throttled_at)) - self.time_window;
        SCALE * (t * t * t) + self.last_max_rate
    }

    fn see(&mut self, now: u64) -> u64 {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn measure(&mut self, now: u64) {
        self.count = self.count.saturating_add(1);
        let bucket = now - now % BUCKET;
        if bucket > self.bucket {
            let rate = self.count as f64 / seconds(bucket - self.bucket);
            self.measured_rate = rate * SMOOTH + self.measured_rate * (1.0 - SMOOTH);
            self.count = 0;
            self.bucket = bucket;
        }
    }

    fn refill(&mut self, now: u64) {
        if let Some(before) = self.refilled_at {
            let fill = seconds(now.saturating_sub(before)) * self.fill_rate;
            self.capacity = (self.capacity + fill).min(self.max_capacity);
        }
        self.refilled_at = Some(now);
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / SECOND
}

fn time_window(last_max_rate: f64) -> f64 {
    cube_root(last_max_rate * (1.0 - BETA) / SCALE)
}

/// Of a number that is not negative. The first guess divides the exponent by three; each round doubles the digits that are right.
fn cube_root(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let bits = x.to_bits() / 3 + (1023_u64 << 52) / 3 * 2;
    let mut root = f64::from_bits(bits);
    for _ in 0..6 {
        root = (2.0 * root + x / (root * root)) / 3.0;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Timestamps in seconds.
    fn at(seconds: f64) -> u64 {
        (seconds * SECOND).round() as u64
    }

    fn close(value: f64, published: f64, digits: f64) {
        assert!((value - published).abs() <= digits * published.abs().max(1.0), "{value} is not {published}");
    }

    use Feedback::{Success, Throttled};

    /// "Cubic success #1" and "#2": last_max_rate 10, last_throttle_time 5. Published to ten digits at the least.
    #[test]
    fn the_curve_of_the_specification() {
        let first = [
            (Success, 5.0, 7.0),
            (Success, 6.0, 9.64893600966),
            (Success, 7.0, 10.000030849917364),
            (Success, 8.0, 10.453284520772092),
            (Success, 9.0, 13.408697022224185),
            (Success, 10.0, 21.26626835427364),
            (Success, 11.0, 36.425998516920465),
        ];
        let second = [
            (Success, 5.0, 7.0),
            (Success, 6.0, 9.64893600966),
            (Throttled, 7.0, 6.754255206761999),
            (Throttled, 8.0, 4.727978644733399),
            (Success, 9.0, 6.606547753887045),
            (Success, 10.0, 6.763279816944947),
            (Success, 11.0, 7.598174833907107),
            (Success, 12.0, 11.511232804773524),
        ];
        for cases in [first.as_slice(), second.as_slice()] {
            let mut pacer = Cubic::resumed(10.0, at(5.0));
            let mut rate = 10.0;
            for &(feedback, now, published) in cases {
                rate = match feedback {
                    Success => pacer.curve(at(now)),
                    Throttled => {
                        pacer = Cubic::resumed(rate, at(now));
                        rate * BETA
                    }
                };
                close(rate, published, 1e-9);
            }
        }
    }

    /// "End-to-end test for client sending rates", from the time 0. Published to six places.
    #[test]
    fn the_sending_rates_of_the_specification() {
        let cases = [
            (Success, 0.2, 0.0, 0.5),
            (Success, 0.4, 0.0, 0.5),
            (Success, 0.6, 4.8, 0.5),
            (Success, 0.8, 4.8, 0.5),
            (Success, 1.0, 4.16, 0.5),
            (Success, 1.2, 4.16, 0.6912),
            (Success, 1.4, 4.16, 1.0976),
            (Success, 1.6, 5.632, 1.6384),
            (Success, 1.8, 5.632, 2.3328),
            (Throttled, 2.0, 4.3264, 3.02848),
            (Success, 2.2, 4.3264, 3.486639),
            (Success, 2.4, 4.3264, 3.821874),
            (Success, 2.6, 5.66528, 4.053386),
            (Success, 2.8, 5.66528, 4.200373),
            (Success, 3.0, 4.333056, 4.282037),
            (Throttled, 3.2, 4.333056, 2.997426),
            (Success, 3.4, 4.333056, 3.452226),
        ];
        let mut pacer = Cubic::new(0);
        for (feedback, now, measured, fill) in cases {
            pacer = pacer.step(at(now), feedback);
            close(pacer.measured_rate(), measured, 5e-7);
            close(pacer.fill_rate(), fill, 5e-7);
        }
    }

    #[test]
    fn no_number_is_beyond_it() {
        for now in [0, 1, u64::MAX - 1, u64::MAX] {
            let mut pacer = Cubic::new(now);
            for (later, feedback) in
                [(0, Throttled), (now, Success), (u64::MAX, Throttled), (3, Success), (u64::MAX, Success)]
            {
                pacer = pacer.step(later, feedback);
                let wait = pacer.acquire(later, u32::MAX);
                let rates = [pacer.fill_rate, pacer.measured_rate, pacer.capacity, pacer.curve(u64::MAX)];
                assert!(rates.iter().all(|rate| rate.is_finite()), "{pacer:?}");
                assert!(wait > 0 && pacer.fill_rate >= MIN_FILL_RATE);
            }
        }
        assert_eq!(Cubic::resumed(f64::NAN, 5).curve(5), 0.0);
        assert!(Cubic::resumed(f64::INFINITY, 5).curve(u64::MAX).is_finite());
    }

    #[test]
    fn callers_stand_in_line() {
        // Nothing measured yet: one every two seconds, and the refusal leaves no token.
        let mut pacer = Cubic::new(0).step(at(0.2), Throttled);
        assert_eq!([0; 3].map(|_| pacer.acquire(at(0.2), 1)), [at(2.0), at(4.0), at(6.0)]);
        // 3 owed, 3.5 earned.
        assert_eq!(pacer.acquire(at(7.2), 1), at(1.0));
        assert_eq!(pacer.acquire(at(9.2), 0), 0);
        assert_eq!(pacer.acquire(at(1.0), 1), at(1.0), "a late clock stands still");
    }

    #[test]
    fn the_rate_is_held_to_twice_what_is_sent() {
        let steps = (1..=50).map(|n| (at(f64::from(n) / 5.0), if n == 10 { Throttled } else { Success }));
        let pacer = steps.fold(Cubic::new(0), |pacer, (now, feedback)| pacer.step(now, feedback));
        assert!(pacer.curve(at(10.0)) > 2.0 * pacer.measured_rate());
        assert_eq!(pacer.fill_rate(), 2.0 * pacer.measured_rate());
    }

    #[test]
    fn cube_roots() {
        assert_eq!(cube_root(0.0), 0.0);
        let mut x = 1e-12;
        while x < 1e20 {
            let root = cube_root(x);
            assert!((root * root * root / x - 1.0).abs() < 1e-14, "{x}");
            x *= 1.37;
        }
        assert_eq!((cube_root(8.0), cube_root(27.0)), (2.0, 3.0));
    }
}

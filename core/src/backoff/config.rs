//! `Backoff`: a value that says how delays grow, how they are jittered, and when to give up.
//!
//! It holds no state, so it can be a `const`, be copied freely and serve any number of calls at once.

use core::fmt;
use core::time::Duration;

use super::jitter::Jitter;
use super::schedule::{Factor, Schedule, Steps};
use super::seed;
use super::session::Session;

/// Why a factor was refused.
///
/// ```
/// # use core::time::Duration;
/// # use tidegate::backoff::Backoff;
/// let error = Backoff::exponential(Duration::from_secs(1)).factor_ratio(1, 2).unwrap_err();
/// assert_eq!(error.to_string(), "the factor must be 1 or at least 1.001");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackoffError {
    /// The factor is neither 1 nor at least 1.001, or its denominator is 0: delays never shrink, and one that grows more slowly would
    /// take hours of computing to reach a cap.
    FactorTooSmall,
    /// Only an exponential schedule has a factor.
    FactorUnsupported,
    /// The text of a factor is not a decimal number such as `2` or `1.5`, or has more digits than fit in 64 bits.
    FactorText,
}

impl fmt::Display for BackoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BackoffError::FactorTooSmall => "the factor must be 1 or at least 1.001",
            BackoffError::FactorUnsupported => "only an exponential schedule has a factor",
            BackoffError::FactorText => "the factor must be a decimal number of at most 19 digits, such as \"1.5\"",
        })
    }
}

impl core::error::Error for BackoffError {}

/// How long to wait before each retry, and when to give up.
///
/// The [module page](super) defines every delay to the nanosecond. Begin with one of the four schedules, add what is needed, then
/// [`start`](Backoff::start) a session for each call. Every combination has a meaning; only a factor can be refused.
/// Without further words: no cap, no jitter, no end.
///
/// ```
/// use core::time::Duration;
/// use tidegate::backoff::{Backoff, Jitter};
///
/// const BACKOFF: Backoff = Backoff::exponential(Duration::from_millis(500))
///     .max_delay(Duration::from_secs(30))
///     .jitter(Jitter::Full)
///     .max_retries(5);
///
/// assert_eq!(BACKOFF.delays().count(), 5);
/// assert!(BACKOFF.delays().all(|delay| delay <= Duration::from_secs(30)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    pub(super) schedule: Schedule,
    /// Nanoseconds, like every time below.
    pub(super) base: u64,
    pub(super) cap: u64,
    pub(super) jitter: Jitter,
    pub(super) max_retries: Option<u32>,
    pub(super) max_elapsed: Option<u64>,
    pub(super) seed: Option<u64>,
}

impl Backoff {
    const fn new(schedule: Schedule, base: Duration) -> Backoff {
        Backoff {
            schedule,
            base: nanos(base),
            cap: u64::MAX,
            jitter: Jitter::None,
            max_retries: None,
            max_elapsed: None,
            seed: None,
        }
    }

    /// The same delay each time.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let second = Duration::from_secs(1);
    /// assert!(Backoff::constant(second).delays().take(9).all(|delay| delay == second));
    /// ```
    pub const fn constant(delay: Duration) -> Backoff {
        Backoff::new(Schedule::Constant, delay)
    }

    /// `base`, then `step` more each time. A step equal to the base gives 1, 2, 3, ... times the base.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let backoff = Backoff::linear(Duration::from_secs(1), Duration::from_secs(2));
    /// assert!(backoff.delays().take(4).map(|delay| delay.as_secs()).eq([1, 3, 5, 7]));
    /// ```
    pub const fn linear(base: Duration, step: Duration) -> Backoff {
        Backoff::new(Schedule::Linear { step: nanos(step) }, base)
    }

    /// `base`, then `factor` times as much each time. The factor is 2 unless another is given.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let backoff = Backoff::exponential(Duration::from_secs(1));
    /// assert!(backoff.delays().take(5).map(|delay| delay.as_secs()).eq([1, 2, 4, 8, 16]));
    /// ```
    pub const fn exponential(base: Duration) -> Backoff {
        Backoff::new(Schedule::Exponential { factor: Factor::TWO }, base)
    }

    /// `base` times 1, 1, 2, 3, 5, 8, ...: grows by about 1.6 each time, and more gently at first.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let backoff = Backoff::fibonacci(Duration::from_secs(1));
    /// assert!(backoff.delays().take(6).map(|delay| delay.as_secs()).eq([1, 1, 2, 3, 5, 8]));
    /// ```
    pub const fn fibonacci(base: Duration) -> Backoff {
        Backoff::new(Schedule::Fibonacci, base)
    }

    /// Another factor than 2 for an exponential schedule, as a whole number.
    ///
    /// # Errors
    /// [`FactorTooSmall`](BackoffError::FactorTooSmall) for 0, [`FactorUnsupported`](BackoffError::FactorUnsupported) for
    /// another schedule.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, BackoffError};
    /// let backoff = Backoff::exponential(Duration::from_secs(1));
    /// assert!(backoff.factor(3)?.delays().take(3).map(|delay| delay.as_secs()).eq([1, 3, 9]));
    /// assert_eq!(backoff.factor(0), Err(BackoffError::FactorTooSmall));
    /// # Ok::<(), BackoffError>(())
    /// ```
    pub const fn factor(self, factor: u32) -> Result<Backoff, BackoffError> {
        self.factor_ratio(factor as u64, 1)
    }

    /// Another factor than 2 for an exponential schedule, as an exact ratio: 1.5 is `factor_ratio(3, 2)`.
    ///
    /// # Errors
    /// [`FactorTooSmall`](BackoffError::FactorTooSmall) unless the ratio is 1 or at least 1.001,
    /// [`FactorUnsupported`](BackoffError::FactorUnsupported) for another schedule.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, BackoffError};
    /// let backoff = Backoff::exponential(Duration::from_secs(1)).factor_ratio(3, 2)?;
    /// assert!(backoff.delays().take(4).map(|delay| delay.as_millis()).eq([1000, 1500, 2250, 3375]));
    /// assert_eq!(backoff.factor_ratio(1, 2), Err(BackoffError::FactorTooSmall));
    /// # Ok::<(), BackoffError>(())
    /// ```
    pub const fn factor_ratio(mut self, numerator: u64, denominator: u64) -> Result<Backoff, BackoffError> {
        let Schedule::Exponential { .. } = self.schedule else {
            return Err(BackoffError::FactorUnsupported);
        };
        let Some(factor) = Factor::new(numerator, denominator) else {
            return Err(BackoffError::FactorTooSmall);
        };
        self.schedule = Schedule::Exponential { factor };
        Ok(self)
    }

    /// Another factor than 2 for an exponential schedule, as decimal text: `"1.1"` is exactly 11/10.
    ///
    /// For languages whose numbers are binary floating point: the shortest decimal that reads back as the same number is what the
    /// user typed, so that 1.1 has one meaning everywhere. Digits with an optional fraction; no sign, no exponent, no spaces.
    ///
    /// # Errors
    /// [`FactorText`](BackoffError::FactorText) for other text and for more than 19 digits; otherwise as
    /// [`factor_ratio`](Backoff::factor_ratio).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, BackoffError};
    /// let backoff = Backoff::exponential(Duration::from_secs(1));
    /// assert_eq!(backoff.factor_decimal("1.10"), backoff.factor_ratio(11, 10));
    /// assert_eq!(backoff.factor_decimal("1,1"), Err(BackoffError::FactorText));
    /// ```
    pub fn factor_decimal(self, text: &str) -> Result<Backoff, BackoffError> {
        let (numerator, denominator) = decimal(text).ok_or(BackoffError::FactorText)?;
        self.factor_ratio(numerator, denominator)
    }

    /// The cap: no delay is longer, **jitter included**, unless a server's hint asks for more.
    ///
    /// A cap below the base means that every delay is the cap; a cap of zero means not to wait.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let cap = Duration::from_secs(60);
    /// let backoff = Backoff::exponential(Duration::from_secs(1)).max_delay(cap).jitter(Jitter::Additive(cap));
    /// assert!(backoff.delays().take(100).all(|delay| delay <= cap));
    /// ```
    #[must_use]
    pub const fn max_delay(mut self, cap: Duration) -> Backoff {
        self.cap = nanos(cap);
        self
    }

    /// How delays are spread. See [`Jitter`].
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let backoff = Backoff::constant(Duration::from_secs(2)).jitter(Jitter::Equal);
    /// assert!(backoff.delays().take(100).all(|delay| delay.as_secs_f64() >= 1.0 && delay.as_secs_f64() <= 2.0));
    /// ```
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Backoff {
        self.jitter = jitter;
        self
    }

    /// Gives up after this many retries, so after `retries + 1` attempts. 0 means never to retry.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// assert_eq!(Backoff::constant(Duration::from_secs(1)).max_retries(3).delays().count(), 3);
    /// ```
    #[must_use]
    pub const fn max_retries(mut self, retries: u32) -> Backoff {
        self.max_retries = Some(retries);
        self
    }

    /// Gives up when the next delay would end later than this after the start; ending exactly then is in time.
    ///
    /// Elapsed time is the sum of the delays given out, or what the clock says where the session is told the time
    /// ([`next_delay_at`](Session::next_delay_at)), whichever is more.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let backoff = Backoff::exponential(Duration::from_secs(1)).max_elapsed(Duration::from_secs(7));
    /// assert!(backoff.delays().map(|delay| delay.as_secs()).eq([1, 2, 4]));
    /// ```
    #[must_use]
    pub const fn max_elapsed(mut self, elapsed: Duration) -> Backoff {
        self.max_elapsed = Some(nanos(elapsed));
        self
    }

    /// Fixes the jitter: every session of this value, in any language, draws the same sequence. For tests and replays.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let backoff = Backoff::constant(Duration::from_secs(1)).jitter(Jitter::Full).seed(42);
    /// assert!(backoff.delays().take(9).eq(backoff.delays().take(9)));
    /// ```
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Backoff {
        self.seed = Some(seed);
        self
    }

    /// The delay before retry `n` (the first is 0) with the cap and without jitter. Computes at most 45,000 multiplications,
    /// whatever n; a few dozen for a factor of 2.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let backoff = Backoff::exponential(Duration::from_secs(1)).max_delay(Duration::from_secs(60));
    /// assert_eq!(backoff.nominal_delay(3), Duration::from_secs(8));
    /// assert_eq!(backoff.nominal_delay(u32::MAX), Duration::from_secs(60));
    /// ```
    pub fn nominal_delay(&self, n: u32) -> Duration {
        Duration::from_nanos(self.steps().nth(n, self.cap).min(self.cap))
    }

    /// Begins a session: the delays of one call and its retries.
    ///
    /// Without a [`seed`](Backoff::seed) every session has a seed of its own. No two sessions of a process share one; with the feature
    /// `std` the operating system's randomness keeps processes and machines apart as well. Without it,
    /// see [`add_entropy`](super::add_entropy).
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let backoff = Backoff::constant(Duration::from_secs(1)).jitter(Jitter::Full);
    /// let (mut one, mut other) = (backoff.start(), backoff.start());
    /// assert_ne!(one.next_delay(None), other.next_delay(None));
    /// ```
    pub fn start(&self) -> Session {
        Session::new(*self, None, self.session_seed())
    }

    /// Begins a session at a known time, in nanoseconds of any clock, from which [`max_elapsed`](Backoff::max_elapsed) counts.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let second = Duration::from_secs(1);
    /// let mut session = Backoff::constant(second).max_elapsed(second * 10).start_at(5_000_000_000);
    /// // The first attempt took eight seconds to fail, the second one more: 8 + 1, and then 10 + 1.
    /// assert_eq!(session.next_delay_at(13_000_000_000, None), Some(second));
    /// assert_eq!(session.next_delay_at(15_000_000_000, None), None);
    /// ```
    pub fn start_at(&self, now: u64) -> Session {
        Session::new(*self, Some(now), self.session_seed())
    }

    /// The delays of a new session, as an iterator. Endless unless [`max_retries`](Backoff::max_retries) or
    /// [`max_elapsed`](Backoff::max_elapsed) ends it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// for delay in Backoff::exponential(Duration::from_millis(10)).max_retries(3).delays() {
    ///     // try again after `delay`
    ///     assert!(delay <= Duration::from_millis(40));
    /// }
    /// ```
    pub fn delays(&self) -> Session {
        self.start()
    }

    /// The session that [`Session::to_raw`] took apart. Any numbers give a session; what is not from there gives other delays, within the
    /// bounds of this backoff.
    pub fn resume(&self, raw: [u64; 8]) -> Session {
        Session::of_raw(*self, raw)
    }

    pub(super) fn steps(&self) -> Steps {
        Steps::new(self.schedule, self.base)
    }

    fn session_seed(&self) -> u64 {
        self.seed.unwrap_or_else(seed::fresh)
    }
}

/// Saturates: beyond 584 years every duration is `u64::MAX` nanoseconds.
pub(super) const fn nanos(duration: Duration) -> u64 {
    let nanos = duration.as_nanos();
    if nanos > u64::MAX as u128 { u64::MAX } else { nanos as u64 }
}

/// Decimal text as an exact ratio with a power of ten below. Zeros that end a fraction do not count as digits.
fn decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() {
        return None;
    }
    let mut numerator = 0_u64;
    let mut denominator = 1_u64;
    for digit in whole.bytes() {
        numerator = push(numerator, digit)?;
    }
    for digit in fraction.trim_end_matches('0').bytes() {
        numerator = push(numerator, digit)?;
        denominator = denominator.checked_mul(10)?;
    }
    Some((numerator, denominator))
}

fn push(number: u64, digit: u8) -> Option<u64> {
    let digit = char::from(digit).to_digit(10)?;
    number.checked_mul(10)?.checked_add(u64::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text() {
        assert_eq!(decimal("2"), Some((2, 1)));
        assert_eq!(decimal("2.0"), Some((2, 1)));
        assert_eq!(decimal("1.50"), Some((15, 10)));
        assert_eq!(decimal("1.05"), Some((105, 100)));
        assert_eq!(decimal("10.01"), Some((1001, 100)));
        assert_eq!(decimal("1.0000000000000002"), Some((10_000_000_000_000_002, 10_000_000_000_000_000)));
        assert_eq!(decimal("18446744073709551615"), Some((u64::MAX, 1)));
        assert_eq!(decimal("1.000000000000000000000000000000"), Some((1, 1)));
        for bad in ["", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1 ", "1.5.2", "1.5x", "x", "NaN", "inf", "١"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
        assert_eq!(decimal("18446744073709551616"), None);
        assert_eq!(decimal("1.00000000000000000001"), None);
    }
}

//! An interval between requests that follows the share of the limit that is used.
//!
//! Source: mailiam, `AdaptiveRateClient`. Departures: the shares are compared and the factors multiplied exactly, in nanoseconds
//! rounded up; a limit of 0 changes nothing (there, it makes the interval no number).

use std::fmt;

use crate::advice::Pacing;

/// How an interval follows use: the first step that applies multiplies it, within bounds. Pure: the interval is the whole state.
///
/// ```
/// use tidegate_policy::client::IntervalRule;
///
/// let rule = IntervalRule::mailiam();
/// let second = 1_000_000_000;
/// assert_eq!(rule.start(), second);
/// assert_eq!(rule.next(second, 100, 5), 2 * second); // more than 90 % used
/// assert_eq!(rule.next(second, 100, 25), second * 3 / 2); // more than 70 %
/// assert_eq!(rule.next(second, 100, 50), second);
/// assert_eq!(rule.next(second, 100, 80), second * 4 / 5); // less than 30 %
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalRule {
    start: u64,
    min: u64,
    max: u64,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    above_percent: Option<u64>,
    below_percent: Option<u64>,
    numerator: u64,
    denominator: u64,
}

/// Why a rule was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntervalError {
    /// The bounds or the start are out of order, or too large for nanoseconds in 64 bits.
    Bounds,
    /// A factor is no decimal number above 0 with at most nine digits before and after the point.
    Factor,
    /// A step has no share at which it applies.
    Step,
}

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IntervalError::Bounds => "the intervals must be min <= start <= max, and max at most 2^64 ns",
            IntervalError::Factor => "a factor must be a decimal number above 0, such as \"1.5\"",
            IntervalError::Step => "a step must say above or below which share it applies",
        })
    }
}

impl std::error::Error for IntervalError {}

impl IntervalRule {
    /// mailiam's: 1 s to begin with, 0.1 s to 10 s; doubled above 90 % of use, by 1.5 above 70 %, by 0.8 below 30 %.
    pub fn mailiam() -> IntervalRule {
        let step = |above_percent, below_percent, numerator, denominator| Step {
            above_percent,
            below_percent,
            numerator,
            denominator,
        };
        IntervalRule {
            start: 1_000_000_000,
            min: 100_000_000,
            max: 10_000_000_000,
            steps: vec![step(Some(90), None, 2, 1), step(Some(70), None, 3, 2), step(None, Some(30), 4, 5)],
        }
    }

    /// What a document publishes.
    ///
    /// # Errors
    /// [`IntervalError`] for numbers that mean nothing.
    ///
    /// ```
    /// use tidegate_policy::{Policy, client::IntervalRule};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailiam.toml");
    /// let policy = Policy::from_file(path)?;
    /// let pacing = policy.client().and_then(|client| client.pacing()).unwrap();
    /// assert_eq!(IntervalRule::from_pacing(pacing), Ok(IntervalRule::mailiam()));
    /// # Ok::<(), tidegate_policy::PolicyError>(())
    /// ```
    pub fn from_pacing(pacing: &Pacing) -> Result<IntervalRule, IntervalError> {
        let nanos = |millis: u64| millis.checked_mul(1_000_000).ok_or(IntervalError::Bounds);
        let (start, min, max) = (nanos(pacing.start_ms())?, nanos(pacing.min_ms())?, nanos(pacing.max_ms())?);
        if !(min <= start && start <= max) {
            return Err(IntervalError::Bounds);
        }
        let steps = pacing.steps().iter().map(|step| {
            let (numerator, denominator) = ratio(step.factor()).ok_or(IntervalError::Factor)?;
            let (above_percent, below_percent) = (step.above_percent(), step.below_percent());
            if above_percent.is_none() && below_percent.is_none() {
                return Err(IntervalError::Step);
            }
            Ok(Step { above_percent, below_percent, numerator, denominator })
        });
        Ok(IntervalRule { start, min, max, steps: steps.collect::<Result<_, _>>()? })
    }

    /// The interval to begin with, in nanoseconds.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The interval after a response that told the limit and what remains of it.
    pub fn next(&self, interval: u64, limit: u64, remaining: u64) -> u64 {
        let used = limit.saturating_sub(remaining);
        let (used, whole) = (u128::from(used) * 100, u128::from(limit));
        let applies = |step: &&Step| {
            let above = step.above_percent.is_none_or(|percent| used > whole * u128::from(percent));
            let below = step.below_percent.is_none_or(|percent| used < whole * u128::from(percent));
            above && below
        };
        let interval = match self.steps.iter().filter(|_| limit > 0).find(applies) {
            // Below 2^64 * 10^18; the denominator is not 0.
            Some(step) => (u128::from(interval) * u128::from(step.numerator)).div_ceil(u128::from(step.denominator)),
            None => u128::from(interval),
        };
        // Within 64 bits, as the bounds are.
        interval.clamp(u128::from(self.min), u128::from(self.max)) as u64
    }
}

/// A decimal number as a ratio in lowest terms; above 0.
fn ratio(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |digits: &str| (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    // At most nine digits each: below 10^18.
    let denominator = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let numerator = whole.parse::<u64>().ok()?.checked_mul(denominator)?.checked_add(fraction.parse().ok()?)?;
    let (mut divisor, mut rest) = (denominator, numerator);
    while let Some(next) = divisor.checked_rem(rest) {
        (divisor, rest) = (rest, next);
    }
    (numerator > 0).then(|| (numerator / divisor, denominator / divisor))
}

/// Keeps requests an interval apart: who asks gets the next free instant, first come first served.
///
/// ```
/// use tidegate_policy::client::Spacing;
///
/// let mut spacing = Spacing::new();
/// assert_eq!(spacing.take(10, 5), 0);
/// assert_eq!(spacing.take(10, 5), 5);
/// assert_eq!(spacing.take(12, 7), 8); // runs at 20, and the next one at 27
/// assert_eq!(spacing.take(30, 5), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spacing {
    free: u64,
}

impl Spacing {
    /// Nothing sent yet.
    pub const fn new() -> Spacing {
        Spacing { free: 0 }
    }

    /// The wait before a request that is ready now; the next one stands `interval` behind it. All in nanoseconds. Who does not send after all has used
    /// his instant up.
    pub fn take(&mut self, now: u64, interval: u64) -> u64 {
        let at = now.max(self.free);
        self.free = at.saturating_add(interval);
        at - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors() {
        assert_eq!(ratio("1.5"), Some((3, 2)));
        assert_eq!(ratio("0.8"), Some((4, 5)));
        assert_eq!(ratio("2"), Some((2, 1)));
        assert_eq!(ratio("999999999.999999999"), Some((999_999_999_999_999_999, 1_000_000_000)));
        for bad in ["", "0", "0.0", ".5", "5.", "-1", "1e3", "1234567890", "1.1234567890", "1,5"] {
            assert_eq!(ratio(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_published_thresholds_are_strict_and_bounded() {
        let rule = IntervalRule::mailiam();
        let second = 1_000_000_000;
        // 90 % and 70 % used: not above. 30 %: not below.
        assert_eq!(rule.next(second, 100, 10), second * 3 / 2);
        assert_eq!(rule.next(second, 100, 30), second);
        assert_eq!(rule.next(second, 100, 70), second);
        assert_eq!(rule.next(8 * second, 100, 0), 10 * second);
        assert_eq!(rule.next(second / 10, 100, 100), second / 10);
        assert_eq!(rule.next(second, 0, 0), second);
        assert_eq!(rule.next(u64::MAX, u64::MAX, 0), 10 * second);
        assert_eq!(rule.next(0, u64::MAX, u64::MAX), second / 10);
        // A remainder above the limit is nothing used.
        assert_eq!(rule.next(second, 5, 9), second * 4 / 5);
    }
}

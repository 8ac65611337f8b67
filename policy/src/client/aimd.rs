//! Additive increase, multiplicative decrease: a rate that climbs by a step with each success and falls by a share with each refusal.
//!
//! Source: D.-M. Chiu and R. Jain, "Analysis of the increase and decrease algorithms for congestion avoidance in computer networks", 1989.
//! Departure: refusals within a pause after a decrease count once, because they answer requests that were sent at the old rate.

use std::fmt;

use super::Feedback;

const MICRO: u64 = 1_000_000;

/// The rule. Rates are in millionths of a request a second, so that one request in eleven days is the slowest. Pure: see [`AimdState`].
///
/// ```
/// use tidegate_policy::client::{Aimd, Feedback};
///
/// // From 1 to 100 requests a second, 0.5 more with each success, half with each refusal, at most once in a second.
/// let rule = Aimd::new(1_000_000, 100_000_000, 500_000, 50, 1_000_000_000)?;
/// let mut state = rule.start(10_000_000);
/// state = rule.step(state, Feedback::Success, 0);
/// assert_eq!(state.rate(), 10_500_000);
/// state = rule.step(state, Feedback::Throttled, 5);
/// state = rule.step(state, Feedback::Throttled, 6);
/// assert_eq!((state.rate(), state.interval()), (5_250_000, 190_476_191));
/// # Ok::<(), tidegate_policy::client::AimdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aimd {
    min: u64,
    max: u64,
    increase: u64,
    keep_percent: u64,
    pause: u64,
}

/// Where the rate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AimdState {
    rate: u64,
    decreased_at: Option<u64>,
}

/// Why a rule was refused: the rates must be `1 <= min <= max <= 10^15`, and a refusal must keep 1 to 99 percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AimdError;

impl fmt::Display for AimdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rates must be 1 <= min <= max <= 10^15, and a refusal must keep 1 to 99 percent")
    }
}

impl std::error::Error for AimdError {}

impl Aimd {
    /// `min`, `max` and `increase` in millionths of a request a second; `keep_percent` of the rate after a refusal; `pause` in nanoseconds, in which
    /// further refusals do not count.
    ///
    /// # Errors
    /// [`AimdError`] unless `1 <= min <= max <= 10^15` (a request a nanosecond) and `1 <= keep_percent <= 99`.
    pub const fn new(min: u64, max: u64, increase: u64, keep_percent: u64, pause: u64) -> Result<Aimd, AimdError> {
        let rates = 1 <= min && min <= max && max <= 1_000_000_000 * MICRO;
        if !rates || keep_percent == 0 || keep_percent > 99 {
            return Err(AimdError);
        }
        Ok(Aimd { min, max, increase, keep_percent, pause })
    }

    /// The state at a rate, brought within the bounds.
    pub fn start(&self, rate: u64) -> AimdState {
        AimdState { rate: rate.clamp(self.min, self.max), decreased_at: None }
    }

    /// The state after a response at `now`.
    pub fn step(&self, state: AimdState, feedback: Feedback, now: u64) -> AimdState {
        match feedback {
            Feedback::Success => AimdState { rate: state.rate.saturating_add(self.increase).min(self.max), ..state },
            Feedback::Throttled => {
                let counted = state.decreased_at.is_some_and(|at| now.saturating_sub(at) < self.pause);
                if counted {
                    return state;
                }
                // At most 10^15 * 99.
                let rate = (state.rate.saturating_mul(self.keep_percent) / 100).clamp(self.min, self.max);
                AimdState { rate, decreased_at: Some(now) }
            }
        }
    }
}

impl AimdState {
    /// The rate, in millionths of a request a second.
    pub const fn rate(&self) -> u64 {
        self.rate
    }

    /// The nanoseconds between two requests at this rate, rounded up. For [`Spacing`](super::Spacing).
    pub const fn interval(&self) -> u64 {
        // A rate is at least 1.
        (1_000_000_000 * MICRO).div_ceil(if self.rate == 0 { 1 } else { self.rate })
    }
}

//! Slowing down before a limit is reached: what remains is spread over the time until the reset.

use super::is_below_percent;
use crate::advice::Client;

/// Spread what remains when less than a share of the limit is left.
///
/// Source: MigoSMTP, "slow down proactively when the value drops below 20% of the limit". With r requests left until a reset in t, the next
/// one waits `t / (r + 1)`, rounded up: the last of them leaves as long before the reset as they lie apart. A pure function.
///
/// ```
/// use tidegate_policy::client::SlowDown;
///
/// let rule = SlowDown::below_percent(20);
/// assert_eq!(rule.delay(300, 60, 30_000_000_000), 0); // exactly 20 % is not below it
/// assert_eq!(rule.delay(300, 59, 30_000_000_000), 500_000_000);
/// assert_eq!(rule.delay(300, 0, 30_000_000_000), 30_000_000_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlowDown {
    percent: u64,
}

impl SlowDown {
    /// Begin when less than this share remains. 0 is never; 100 is from the first request on.
    pub const fn below_percent(percent: u64) -> SlowDown {
        SlowDown { percent }
    }

    /// What a document advises, if it does.
    ///
    /// ```
    /// use tidegate_policy::{Policy, client::SlowDown};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/migosmtp.toml");
    /// let policy = Policy::from_file(path)?;
    /// assert_eq!(policy.client().and_then(SlowDown::from_advice), Some(SlowDown::below_percent(20)));
    /// # Ok::<(), tidegate_policy::PolicyError>(())
    /// ```
    pub fn from_advice(client: &Client) -> Option<SlowDown> {
        client.slow_down_below_percent().map(SlowDown::below_percent)
    }

    /// The wait before the next request, in nanoseconds, given the limit, what remains of it and the nanoseconds until its reset.
    pub fn delay(&self, limit: u64, remaining: u64, reset_after: u64) -> u64 {
        if !is_below_percent(remaining, limit, self.percent) {
            return 0;
        }
        let parts = u128::from(remaining) + 1;
        // At most reset_after.
        u128::from(reset_after).div_ceil(parts) as u64
    }
}

//! Retry budgets as pure steps on one 64-bit word: `(word, now, event) -> (word', answer)`.
//!
//! Three published rules, one word each. The word counts what is *missing*, so 0 is a fresh budget.
//!
//! | rule | word |
//! |---|---|
//! | tokens (AWS) | `{ missing: 64 }` tokens, at most the capacity |
//! | throttle (gRPC) | `{ missing: 64 }` thousandths of a token, at most the maximum |
//! | share (Finagle) | `{ slice: 24 \| earlier: 20 \| current: 20 }`: number of the half `ttl`, modulo 2^24; deposits less withdrawals in that half and the one before, signed |

use core::fmt;
use core::time::Duration;

use super::config::nanos;
use super::ledger::{Ledger, NET_MAX, NET_MIN};

/// What kind of failure a retry would answer. The rules of AWS price them differently; the others do not care.
///
/// ```
/// use tidegate::backoff::{Failure, RetryBudget, RetryRule};
///
/// let budget = RetryBudget::new(RetryRule::AWS_2_1);
/// assert_eq!(budget.try_retry_at(0, Failure::Transient).unwrap().cost(), 14);
/// assert_eq!(budget.try_retry_at(0, Failure::Throttled).unwrap().cost(), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// An error that may go away: status 500, 502, 503, 504, a broken connection.
    Transient,
    /// No answer in time.
    Timeout,
    /// The server asked for fewer requests: status 429, `Throttling`.
    Throttled,
}

/// Why a rule was refused.
///
/// ```
/// # use tidegate::backoff::RetryRule;
/// let error = RetryRule::tokens(0, 5, 10, 5, 1).unwrap_err();
/// assert_eq!(error.to_string(), "the rule would never allow a retry");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryRuleError {
    /// The capacity is 0, or neither share nor minimum is given: no retry would ever be allowed.
    Empty,
    /// The time to live of a share must be from 1 to 60 seconds.
    TimeToLive,
    /// A share must be a ratio of at most 1000, with a denominator that is not 0.
    Ratio,
    /// A share's ratio in lowest terms, or its reserve of `min_retries_per_sec * ttl * denominator`, is beyond 2^19 - 1 = 524,287.
    TooLarge,
    /// A throttle has 1 to 1000 tokens and gives back 0.001 to 1000 for a success.
    Throttle,
}

impl fmt::Display for RetryRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RetryRuleError::Empty => "the rule would never allow a retry",
            RetryRuleError::TimeToLive => "the time to live must be from 1 to 60 seconds",
            RetryRuleError::Ratio => "the share must be a ratio of at most 1000",
            RetryRuleError::TooLarge => {
                "the ratio's terms and min_retries_per_sec * ttl * denominator must be at most 524287"
            }
            RetryRuleError::Throttle => "the maximum must be 1 to 1000 tokens and the gain 1 to 1000000 thousandths",
        })
    }
}

impl core::error::Error for RetryRuleError {}

/// When a [`RetryBudget`](super::RetryBudget) allows a retry. A plain value; the presets are what their sources publish.
///
/// | preset | begins with | a retry | a success | source |
/// |---|---|---|---|---|
/// | [`AWS_2_0`](RetryRule::AWS_2_0) | 500 tokens | costs 5, after a timeout 10 | gives back the last retry's cost, or 1 | AWS SDKs, standard mode until 2026 |
/// | [`AWS_2_1`](RetryRule::AWS_2_1) | 500 tokens | costs 14, when throttled 5 | the same | AWS SDKs, standard mode 2026 |
/// | [`FINAGLE`](RetryRule::FINAGLE) | 10 retries for each second of 10 s | one retry | nothing; every request gives 1/5 of a retry | Finagle `RetryBudget` |
/// | [`GRPC`](RetryRule::GRPC) | 10 tokens | needs more than half of them; every failure costs 1 | gives 0.1 | gRFC A6 |
///
/// ```
/// use tidegate::backoff::{RetryBudget, RetryRule};
///
/// static BUDGET: RetryBudget = RetryBudget::new(RetryRule::AWS_2_1);
/// assert_eq!(BUDGET.tokens_at(0), 500);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RetryRule(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Tokens {
        capacity: u32,
        transient: u32,
        timeout: u32,
        throttled: u32,
        gain: u32,
    },
    /// Thousandths of a token.
    Throttle {
        most: u32,
        gain: u32,
    },
    /// `slice` is half the time to live, in nanoseconds. Units are such that deposits and withdrawals are whole.
    Share {
        slice: u64,
        reserve: u32,
        deposit: u32,
        withdrawal: u32,
    },
}

impl RetryRule {
    /// The retry quota of the AWS SDKs' standard mode, version 2.0: 500 tokens, 5 a retry and 10 after a timeout; a call that
    /// succeeds gives back what its last retry cost, or 1 if it needed none.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Retry behavior" (before 2026), and the constants of the SDKs.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_0);
    /// budget.try_retry_at(0, Failure::Timeout);
    /// assert_eq!(budget.tokens_at(0), 490);
    /// ```
    pub const AWS_2_0: RetryRule =
        RetryRule(Kind::Tokens { capacity: 500, transient: 5, timeout: 10, throttled: 5, gain: 1 });

    /// The retry quota of the AWS SDKs' standard mode, version 2.1: as 2.0, but a retry costs 14, and 5 when throttled.
    ///
    /// Source: AWS SDKs and Tools Reference Guide, "Retry behavior" (`AWS_NEW_RETRIES_2026`), and the announcement
    /// "Announcing updated retry behavior for AWS SDKs and Tools", 2026. By the guide the quota begins to drain when about 22 % of the
    /// attempts fail transiently, or about 32 % are throttled, with three attempts a call.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::AWS_2_1);
    /// let retry = budget.try_retry_at(0, Failure::Transient);
    /// assert_eq!(budget.tokens_at(0), 486);
    /// budget.success_at(0, retry);
    /// assert_eq!(budget.tokens_at(0), 500);
    /// ```
    pub const AWS_2_1: RetryRule =
        RetryRule(Kind::Tokens { capacity: 500, transient: 14, timeout: 14, throttled: 5, gain: 1 });

    /// Finagle's default budget: one retry for every five requests of the last ten seconds, and ten a second besides.
    ///
    /// Source: Finagle, `com.twitter.finagle.service.RetryBudget` (ttl 10 s, minRetriesPerSec 10, percentCanRetry 0.2). See
    /// [`share`](RetryRule::share) for how it is kept.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::FINAGLE);
    /// assert_eq!(budget.tokens_at(0), 100);
    /// for _ in 0..5 {
    ///     budget.request_at(0);
    /// }
    /// assert_eq!(budget.tokens_at(0), 101);
    /// ```
    pub const FINAGLE: RetryRule =
        RetryRule(Kind::Share { slice: 5_000_000_000, reserve: 500, deposit: 1, withdrawal: 5 });

    /// gRPC's retry throttling with the values of its design document: maxTokens 10, tokenRatio 0.1.
    ///
    /// Source: gRFC A6, "gRPC Retry Design", section on throttling. See [`throttle`](RetryRule::throttle) for other values.
    ///
    /// ```
    /// # use tidegate::backoff::{Failure, RetryBudget, RetryRule};
    /// let budget = RetryBudget::new(RetryRule::GRPC);
    /// let retries = (0..10).filter(|_| budget.try_retry_at(0, Failure::Transient).is_some()).count();
    /// assert_eq!(retries, 4); // 9, 8, 7, 6 tokens are more than half; 5 are not
    /// ```
    pub const GRPC: RetryRule = RetryRule(Kind::Throttle { most: 10_000, gain: 100 });

    /// A bucket of `capacity` tokens: a retry costs `retry`, after a timeout `timeout`, when throttled `throttled`; a success
    /// gives back what the last retry of that call cost, or `gain` if it needed none. Never more than the capacity.
    ///
    /// A cost of 0 is allowed and means that such retries are always allowed; a cost above the capacity, that they never are.
    ///
    /// # Errors
    /// [`Empty`](RetryRuleError::Empty) if the capacity is 0.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryRule, RetryRuleError};
    /// assert_eq!(RetryRule::tokens(500, 14, 14, 5, 1), Ok(RetryRule::AWS_2_1));
    /// assert_eq!(RetryRule::tokens(0, 5, 5, 5, 1), Err(RetryRuleError::Empty));
    /// ```
    pub const fn tokens(
        capacity: u32,
        retry: u32,
        timeout: u32,
        throttled: u32,
        gain: u32,
    ) -> Result<RetryRule, RetryRuleError> {
        if capacity == 0 {
            return Err(RetryRuleError::Empty);
        }
        Ok(RetryRule(Kind::Tokens { capacity, transient: retry, timeout, throttled, gain }))
    }

    /// gRPC's throttle: begins with `max_tokens`; every failed attempt takes one, down to 0, every success gives
    /// `thousandths / 1000`, up to the maximum; a retry needs more than half of the maximum after its failure is counted.
    ///
    /// # Errors
    /// [`Throttle`](RetryRuleError::Throttle) unless `max_tokens` is 1 to 1000 and `thousandths` is 1 to 1,000,000.
    ///
    /// ```
    /// # use tidegate::backoff::{RetryRule, RetryRuleError};
    /// assert_eq!(RetryRule::throttle(10, 100), Ok(RetryRule::GRPC));
    /// assert_eq!(RetryRule::throttle(1001, 100), Err(RetryRuleError::Throttle));
    /// ```
    pub const fn throttle(max_tokens: u32, thousandths: u32) -> Result<RetryRule, RetryRuleError> {
        if max_tokens == 0 || max_tokens > 1000 || thousandths == 0 || thousandths > 1_000_000 {
            return Err(RetryRuleError::Throttle);
        }
        // At most a million.
        Ok(RetryRule(Kind::Throttle { most: max_tokens.saturating_mul(1000), gain: thousandths }))
    }

    /// Finagle's budget: retries up to `numerator / denominator` of the requests of the last `ttl`, and `min_retries_per_sec`
    /// besides, so that a client with few requests may retry at all.
    ///
    /// Requests and retries are counted for each half of the `ttl` and forgotten with their half: after at least a half and at most the
    /// whole `ttl`. Over time no more than the share and the minimum rate get through; in any one `ttl`, at most twice the reserve of
    /// `min_retries_per_sec * ttl` on top of the share of the requests in the last two.
    ///
    /// Departures from Finagle: two slices instead of ten, so that one word holds them and no retry is lost or doubled
    /// between words; a fraction is exact (Finagle truncates `1000 / percentCanRetry`); how often it is asked changes nothing (Finagle drops the
    /// rest of a slice at each call, and so forgets late when polled). Within one half, deposits beyond 524,287 units are
    /// not credited. A budget that nobody touched for 2^24 halves less a sixteenth (2.5 years at 10 s) may take what it last
    /// held for current.
    ///
    /// # Errors
    /// [`TimeToLive`](RetryRuleError::TimeToLive) outside 1 to 60 s, as in Finagle; [`Ratio`](RetryRuleError::Ratio) above 1000 or
    /// with a denominator of 0; [`TooLarge`](RetryRuleError::TooLarge) if a term or the reserve does not fit 19 bits;
    /// [`Empty`](RetryRuleError::Empty) if neither share nor minimum would ever allow a retry.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{RetryRule, RetryRuleError};
    /// let ttl = Duration::from_secs(10);
    /// assert_eq!(RetryRule::share(ttl, 10, 20, 100), Ok(RetryRule::FINAGLE));
    /// assert_eq!(RetryRule::share(ttl * 7, 10, 20, 100), Err(RetryRuleError::TimeToLive));
    /// ```
    pub const fn share(
        ttl: Duration,
        min_retries_per_sec: u32,
        numerator: u32,
        denominator: u32,
    ) -> Result<RetryRule, RetryRuleError> {
        let ttl = nanos(ttl);
        if ttl < SECOND || ttl > SECOND.saturating_mul(60) {
            return Err(RetryRuleError::TimeToLive);
        }
        if denominator == 0 || numerator as u64 > (denominator as u64).saturating_mul(1000) {
            return Err(RetryRuleError::Ratio);
        }
        if numerator == 0 && min_retries_per_sec == 0 {
            return Err(RetryRuleError::Empty);
        }
        let (mut divisor, mut rest) = (denominator, numerator);
        while let Some(next) = divisor.checked_rem(rest) {
            (divisor, rest) = (rest, next);
        }
        // The greatest common divisor of two numbers, one of them not 0, is at least 1.
        let (Some(deposit), Some(withdrawal)) = (numerator.checked_div(divisor), denominator.checked_div(divisor))
        else {
            return Err(RetryRuleError::Ratio);
        };
        // Never wraps: below 2^32 * 2^36 * 2^32. The divisor is not 0.
        let reserve = match (min_retries_per_sec as u128)
            .wrapping_mul(ttl as u128)
            .wrapping_mul(withdrawal as u128)
            .checked_div(SECOND as u128)
        {
            Some(reserve) => reserve,
            None => u128::MAX,
        };
        if reserve > NET_MAX as u128 || deposit as i64 > NET_MAX || withdrawal as i64 > NET_MAX {
            return Err(RetryRuleError::TooLarge);
        }
        Ok(RetryRule(Kind::Share { slice: ttl / 2, reserve: reserve as u32, deposit, withdrawal }))
    }

    /// A first attempt is made.
    pub(super) fn request(&self, word: u64, now: u64) -> u64 {
        match self.0 {
            Kind::Tokens { .. } | Kind::Throttle { .. } => word,
            Kind::Share { slice, deposit, .. } => {
                let ledger = Ledger::seen(word, now, slice);
                let current = ledger.current.saturating_add(i64::from(deposit)).min(NET_MAX);
                Ledger { current, ..ledger }.word()
            }
        }
    }

    /// An attempt failed: may it be retried, and at what cost?
    pub(super) fn retry(&self, word: u64, now: u64, failure: Failure) -> (u64, Option<u32>) {
        match self.0 {
            Kind::Tokens { capacity, transient, timeout, throttled, .. } => {
                let cost = match failure {
                    Failure::Transient => transient,
                    Failure::Timeout => timeout,
                    Failure::Throttled => throttled,
                };
                let missing = word.saturating_add(u64::from(cost));
                if missing <= u64::from(capacity) { (missing, Some(cost)) } else { (word, None) }
            }
            Kind::Throttle { most, .. } => {
                let missing = self.give_up(word);
                let above_half = missing.saturating_mul(2) < u64::from(most);
                (missing, above_half.then_some(0))
            }
            Kind::Share { slice, reserve, withdrawal, .. } => {
                let ledger = Ledger::seen(word, now, slice);
                let current = ledger.current.saturating_sub(i64::from(withdrawal));
                let balance = i64::from(reserve).saturating_add(ledger.earlier).saturating_add(current);
                if balance < 0 || current < NET_MIN {
                    return (word, None);
                }
                (Ledger { current, ..ledger }.word(), Some(0))
            }
        }
    }

    /// An attempt failed and is not retried for other reasons.
    pub(super) fn give_up(&self, word: u64) -> u64 {
        match self.0 {
            Kind::Tokens { .. } | Kind::Share { .. } => word,
            Kind::Throttle { most, .. } => word.saturating_add(1000).min(u64::from(most)),
        }
    }

    /// A call succeeded, the last of its retries at the given cost.
    pub(super) fn success(&self, word: u64, last_cost: Option<u32>) -> u64 {
        match self.0 {
            Kind::Tokens { gain, .. } => word.saturating_sub(u64::from(last_cost.unwrap_or(gain))),
            Kind::Throttle { gain, .. } => word.saturating_sub(u64::from(gain)),
            Kind::Share { .. } => word,
        }
    }

    /// What is left, in the unit of the rule.
    pub(super) fn left(&self, word: u64, now: u64) -> u64 {
        match self.0 {
            Kind::Tokens { capacity, .. } => u64::from(capacity).saturating_sub(word),
            Kind::Throttle { most, .. } => u64::from(most).saturating_sub(word),
            Kind::Share { slice, reserve, withdrawal, .. } => {
                let ledger = Ledger::seen(word, now, slice);
                let balance = i64::from(reserve).saturating_add(ledger.earlier).saturating_add(ledger.current);
                u64::try_from(balance).unwrap_or(0).checked_div(u64::from(withdrawal)).unwrap_or(0)
            }
        }
    }
}

const SECOND: u64 = 1_000_000_000;
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nets_stop_at_their_fields() {
        let rule = RetryRule::share(Duration::from_secs(1), 1, 3, 2).unwrap();
        let full = Ledger { slice: 0, earlier: 0, current: NET_MAX - 1 }.word();
        assert_eq!(Ledger::seen(rule.request(full, 0), 0, SECOND / 2).current, NET_MAX);
        let spent = Ledger { slice: 0, earlier: NET_MAX, current: NET_MIN + 1 }.word();
        assert_eq!(rule.retry(spent, 0, Failure::Transient), (spent, None));
        let last = Ledger { slice: 0, earlier: NET_MAX, current: NET_MIN + 2 }.word();
        let (word, cost) = rule.retry(last, 0, Failure::Transient);
        assert_eq!((Ledger::seen(word, 0, SECOND / 2).current, cost), (NET_MIN, Some(0)));
    }
}

//! What a response said about its limits, whatever its dialect: plain numbers, and waits in nanoseconds from now.

use std::fmt;

use super::moment::TimeForm;

/// A dialect or a provider's style that a response was recognized by.
///
/// ```
/// # use tidegate_policy::headers::Seen;
/// assert_eq!(Seen::Draft08.to_string(), "draft-08");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Seen {
    /// `Retry-After`, or one of its like in milliseconds.
    RetryAfter,
    /// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
    XRateLimit,
    /// The same with `X-RateLimit-RetryAfter`, or with a scope that Discord does not have.
    Mailiam,
    /// The same with `X-RateLimit-Resource`.
    GitHub,
    /// The same with `X-RateLimit-Reset-After`, `-Bucket` or `-Global`.
    Discord,
    /// `X-Ratelimit-Used`, `-Remaining`, `-Reset` without a limit.
    Reddit,
    /// `x-ratelimit-limit-requests`, `-tokens` and so on: several limits, each with a name at the end.
    OpenAi,
    /// `anthropic-ratelimit-requests-limit` and so on: several limits, each with a name in the middle.
    Anthropic,
    /// `x-rate-limit-limit`, `-remaining`, `-reset`.
    Twitter,
    /// `RateLimit-Limit`, `-Remaining`, `-Reset`: draft-ietf-httpapi-ratelimit-headers up to 06.
    Draft06,
    /// `RateLimit: limit=, remaining=, reset=`: draft 07.
    Draft07,
    /// `RateLimit: "name";r=;t=`: drafts 08 to 11.
    Draft08,
}

impl Seen {
    /// All of them.
    pub const ALL: [Seen; 12] = [
        Seen::RetryAfter,
        Seen::XRateLimit,
        Seen::Mailiam,
        Seen::GitHub,
        Seen::Discord,
        Seen::Reddit,
        Seen::OpenAi,
        Seen::Anthropic,
        Seen::Twitter,
        Seen::Draft06,
        Seen::Draft07,
        Seen::Draft08,
    ];
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Seen::RetryAfter => "retry-after",
            Seen::XRateLimit => "x-ratelimit",
            Seen::Mailiam => "mailiam",
            Seen::GitHub => "github",
            Seen::Discord => "discord",
            Seen::Reddit => "reddit",
            Seen::OpenAi => "openai",
            Seen::Anthropic => "anthropic",
            Seen::Twitter => "twitter",
            Seen::Draft06 => "draft-06",
            Seen::Draft07 => "draft-07",
            Seen::Draft08 => "draft-08",
        })
    }
}

/// One limit as a response told it. What was not said, or could not be read, is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedLimit {
    pub(super) seen: Seen,
    pub(super) name: Option<Box<str>>,
    pub(super) scope: Option<Box<str>>,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) reset_after: Option<u64>,
    pub(super) reset_form: Option<TimeForm>,
    pub(super) window: Option<u64>,
}

impl ObservedLimit {
    /// How it was told.
    pub fn seen(&self) -> Seen {
        self.seen
    }

    /// Its name: a policy of the drafts, GitHub's resource, Discord's bucket, `requests` or `tokens`. Printable ASCII, at most 64 bytes.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whom it counts, in the server's words. Printable ASCII, at most 64 bytes.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The capacity.
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// What remains: rounded down, and 0 for what is below.
    pub fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// The wait until it is reset, in nanoseconds: rounded up, 0 for the past.
    pub fn reset_after(&self) -> Option<u64> {
        self.reset_after
    }

    /// How the reset was written.
    pub fn reset_form(&self) -> Option<TimeForm> {
        self.reset_form
    }

    /// The period, in nanoseconds; only the drafts tell it.
    pub fn window(&self) -> Option<u64> {
        self.window
    }

    /// Whether nothing remains.
    pub fn is_exhausted(&self) -> bool {
        self.remaining == Some(0)
    }
}

/// What a response said. Made by [`Observed::parse`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub(super) seen: u16,
    pub(super) limits: Vec<ObservedLimit>,
    pub(super) retry_after: Option<u64>,
    pub(super) on_every_response: Option<u64>,
    pub(super) global: bool,
    pub(super) ignored: u32,
}

impl Observed {
    /// Whether a dialect was seen.
    pub fn has_seen(&self, seen: Seen) -> bool {
        self.seen & (1 << seen as u16) != 0
    }

    /// The dialects seen; several where a server sends several.
    pub fn seen(&self) -> impl Iterator<Item = Seen> + use<> {
        let bits = self.seen;
        Seen::ALL.into_iter().filter(move |seen| bits & (1 << *seen as u16) != 0)
    }

    pub(super) fn mark(&mut self, seen: Seen) {
        self.seen |= 1 << seen as u16;
    }

    /// The limits, at most [`MAX_LIMITS`](Self::MAX_LIMITS), in the order of their first header.
    pub fn limits(&self) -> &[ObservedLimit] {
        &self.limits
    }

    /// The limit of which the least share remains: among equals the one with the longer reset. One that does not tell its limit counts as whole,
    /// unless nothing remains. `None` if no limit told what remains.
    pub fn binding(&self) -> Option<&ObservedLimit> {
        let share = |limit: &ObservedLimit| {
            let (remaining, of) = (limit.remaining?, limit.limit.unwrap_or(limit.remaining?).max(1));
            Some((remaining, of, u64::MAX - limit.reset_after.unwrap_or(0)))
        };
        let told = self.limits.iter().filter(|limit| limit.remaining.is_some());
        told.min_by(|one, other| match (share(one), share(other)) {
            // Products of 64-bit numbers.
            (Some((a, of_a, reset_a)), Some((b, of_b, reset_b))) => {
                let order = (u128::from(a) * u128::from(of_b)).cmp(&(u128::from(b) * u128::from(of_a)));
                order.then(reset_a.cmp(&reset_b))
            }
            _ => std::cmp::Ordering::Equal,
        })
    }

    /// The wait that the server asked for, in nanoseconds, rounded up: `Retry-After`; of several the longest. `None` if it did not.
    ///
    /// mailiam sends its own on every response, also while something remains: it counts only if nothing does. After a refusal see
    /// [`refused_wait`](Self::refused_wait).
    pub fn retry_after(&self) -> Option<u64> {
        let left = self.limits.iter().any(|limit| limit.seen == Seen::Mailiam && limit.remaining > Some(0));
        self.retry_after.max(if left { None } else { self.on_every_response })
    }

    /// The wait before the next request, in nanoseconds: [`retry_after`](Self::retry_after) if there is one, as it takes precedence; otherwise the
    /// longest reset of the limits of which nothing remains; otherwise 0.
    pub fn wait(&self) -> u64 {
        self.retry_after().unwrap_or_else(|| self.exhausted_wait().unwrap_or(0))
    }

    /// The wait after a response that was a refusal, in nanoseconds: as [`wait`](Self::wait), and `None` if the server gave no hint at all.
    pub fn refused_wait(&self) -> Option<u64> {
        self.asked_wait().or_else(|| self.exhausted_wait())
    }

    /// Every wait that the server asked for, mailiam's too.
    pub(crate) fn asked_wait(&self) -> Option<u64> {
        self.retry_after.max(self.on_every_response)
    }

    fn exhausted_wait(&self) -> Option<u64> {
        let resets = self.limits.iter().filter(|limit| limit.is_exhausted()).filter_map(|limit| limit.reset_after);
        resets.max()
    }

    /// Whether the server says that the limit holds for all that the client does (`X-RateLimit-Global`, or the scope `global`).
    pub fn is_global(&self) -> bool {
        self.global
    }

    /// How many recognized fields were malformed, too long or too many, and were left out.
    pub fn ignored(&self) -> u32 {
        self.ignored
    }
}

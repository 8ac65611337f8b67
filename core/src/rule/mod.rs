//! Rules: each algorithm as a pure step on one 64-bit word, `(word, now, cost) -> word'`.
//!
//! A rule knows no atomic, no clock and no heap; a *place* (an atomic in `limiter`, later a slot of a table) knows no algorithm.
//! One file is one family of `docs/semantics.md`: [`continuous`] (GCRA and the continuous token bucket), [`interval`] (fixed window
//! and interval refill), [`sliding`] (sliding window). The sliding log needs a word a permit and lives in `limiter::log`.
//!
//! Every rule upholds three invariants on the words that it makes:
//! * a word never equals [`RETIRED`], and `take` denies every cost on it;
//! * a granted cost of at least 1 changes the word;
//! * `0` is the word of a new, full limiter.

#[cfg(feature = "calendar")]
mod calendar;
pub(crate) mod continuous;
#[cfg(all(test, not(tidegate_loom)))]
mod exhaustive;
pub(crate) mod interval;
pub(crate) mod sliding;

use continuous::Continuous;
use interval::Interval;
use sliding::Sliding;

#[cfg(feature = "calendar")]
use crate::calendar::Calendar;
use crate::quota::{Anchor, Quota, QuotaError, QuotaErrorKind};

/// The last nanosecond of every clock, 292 years after its origin. Later times are read as this one.
pub(crate) const END: u64 = (1 << 63) - 1;

/// Not a state: marks a word whose limiter has been replaced. It reads as "far beyond capacity", so no grant can succeed on it and
/// the path of a grant need not look for it.
pub(crate) const RETIRED: u64 = u64::MAX;

/// The five algorithms.
///
/// | name | promise | state | source |
/// |---|---|---|---|
/// | `gcra` | spaced permits, at most `B + floor(L*t/W)` in any span t, to the tick of 1 to 2 ns | 8 bytes | ITU-T I.371, virtual scheduling |
/// | `token-bucket` | the same (continuous), or L more at each whole interval | 8 bytes | Turner 1986 |
/// | `fixed-window` | at most L in a window, up to 2L around a boundary | 8 bytes | |
/// | `sliding-window` | two weighted counters; below 2L in any span of W | 8 bytes | |
/// | `sliding-log` | never more than L in any span of W | 8 bytes a permit | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// Generic cell rate algorithm: one permit every `period / limit`, with bursts up to the quota's burst.
    #[default]
    Gcra,
    /// A bucket of `burst` tokens, refilled continuously (then it decides as GCRA does) or at whole intervals.
    TokenBucket,
    /// A count that starts anew in each window.
    FixedWindow,
    /// The count of this window plus the last one's, weighted by how much of it still lies within the period.
    SlidingWindow,
    /// Every permit's time is kept: an exact rolling window.
    SlidingLog,
}

impl Algorithm {
    /// All algorithms, in the order of their names in the documentation.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::Gcra,
        Algorithm::TokenBucket,
        Algorithm::FixedWindow,
        Algorithm::SlidingWindow,
        Algorithm::SlidingLog,
    ];

    /// The name in text: `gcra`, `token-bucket`, `fixed-window`, `sliding-window`, `sliding-log`.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Gcra => "gcra",
            Algorithm::TokenBucket => "token-bucket",
            Algorithm::FixedWindow => "fixed-window",
            Algorithm::SlidingWindow => "sliding-window",
            Algorithm::SlidingLog => "sliding-log",
        }
    }
}

impl core::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm(());

impl core::fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("expected gcra, token-bucket, fixed-window, sliding-window or sliding-log")
    }
}

impl core::error::Error for UnknownAlgorithm {}

impl core::str::FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == text).ok_or(UnknownAlgorithm(()))
    }
}

/// How a token bucket gets its tokens back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Refill {
    /// One token every `period / limit`.
    #[default]
    Continuous,
    /// `limit` tokens at once at the end of each whole period.
    Interval,
}

/// All that says what a limiter is, besides its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Config {
    pub(crate) algorithm: Algorithm,
    pub(crate) quota: Quota,
    pub(crate) refill: Refill,
    pub(crate) initial: Option<u64>,
}

impl Config {
    /// Refuses what only a token bucket has.
    pub(crate) const fn refuse_bucket_options(&self) -> Result<(), QuotaError> {
        if matches!(self.refill, Refill::Interval) {
            return Err(QuotaError::new(QuotaErrorKind::RefillUnsupported));
        }
        if self.initial.is_some() {
            return Err(QuotaError::new(QuotaErrorKind::InitialUnsupported));
        }
        Ok(())
    }
}

/// A reserved instant, and what is needed to give it back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booking {
    pub(crate) before: u64,
    pub(crate) after: u64,
    pub(crate) cost: u64,
}

impl Booking {
    /// Less than all of it: the word before it is not to come back.
    pub(crate) fn part(self, permits: u64) -> Booking {
        Booking { before: RETIRED, cost: permits, ..self }
    }
}

/// Why a reservation was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbookable {
    /// The cost is above the capacity, or the instant is beyond the end of the clock.
    Never,
    /// The word has no room for a queue this long.
    Full,
}

/// One algorithm on one word. `now` is at most [`END`]; costs are at least 1 where a step is asked to spend.
pub(crate) trait Step {
    /// The largest cost that can ever be allowed.
    fn capacity(&self) -> u64;
    /// The word after spending `cost`, or `None` if it is denied.
    fn take(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    /// The largest cost that `take` would allow.
    fn remaining(&self, word: u64, now: u64) -> u64;
    /// The first nanosecond from `now` on at which `take(cost)` is allowed (for cost 0: at which what is spent is within capacity).
    fn earliest(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    /// The first nanosecond from `now` on at which the limiter is as good as new.
    fn renewed(&self, word: u64, now: u64) -> Option<u64>;
    fn refund(&self, word: u64, now: u64, permits: u64) -> u64;
    /// The word after spending `cost` into a debt of at most one more capacity.
    fn charge(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    /// The first nanosecond from `now` on at which `charge(cost)` is accepted.
    fn earliest_charge(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    /// The word after booking `cost` at the earliest instant that is not before `from`, and the instant.
    fn reserve(&self, word: u64, now: u64, from: u64, cost: u64) -> Result<(u64, u64), Unbookable>;
    /// The word without the booking: the one before it if nothing has happened since (and that one is this rule's), or else
    /// [`Step::cancel`], unless somebody waits whom the word does not show.
    fn unbook(&self, word: u64, now: u64, booking: &Booking, hidden: bool) -> u64 {
        if word == booking.after && self.holds(booking.before) {
            booking.before
        } else if hidden {
            word
        } else {
            self.cancel(word, now, booking)
        }
    }
    /// The word without the booking, as far as nobody else relies on it. The word differs from `booking.after`.
    fn cancel(&self, word: u64, now: u64, booking: &Booking) -> u64;
    /// How finely use is counted: units in one permit.
    fn unit(&self) -> u64;
    /// What is used, in units.
    fn used(&self, word: u64, now: u64) -> u64;
    /// The word of a limiter that is new at `now`, but for `units` used; `None` if no word can say it.
    fn spent(&self, now: u64, units: u64) -> Option<u64>;
    /// Whether `word` is one that this rule's steps can make.
    fn holds(&self, word: u64) -> bool;
    /// The last nanosecond that the word can tell from the one before; time stands still there.
    fn end(&self) -> u64;
}

/// A rule that fits one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Continuous(Continuous),
    Interval(Interval),
    Sliding(Sliding),
    #[cfg(feature = "calendar")]
    Calendar(Interval<Calendar>),
}

impl Rule {
    /// The rule of `config` for a limiter made at `origin`.
    pub(crate) const fn new(config: &Config, origin: u64) -> Result<Rule, QuotaError> {
        let bucket = matches!(config.algorithm, Algorithm::TokenBucket);
        let interval = matches!(config.refill, Refill::Interval);
        if !bucket && let Err(error) = config.refuse_bucket_options() {
            return Err(error);
        }
        if let Some(initial) = config.initial
            && initial > config.quota.capacity()
        {
            return Err(QuotaError::new(QuotaErrorKind::InitialUnsupported));
        }
        if !matches!(config.algorithm, Algorithm::Gcra | Algorithm::TokenBucket)
            && config.quota.capacity() != config.quota.limit()
        {
            return Err(QuotaError::new(QuotaErrorKind::BurstUnsupported));
        }
        #[cfg(feature = "calendar")]
        if let Anchor::Calendar(calendar) = config.quota.anchored() {
            return match Interval::of_calendar(config, calendar) {
                Ok(rule) => Ok(Rule::Calendar(rule)),
                Err(error) => Err(error),
            };
        }
        let anchored_well = match config.quota.anchored() {
            #[cfg(feature = "calendar")]
            Anchor::Calendar(_) => false,
            Anchor::Clock | Anchor::Offset(0) => true,
            Anchor::FirstUse => interval || matches!(config.algorithm, Algorithm::FixedWindow),
            Anchor::Offset(_) => {
                interval || matches!(config.algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow)
            }
        };
        if !anchored_well {
            return Err(QuotaError::new(QuotaErrorKind::AnchorUnsupported));
        }
        match config.algorithm {
            Algorithm::Gcra | Algorithm::TokenBucket if !interval => match Continuous::new(&config.quota) {
                Ok(rule) => Ok(Rule::Continuous(rule)),
                Err(error) => Err(error),
            },
            Algorithm::SlidingWindow => match Sliding::new(&config.quota, origin) {
                Ok(rule) => Ok(Rule::Sliding(rule)),
                Err(error) => Err(error),
            },
            Algorithm::SlidingLog => Err(QuotaError::new(QuotaErrorKind::NeedsMemory)),
            _ => match Interval::new(&config.quota, origin) {
                Ok(rule) => Ok(Rule::Interval(rule)),
                Err(error) => Err(error),
            },
        }
    }

    /// The rule of a limiter that is made where a program is compiled. Panics if there is none.
    #[cfg(not(tidegate_loom))]
    pub(crate) const fn fixed(config: &Config) -> Rule {
        let rule = match Rule::new(config, 0) {
            Ok(rule) => rule,
            Err(_) => panic!("this algorithm cannot hold this quota"),
        };
        // A static cannot say when it was made, so its word must not depend on that.
        assert!(rule.tells_every_time(), "this quota needs a limiter that is built at run time");
        rule
    }

    /// Whether a word shows everybody who waits: a window that lies ahead does, wherever it is.
    pub(crate) const fn shows_instants(&self) -> bool {
        matches!(self, Rule::Sliding(_))
    }

    /// Whether the word can tell every time of the clock, whatever its origin.
    #[cfg_attr(tidegate_loom, allow(dead_code))]
    pub(crate) const fn tells_every_time(&self) -> bool {
        match self {
            Rule::Continuous(_) => true,
            Rule::Interval(rule) => rule.tells_every_time(),
            Rule::Sliding(rule) => rule.tells_every_time(),
            #[cfg(feature = "calendar")]
            Rule::Calendar(_) => true,
        }
    }

    /// The word of a limiter made at `origin` with `initial` permits (all, if `None`).
    pub(crate) const fn first_word(&self, origin: u64, initial: Option<u64>) -> u64 {
        match (self, initial) {
            (Rule::Continuous(rule), Some(fill)) => rule.filled(origin, fill),
            (Rule::Interval(rule), Some(fill)) => rule.filled(origin, fill),
            _ => 0,
        }
    }
}

impl Rule {
    /// The word as if `permits` of what was spent had not been (see `Continuous::unspend`); unchanged under rules that leases do not know.
    pub(crate) fn unspend(&self, word: u64, permits: u64) -> u64 {
        match self {
            Rule::Continuous(rule) => rule.unspend(word, permits),
            _ => word,
        }
    }
}

/// Calls the same method of whichever rule it is.
macro_rules! dispatch {
    ($(fn $name:ident(&self $(, $arg:ident: $ty:ty)*) -> $out:ty;)*) => {
        impl Step for Rule {
            $(#[inline]
            fn $name(&self $(, $arg: $ty)*) -> $out {
                match self {
                    Rule::Continuous(rule) => rule.$name($($arg),*),
                    Rule::Interval(rule) => rule.$name($($arg),*),
                    Rule::Sliding(rule) => rule.$name($($arg),*),
                    #[cfg(feature = "calendar")]
                    Rule::Calendar(rule) => rule.$name($($arg),*),
                }
            })*
        }
    };
}

dispatch! {
    fn capacity(&self) -> u64;
    fn take(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    fn remaining(&self, word: u64, now: u64) -> u64;
    fn earliest(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    fn renewed(&self, word: u64, now: u64) -> Option<u64>;
    fn refund(&self, word: u64, now: u64, permits: u64) -> u64;
    fn charge(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    fn earliest_charge(&self, word: u64, now: u64, cost: u64) -> Option<u64>;
    fn reserve(&self, word: u64, now: u64, from: u64, cost: u64) -> Result<(u64, u64), Unbookable>;
    fn cancel(&self, word: u64, now: u64, booking: &Booking) -> u64;
    fn unit(&self) -> u64;
    fn used(&self, word: u64, now: u64) -> u64;
    fn spent(&self, now: u64, units: u64) -> Option<u64>;
    fn holds(&self, word: u64) -> bool;
    fn end(&self) -> u64;
}

/// `floor(log2(x)) + 1`: the bits that hold every value up to `x`.
pub(crate) const fn bits(x: u128) -> u32 {
    128 - x.leading_zeros()
}

/// Ten years of 365.25 days, in nanoseconds.
pub(crate) const TEN_YEARS: u128 = 10 * 31_557_600_000_000_000;

//! `QuotaError`: why a quota was refused, with the position in its text or the bound that it broke.

use core::fmt;

/// Why a quota was refused. Small, `Copy`, and free of allocation.
///
/// ```
/// let error = "300/fortnight".parse::<tidegate::Quota>().unwrap_err();
/// assert_eq!(error.position(), Some(4));
/// assert_eq!(error.to_string(), "at position 4: expected a unit of time (ns us ms s min h d w), such as \"300/min\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaError {
    kind: QuotaErrorKind,
    position: Option<usize>,
    /// The name of a time zone that may have been meant.
    #[cfg(feature = "calendar")]
    near: Option<&'static str>,
}

/// The kinds of [`QuotaError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QuotaErrorKind {
    /// The limit is 0.
    ZeroLimit,
    /// The period is 0.
    ZeroPeriod,
    /// The period is longer than 2^62 ns (146 years).
    PeriodTooLong,
    /// The burst is 0.
    ZeroBurst,
    /// A number in the text does not fit in 64 bits.
    NumberTooLarge,
    /// The text ended or went on where a number was expected.
    ExpectedNumber,
    /// The text has something else where `/` or `per` was expected.
    ExpectedPer,
    /// The text has no unit of time where one was expected.
    ExpectedUnit,
    /// The text goes on after a whole quota.
    TrailingText,
    /// A part of the text was given twice.
    Repeated,
    /// A calendar period, which this build does not know: it lacks the feature `calendar`.
    CalendarUnsupported,
    /// The text has no unit of the calendar where one was expected.
    ExpectedCalendarUnit,
    /// The text has no name of a time zone where one was expected.
    ExpectedZone,
    /// There is no time zone of that name.
    UnknownZone,
    /// A calendar period for an algorithm other than the fixed window.
    CalendarNeedsWindow,
    /// More than one permit a nanosecond (GCRA, continuous token bucket) or in two (sliding window): they count no finer.
    RateTooHigh,
    /// `burst * period / limit` is beyond 2^61 ticks (73 to 146 years): the time to refill does not fit the word.
    BurstTooLong,
    /// A burst that differs from the limit, for an algorithm that has none.
    BurstUnsupported,
    /// The counters and ten years of windows do not fit in 64 bits together.
    LimitTooLarge,
    /// The sliding log holds at most 2^18 - 1 permits.
    LogTooLong,
    /// `from first use` or an offset for an algorithm that has no such windows.
    AnchorUnsupported,
    /// Interval refill for an algorithm other than the token bucket.
    RefillUnsupported,
    /// An initial fill above the capacity, or for an algorithm other than the token bucket.
    InitialUnsupported,
    /// This algorithm needs memory that this constructor cannot take: use one that allocates, or the fixed-size type.
    NeedsMemory,
}

impl QuotaError {
    pub(crate) const fn new(kind: QuotaErrorKind) -> QuotaError {
        QuotaError {
            kind,
            position: None,
            #[cfg(feature = "calendar")]
            near: None,
        }
    }

    pub(crate) const fn at(kind: QuotaErrorKind, position: usize) -> QuotaError {
        QuotaError { position: Some(position), ..QuotaError::new(kind) }
    }

    /// The same, with the name of a zone that may have been meant.
    #[cfg(feature = "calendar")]
    pub(crate) fn near(self, near: Option<&'static str>) -> QuotaError {
        QuotaError { near, ..self }
    }

    /// The same, at a position of the text.
    pub(crate) const fn moved_to(mut self, position: usize) -> QuotaError {
        self.position = Some(position);
        self
    }

    /// What kind of error it is.
    pub const fn kind(&self) -> QuotaErrorKind {
        self.kind
    }

    /// The byte position in the text, for errors of the grammar.
    pub const fn position(&self) -> Option<usize> {
        self.position
    }

    /// The name of a time zone that may have been meant, where one was not found.
    #[cfg(feature = "calendar")]
    pub const fn suggestion(&self) -> Option<&'static str> {
        self.near
    }
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "at position {position}: ")?;
        }
        use QuotaErrorKind::*;
        f.write_str(match self.kind {
            ZeroLimit => "the limit must be at least 1 permit",
            ZeroPeriod => "the period must be at least 1 nanosecond",
            PeriodTooLong => "the period must be at most 2^62 nanoseconds (146 years)",
            ZeroBurst => "the burst must be at least 1 permit",
            NumberTooLarge => "the number does not fit in 64 bits",
            ExpectedNumber => "expected a whole number, such as \"300/min\"",
            ExpectedPer => "expected '/' or 'per', such as \"300/min\" or \"1 per 2 hours\"",
            ExpectedUnit => "expected a unit of time (ns us ms s min h d w), such as \"300/min\"",
            TrailingText => "expected 'burst', 'offset', 'from first use' or the end",
            Repeated => "given twice",
            CalendarUnsupported => "calendar periods are not supported by this build",
            ExpectedCalendarUnit => "expected hour, day, week, month or year, such as \"1000 per calendar day\"",
            ExpectedZone => "expected the name of a time zone, such as \"Europe/Paris\"",
            UnknownZone => "there is no such time zone",
            CalendarNeedsWindow => "calendar periods need the algorithm fixed-window",
            RateTooHigh => {
                "the limit must be at most one permit per nanosecond of the period (sliding window: per two)"
            }
            BurstTooLong => "burst * period / limit must be at most 2^61 ticks (at least 73 years)",
            BurstUnsupported => "this algorithm has no burst apart from its limit",
            LimitTooLarge => "the limit is too large: ten years of windows and its counters must fit in 64 bits",
            LogTooLong => "the sliding log holds at most 2^18 - 1 permits",
            AnchorUnsupported => "this algorithm has no windows that could be anchored so",
            RefillUnsupported => "only the token bucket has interval refill",
            InitialUnsupported => "an initial fill needs a token bucket and at most its capacity",
            NeedsMemory => "the sliding log needs one word of memory a permit",
        })?;
        #[cfg(feature = "calendar")]
        if let Some(near) = self.near {
            write!(f, "; did you mean \"{near}\"?")?;
        }
        Ok(())
    }
}

impl core::error::Error for QuotaError {}

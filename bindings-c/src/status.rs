//! `tidegate_status`: what every function that can fail returns, and its text.
//!
//! A value, once released, keeps its meaning; a retired one is never used again. -1 to -99 are about the call itself,
//! -100 to -199 about a quota (one for each `QuotaErrorKind` of the core).

use core::ffi::{CStr, c_char};

use tidegate::QuotaErrorKind;

/// How a call ended: 0 when it did its work (also when the answer is "denied"), negative when it could not, and then nothing changed.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum tidegate_status {
    /// Done.
    TIDEGATE_OK = 0,
    /// A pointer is NULL that must not be.
    TIDEGATE_ERROR_NULL = -1,
    /// A pointer is not aligned for its type.
    TIDEGATE_ERROR_MISALIGNED = -2,
    /// An enum or flag has a value that this version does not know, a reserved field is not 0, or an offset has no clock anchor.
    TIDEGATE_ERROR_UNKNOWN_VALUE = -3,
    /// `struct_size` is too small or absurd, or the struct has fields, not 0, that this version does not know.
    TIDEGATE_ERROR_STRUCT_SIZE = -4,
    /// A text is not UTF-8.
    TIDEGATE_ERROR_NOT_UTF8 = -5,
    /// A defect of the library. Nothing is known to have changed; please report it.
    TIDEGATE_ERROR_INTERNAL = -6,
    /// The caller's buffer is too small; what would have fitted is said in `length`, and nothing else was written.
    TIDEGATE_ERROR_BUFFER_TOO_SMALL = -7,
    /// A length is beyond what memory can hold.
    TIDEGATE_ERROR_LENGTH = -8,
    /// A handle is none that lives: freed already, of another kind, or never made.
    TIDEGATE_ERROR_HANDLE = -9,
    /// A struct was not made by this library: a rule, a reservation or a backoff that was not initialized.
    TIDEGATE_ERROR_NOT_INITIALIZED = -10,
    /// Nothing is booked: the reservation was refused, or cancelled before.
    TIDEGATE_ERROR_NOT_BOOKED = -11,
    /// The word is none that this rule could have made.
    TIDEGATE_ERROR_FOREIGN_WORD = -12,
    /// There is no memory.
    TIDEGATE_ERROR_MEMORY = -13,
    /// A value is outside its range.
    TIDEGATE_ERROR_RANGE = -14,
    /// What is used is more than the new quota can count.
    TIDEGATE_ERROR_CANNOT_CARRY = -15,
    /// The text is no snapshot, or its state is none that its quota could reach.
    TIDEGATE_ERROR_SNAPSHOT = -16,
    /// The snapshot was taken under another quota or algorithm.
    TIDEGATE_ERROR_SNAPSHOT_MISMATCH = -17,
    /// What is waited for can never be: the cost is above the capacity, or its instant lies beyond the end of the clock.
    TIDEGATE_ERROR_NEVER = -18,
    /// A name that no header can hold: only printable ASCII can be sent.
    TIDEGATE_ERROR_NAME = -19,
    /// Only GCRA and the token bucket with continuous refill can be leased: elsewhere permits in hand would outlive their windows.
    TIDEGATE_ERROR_NOT_LEASABLE = -20,
    /// workers * batch is not below the burst.
    TIDEGATE_ERROR_BATCH_TOO_LARGE = -21,
    /// As many leases are out as there are workers.
    TIDEGATE_ERROR_ALL_LEASED = -22,

    /// The quota was refused, for a reason that has no value of its own.
    TIDEGATE_ERROR_QUOTA = -100,
    /// The limit is 0.
    TIDEGATE_ERROR_ZERO_LIMIT = -101,
    /// The period is 0.
    TIDEGATE_ERROR_ZERO_PERIOD = -102,
    /// The period is longer than 2^62 ns (146 years).
    TIDEGATE_ERROR_PERIOD_TOO_LONG = -103,
    /// The burst is 0.
    TIDEGATE_ERROR_ZERO_BURST = -104,
    /// A number in the text does not fit in 64 bits.
    TIDEGATE_ERROR_NUMBER_TOO_LARGE = -105,
    /// The text ended or went on where a number was expected.
    TIDEGATE_ERROR_EXPECTED_NUMBER = -106,
    /// The text has something else where '/' or 'per' was expected.
    TIDEGATE_ERROR_EXPECTED_PER = -107,
    /// The text has no unit of time where one was expected.
    TIDEGATE_ERROR_EXPECTED_UNIT = -108,
    /// The text goes on after a whole quota.
    TIDEGATE_ERROR_TRAILING_TEXT = -109,
    /// A part of the text was given twice.
    TIDEGATE_ERROR_REPEATED = -110,
    /// A calendar period, which this build does not know.
    TIDEGATE_ERROR_CALENDAR_UNSUPPORTED = -111,
    /// More than one permit a nanosecond (GCRA, continuous token bucket) or in two (sliding window).
    TIDEGATE_ERROR_RATE_TOO_HIGH = -112,
    /// burst * period / limit is beyond 2^61 ticks (73 to 146 years).
    TIDEGATE_ERROR_BURST_TOO_LONG = -113,
    /// A burst that differs from the limit, for an algorithm that has none.
    TIDEGATE_ERROR_BURST_UNSUPPORTED = -114,
    /// The counters and ten years of windows do not fit in 64 bits together.
    TIDEGATE_ERROR_LIMIT_TOO_LARGE = -115,
    /// The sliding log holds at most 2^18 - 1 permits.
    TIDEGATE_ERROR_LOG_TOO_LONG = -116,
    /// "From first use" or an offset, for an algorithm that has no such windows.
    TIDEGATE_ERROR_ANCHOR_UNSUPPORTED = -117,
    /// Interval refill, for an algorithm other than the token bucket.
    TIDEGATE_ERROR_REFILL_UNSUPPORTED = -118,
    /// An initial fill above the capacity, or for an algorithm other than the token bucket.
    TIDEGATE_ERROR_INITIAL_UNSUPPORTED = -119,
    /// The sliding log needs memory that this constructor cannot take.
    TIDEGATE_ERROR_NEEDS_MEMORY = -120,
    /// The text has no unit of the calendar where one was expected.
    TIDEGATE_ERROR_EXPECTED_CALENDAR_UNIT = -121,
    /// There is no such time zone.
    TIDEGATE_ERROR_UNKNOWN_ZONE = -122,
    /// A calendar period, for an algorithm other than the fixed window.
    TIDEGATE_ERROR_CALENDAR_NEEDS_WINDOW = -123,
    /// The text has no name of a time zone where one was expected.
    TIDEGATE_ERROR_EXPECTED_ZONE = -124,
}

use tidegate_status::*;

/// cbindgen writes it as `tidegate_status`: C may pass any integer.
pub type status_code = i32;

/// Every status and its text. The texts of quotas are the core's, which a test holds them to.
const TEXTS: [(tidegate_status, &CStr); 48] = [
    (TIDEGATE_OK, c"done"),
    (TIDEGATE_ERROR_NULL, c"a pointer is NULL that must not be"),
    (TIDEGATE_ERROR_MISALIGNED, c"a pointer is not aligned for its type"),
    (TIDEGATE_ERROR_UNKNOWN_VALUE, c"an enum, a flag or a reserved field has a value that this version does not know"),
    (TIDEGATE_ERROR_STRUCT_SIZE, c"struct_size is wrong, or the struct sets fields that this version does not know"),
    (TIDEGATE_ERROR_NOT_UTF8, c"the text is not UTF-8"),
    (TIDEGATE_ERROR_INTERNAL, c"a defect of the library"),
    (TIDEGATE_ERROR_BUFFER_TOO_SMALL, c"the buffer is too small"),
    (TIDEGATE_ERROR_LENGTH, c"a length is beyond what memory can hold"),
    (TIDEGATE_ERROR_HANDLE, c"the handle does not live: freed already, of another kind, or never made"),
    (TIDEGATE_ERROR_NOT_INITIALIZED, c"the struct was not initialized by this library"),
    (TIDEGATE_ERROR_NOT_BOOKED, c"nothing is booked: refused, or cancelled before"),
    (TIDEGATE_ERROR_FOREIGN_WORD, c"the word is none that this rule could have made"),
    (TIDEGATE_ERROR_MEMORY, c"there is no memory"),
    (TIDEGATE_ERROR_RANGE, c"a value is outside its range"),
    (TIDEGATE_ERROR_CANNOT_CARRY, c"what is used is more than the new quota can count"),
    (TIDEGATE_ERROR_SNAPSHOT, c"the text is no snapshot, or its state does not belong to its quota"),
    (TIDEGATE_ERROR_NEVER, c"what is waited for can never be"),
    (TIDEGATE_ERROR_NAME, c"a name must be printable ASCII"),
    (TIDEGATE_ERROR_NOT_LEASABLE, c"permits in hand would outlive the windows or intervals of this algorithm"),
    (TIDEGATE_ERROR_BATCH_TOO_LARGE, c"workers * batch must be below the burst"),
    (TIDEGATE_ERROR_ALL_LEASED, c"all leases are out"),
    (TIDEGATE_ERROR_SNAPSHOT_MISMATCH, c"the snapshot was taken under another quota or algorithm"),
    (TIDEGATE_ERROR_QUOTA, c"the quota was refused"),
    (TIDEGATE_ERROR_ZERO_LIMIT, c"the limit must be at least 1 permit"),
    (TIDEGATE_ERROR_ZERO_PERIOD, c"the period must be at least 1 nanosecond"),
    (TIDEGATE_ERROR_PERIOD_TOO_LONG, c"the period must be at most 2^62 nanoseconds (146 years)"),
    (TIDEGATE_ERROR_ZERO_BURST, c"the burst must be at least 1 permit"),
    (TIDEGATE_ERROR_NUMBER_TOO_LARGE, c"the number does not fit in 64 bits"),
    (TIDEGATE_ERROR_EXPECTED_NUMBER, c"expected a whole number, such as \"300/min\""),
    (TIDEGATE_ERROR_EXPECTED_PER, c"expected '/' or 'per', such as \"300/min\" or \"1 per 2 hours\""),
    (TIDEGATE_ERROR_EXPECTED_UNIT, c"expected a unit of time (ns us ms s min h d w), such as \"300/min\""),
    (TIDEGATE_ERROR_TRAILING_TEXT, c"expected 'burst', 'offset', 'from first use' or the end"),
    (TIDEGATE_ERROR_REPEATED, c"given twice"),
    (TIDEGATE_ERROR_CALENDAR_UNSUPPORTED, c"calendar periods are not supported by this build"),
    (
        TIDEGATE_ERROR_RATE_TOO_HIGH,
        c"the limit must be at most one permit per nanosecond of the period (sliding window: per two)",
    ),
    (TIDEGATE_ERROR_BURST_TOO_LONG, c"burst * period / limit must be at most 2^61 ticks (at least 73 years)"),
    (TIDEGATE_ERROR_BURST_UNSUPPORTED, c"this algorithm has no burst apart from its limit"),
    (
        TIDEGATE_ERROR_LIMIT_TOO_LARGE,
        c"the limit is too large: ten years of windows and its counters must fit in 64 bits",
    ),
    (TIDEGATE_ERROR_LOG_TOO_LONG, c"the sliding log holds at most 2^18 - 1 permits"),
    (TIDEGATE_ERROR_ANCHOR_UNSUPPORTED, c"this algorithm has no windows that could be anchored so"),
    (TIDEGATE_ERROR_REFILL_UNSUPPORTED, c"only the token bucket has interval refill"),
    (TIDEGATE_ERROR_INITIAL_UNSUPPORTED, c"an initial fill needs a token bucket and at most its capacity"),
    (TIDEGATE_ERROR_NEEDS_MEMORY, c"the sliding log needs one word of memory a permit"),
    (
        TIDEGATE_ERROR_EXPECTED_CALENDAR_UNIT,
        c"expected hour, day, week, month or year, such as \"1000 per calendar day\"",
    ),
    (TIDEGATE_ERROR_UNKNOWN_ZONE, c"there is no such time zone"),
    (TIDEGATE_ERROR_CALENDAR_NEEDS_WINDOW, c"calendar periods need the algorithm fixed-window"),
    (TIDEGATE_ERROR_EXPECTED_ZONE, c"expected the name of a time zone, such as \"Europe/Paris\""),
];

/// The text of a status.
pub fn text(code: status_code) -> &'static CStr {
    TEXTS.iter().find(|(status, _)| *status as i32 == code).map_or(c"unknown status", |(_, text)| text)
}

impl From<QuotaErrorKind> for tidegate_status {
    fn from(kind: QuotaErrorKind) -> tidegate_status {
        use QuotaErrorKind::*;
        match kind {
            ZeroLimit => TIDEGATE_ERROR_ZERO_LIMIT,
            ZeroPeriod => TIDEGATE_ERROR_ZERO_PERIOD,
            PeriodTooLong => TIDEGATE_ERROR_PERIOD_TOO_LONG,
            ZeroBurst => TIDEGATE_ERROR_ZERO_BURST,
            NumberTooLarge => TIDEGATE_ERROR_NUMBER_TOO_LARGE,
            ExpectedNumber => TIDEGATE_ERROR_EXPECTED_NUMBER,
            ExpectedPer => TIDEGATE_ERROR_EXPECTED_PER,
            ExpectedUnit => TIDEGATE_ERROR_EXPECTED_UNIT,
            TrailingText => TIDEGATE_ERROR_TRAILING_TEXT,
            Repeated => TIDEGATE_ERROR_REPEATED,
            CalendarUnsupported => TIDEGATE_ERROR_CALENDAR_UNSUPPORTED,
            RateTooHigh => TIDEGATE_ERROR_RATE_TOO_HIGH,
            BurstTooLong => TIDEGATE_ERROR_BURST_TOO_LONG,
            BurstUnsupported => TIDEGATE_ERROR_BURST_UNSUPPORTED,
            LimitTooLarge => TIDEGATE_ERROR_LIMIT_TOO_LARGE,
            LogTooLong => TIDEGATE_ERROR_LOG_TOO_LONG,
            AnchorUnsupported => TIDEGATE_ERROR_ANCHOR_UNSUPPORTED,
            RefillUnsupported => TIDEGATE_ERROR_REFILL_UNSUPPORTED,
            InitialUnsupported => TIDEGATE_ERROR_INITIAL_UNSUPPORTED,
            NeedsMemory => TIDEGATE_ERROR_NEEDS_MEMORY,
            ExpectedCalendarUnit => TIDEGATE_ERROR_EXPECTED_CALENDAR_UNIT,
            UnknownZone => TIDEGATE_ERROR_UNKNOWN_ZONE,
            ExpectedZone => TIDEGATE_ERROR_EXPECTED_ZONE,
            CalendarNeedsWindow => TIDEGATE_ERROR_CALENDAR_NEEDS_WINDOW,
            _ => TIDEGATE_ERROR_QUOTA,
        }
    }
}

/// What a status means, in English, without a full stop; "unknown status" for a value that this version does not know.
///
/// @return A static text, never NULL; do not free it.
///
/// Thread safety: may be called from any thread at any time.
#[unsafe(no_mangle)]
pub extern "C" fn tidegate_status_message(status: status_code) -> *const c_char {
    text(status).as_ptr()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tidegate::{Algorithm, Anchor, Limiter, Quota, QuotaError, Refill};

    use super::*;

    /// One error of every kind that can be met in this build.
    fn errors() -> Vec<QuotaError> {
        let texts = [
            "0/s",
            "1/0s",
            "1/999999w",
            "1/s burst 0",
            "99999999999999999999/s",
            "x",
            "1 s",
            "1/x",
            "1/s x",
            "1/calendar fortnight",
            "1/calendar day in Nowhere/Near",
            "1/calendar day in ",
        ];
        let twice = "1/s burst 1 burst 1";
        let mut errors: Vec<QuotaError> =
            texts.iter().chain([&twice]).map(|text| text.parse::<Quota>().expect_err(text)).collect();
        let quota = |text: &str| text.parse::<Quota>().expect(text);
        let refused = [
            Limiter::builder(Algorithm::Gcra, quota("2/ns")),
            Limiter::builder(Algorithm::Gcra, quota("1/52w burst 200")),
            Limiter::builder(Algorithm::FixedWindow, quota("10/s burst 11")),
            Limiter::builder(Algorithm::FixedWindow, quota("1000000000000000000/ns")),
            Limiter::builder(Algorithm::SlidingLog, quota("2097152/s")),
            Limiter::builder(Algorithm::Gcra, quota("1/s")).anchor(Anchor::FirstUse),
            Limiter::builder(Algorithm::Gcra, quota("1/s")).refill(Refill::Interval),
            Limiter::builder(Algorithm::TokenBucket, quota("1/s")).initial(2),
            Limiter::builder(Algorithm::Gcra, quota("1/calendar day")),
        ];
        errors.extend(refused.map(|builder| builder.build_at(0).expect_err("refused")));
        errors
    }

    #[test]
    fn every_error_of_a_quota_has_its_own_status_and_the_text_of_the_core() {
        let mut seen = BTreeSet::new();
        for error in errors() {
            let status = tidegate_status::from(error.kind());
            let whole = error.to_string();
            let bare = error.position().map_or(whole.clone(), |at| whole.replace(&format!("at position {at}: "), ""));
            assert_eq!(text(status as i32).to_str(), Ok(bare.as_str()));
            assert_ne!(status, TIDEGATE_ERROR_QUOTA, "{error}");
            seen.insert(status as i32);
        }
        // This build knows calendars and has a heap.
        seen.extend([TIDEGATE_ERROR_CALENDAR_UNSUPPORTED as i32, TIDEGATE_ERROR_NEEDS_MEMORY as i32]);
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), (-124..=-101).collect::<Vec<_>>());
    }

    #[test]
    fn values_and_texts_are_never_shared() {
        let values: BTreeSet<i32> = TEXTS.iter().map(|(status, _)| *status as i32).collect();
        let texts: BTreeSet<&CStr> = TEXTS.iter().map(|(_, text)| *text).collect();
        assert_eq!((values.len(), texts.len()), (TEXTS.len(), TEXTS.len()));
        assert!(values.iter().all(|value| *value <= 0));
        for foreign in [1, -99, -125, i32::MIN, i32::MAX] {
            assert_eq!(text(foreign), c"unknown status");
        }
    }
}

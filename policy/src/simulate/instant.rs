//! Instants of a trace: RFC 3339, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970-01-01 UTC.

use std::fmt;

/// Why a text is no instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstantError(&'static str);

impl fmt::Display for InstantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InstantError {}

/// What numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// By its size: what lies between 1973 and 5138 in its unit and could be nothing else. Small numbers are seconds.
    fn of(whole: u64) -> Unit {
        match whole {
            0..100_000_000_000 => Unit::Seconds,
            100_000_000_000..100_000_000_000_000 => Unit::Millis,
            100_000_000_000_000..100_000_000_000_000_000 => Unit::Micros,
            _ => Unit::Nanos,
        }
    }

    fn nanos(self) -> u64 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Millis => 1_000_000,
            Unit::Micros => 1_000,
            Unit::Nanos => 1,
        }
    }
}

/// The instants of one trace: the first number says what all of them count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Instants {
    unit: Option<Unit>,
}

impl Instants {
    /// Nanoseconds since 1970.
    pub(crate) fn read(&mut self, text: &str) -> Result<u64, InstantError> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return self.number(text);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| {
            InstantError("expected an instant: 2026-01-31T12:00:00Z, or a number since 1970 such as 1769860800.5")
        })?;
        u64::try_from(instant.as_nanosecond()).map_err(|_| InstantError("an instant before 1970 is none here"))
    }

    fn number(&mut self, text: &str) -> Result<u64, InstantError> {
        let beyond = InstantError("the instant is beyond 64 bits of nanoseconds");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty() || fraction.contains('.') {
            return Err(InstantError("expected a number such as 1769860800.5"));
        }
        let whole: u64 = whole.parse().map_err(|_| beyond)?;
        let unit = *self.unit.get_or_insert(Unit::of(whole));
        // Digits beyond a nanosecond are dropped.
        let mut part = 0;
        let mut place = unit.nanos();
        for digit in fraction.bytes() {
            place /= 10;
            part += u64::from(digit - b'0') * place;
        }
        whole.checked_mul(unit.nanos()).and_then(|nanos| nanos.checked_add(part)).ok_or(beyond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u64, InstantError> {
        Instants::default().read(text)
    }

    #[test]
    fn instants_in_every_form_are_the_same() {
        for text in [
            "2026-01-31T12:00:00.5Z",
            "2026-01-31T13:00:00.5+01:00",
            "2026-01-31 12:00:00.5Z",
            "1769860800.5",
            "1769860800500",
            "1769860800500000",
            "1769860800500000000",
            " 1769860800500.000000 ",
        ] {
            assert_eq!(read(text), Ok(1_769_860_800_500_000_000), "{text}");
        }
        assert_eq!(read("0.1234567899"), Ok(123_456_789));
        assert_eq!(read("7"), Ok(7_000_000_000));
    }

    #[test]
    fn the_first_number_says_what_all_count() {
        let mut instants = Instants::default();
        assert_eq!(instants.read("1769860800500"), Ok(1_769_860_800_500_000_000));
        assert_eq!(instants.read("5"), Ok(5_000_000));
    }

    #[test]
    fn what_is_no_instant_is_an_error() {
        for text in
            ["", ".", ".5", "1.2.3", "noon", "2026-01-31", "2026-01-31T12:00:00", "-5", "1e9", "1969-12-31T23:59:59Z"]
        {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("18446744073709551616").is_err());
        let mut seconds = Instants { unit: Some(Unit::Seconds) };
        assert!(seconds.read("18446744074").is_err());
    }
}

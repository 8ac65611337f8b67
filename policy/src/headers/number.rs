//! Numbers of header values, exactly: decimals to whole nanoseconds, no floating point.
//!
//! What is too large saturates: a wait stays long, a count stays large. A fraction finer than the unit rounds a wait up.

use super::SECOND;

/// A decimal number: sign, whole part, billionths, and whether more than those was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    whole: u64,
    billionths: u64,
    more: bool,
}

impl Decimal {
    /// Digits with an optional sign and fraction: `5`, `596.0`, `-1`. No exponent, no spaces, no digit missing before the point.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let digit = |byte: u8| u64::from(byte.wrapping_sub(b'0'));
        let mut decimal = Decimal { negative, whole: 0, billionths: 0, more: false };
        for byte in whole.bytes() {
            decimal.whole = decimal.whole.saturating_mul(10).saturating_add(digit(byte));
        }
        let mut weight = SECOND / 10;
        for byte in fraction.bytes() {
            // At most nine digits have a weight, which add up to less than a billion.
            decimal.billionths += digit(byte) * weight;
            decimal.more |= weight == 0 && byte != b'0';
            weight /= 10;
        }
        Some(decimal)
    }

    /// Rounded down; nothing below 0.
    pub(super) fn count(&self) -> u64 {
        if self.negative { 0 } else { self.whole }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// So many units of so many nanoseconds, rounded up; nothing below 0. The unit is at most a day.
    pub(super) fn nanos(&self, unit: u64) -> u128 {
        if self.negative {
            return 0;
        }
        // Below 2^64 * 2^47, and 2^30 * 2^47.
        let whole = u128::from(self.whole) * u128::from(unit);
        let fraction = u128::from(self.billionths) * u128::from(unit) + u128::from(self.more);
        whole + fraction.div_ceil(u128::from(SECOND))
    }
}

/// A duration with units as Go writes it: `6m0s`, `1h2m3.5s`, `20ms`. Also whole days, `1d`. At most eight parts.
pub(super) fn duration(text: &str) -> Option<u128> {
    const UNITS: [(&str, u64); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("\u{b5}s", 1_000),
        ("ms", 1_000_000),
        ("s", SECOND),
        ("m", 60 * SECOND),
        ("h", 3600 * SECOND),
        ("d", 86_400 * SECOND),
    ];
    let mut nanos = 0;
    let mut rest = text;
    for _ in 0..8 {
        let digits = rest.find(|letter: char| letter != '.' && !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        // Eight terms below 2^112.
        nanos += Decimal::parse(number)?.nanos(*unit);
        if tail.is_empty() {
            return Some(nanos);
        }
        rest = tail;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u128> {
        Decimal::parse(text).map(|decimal| decimal.nanos(SECOND))
    }

    #[test]
    fn decimals_are_exact_and_waits_round_up() {
        assert_eq!(seconds("64.57"), Some(64_570_000_000));
        assert_eq!(seconds("0.1"), Some(100_000_000));
        assert_eq!(seconds("0.000000001"), Some(1));
        assert_eq!(seconds("0.0000000001"), Some(1));
        assert_eq!(seconds("1.0000000000"), Some(1_000_000_000));
        assert_eq!(seconds("1.9999999999"), Some(2_000_000_000));
        assert_eq!(seconds("-3.5"), Some(0));
        assert_eq!(seconds("+3"), Some(3_000_000_000));
        assert_eq!(seconds("00012"), Some(12_000_000_000));
        assert_eq!(seconds("99999999999999999999999"), Some(u128::from(u64::MAX) * 1_000_000_000));
        assert_eq!(Decimal::parse("596.9").map(|decimal| decimal.count()), Some(596));
        assert_eq!(Decimal::parse("-1").map(|decimal| decimal.count()), Some(0));
        for bad in [
            "", "-", "+", ".", ".5", "5.", "1e3", "0x10", "NaN", "inf", "1.2.3", "--1", "+-1", " 1", "1,000", "\u{661}",
        ] {
            assert_eq!(Decimal::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("6m0s"), Some(360_000_000_000));
        assert_eq!(duration("1s"), Some(1_000_000_000));
        assert_eq!(duration("20ms"), Some(20_000_000));
        assert_eq!(duration("1h2m3.5s"), Some(3_723_500_000_000));
        assert_eq!(duration("1.5\u{b5}s"), Some(1_500));
        assert_eq!(duration("0.5ns"), Some(1));
        assert_eq!(duration("2d"), Some(172_800_000_000_000));
        assert_eq!(duration(&"1s".repeat(8)), Some(8_000_000_000));
        for bad in ["", "s", "5", "5x", "5s5", "1m-2s", "1 s", "1..5s", ".5s", &"1s".repeat(9), "\u{b5}s", "1\u{b5}"] {
            assert_eq!(duration(bad), None, "{bad:?}");
        }
    }
}

//! Numbers and times as people write them, both ways.

use std::time::Duration;

use tidegate::Quota;

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A span in its two largest units: `1 h 30 min`, `2.5 s`, `200 ms`.
pub fn span(span: Duration) -> String {
    let nanos = span.as_nanos();
    const SECOND: u128 = 1_000_000_000;
    let whole = [(86_400 * SECOND, "d"), (3_600 * SECOND, "h"), (60 * SECOND, "min"), (SECOND, "s")];
    for (n, (size, name)) in whole.iter().enumerate().take(3) {
        if nanos >= *size {
            let (next, next_name) = whole[n + 1];
            let rest = nanos % size / next;
            let text = format!("{} {name}", nanos / size);
            return if rest > 0 { format!("{text} {rest} {next_name}") } else { text };
        }
    }
    let small = [(SECOND, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
    let (size, name) = small.into_iter().find(|(size, _)| nanos >= *size).unwrap_or((SECOND, "s"));
    let (whole, thousandths) = (nanos / size, nanos % size * 1_000 / size);
    if thousandths == 0 || size == 1 {
        return format!("{whole} {name}");
    }
    format!("{whole}.{thousandths:03}").trim_end_matches('0').to_owned() + " " + name
}

pub fn span_of_nanos(nanos: u64) -> String {
    span(Duration::from_nanos(nanos))
}

/// An instant, to the second if that is all there is.
pub fn instant(nanos: u64) -> String {
    match jiff::Timestamp::from_nanosecond(nanos.into()) {
        Ok(instant) => instant.to_string(),
        Err(_) => format!("{nanos} ns"),
    }
}

/// `part` of `whole` in percent, as `12.3 %`.
pub fn percent(part: u64, whole: u64) -> String {
    // Tenths of a percent, rounded.
    let tenths = (u128::from(part) * 1_000 + u128::from(whole) / 2).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Reads `200ms`, `5 s`, `2 hours`; 0 needs no unit.
pub fn read_span(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    // The units of a quota, in its own words.
    let quota: Result<Quota, _> = format!("1 per {text}").parse();
    match quota {
        Ok(quota) if Quota::from_nanos(1, quota.period_nanos()) == Ok(quota) => Ok(quota.period()),
        Ok(_) => Err(format!("`{text}` is no length of time, such as 200ms or 2h")),
        Err(error) => Err(format!("`{text}` is no length of time, such as 200ms or 2h: {}", bare(&error))),
    }
}

/// What an error says, without a position that counts from elsewhere.
fn bare(error: &tidegate::QuotaError) -> String {
    let text = error.to_string();
    text.split_once(": ").filter(|_| error.position().is_some()).map_or(text.clone(), |(_, told)| told.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        for (text, told) in [
            ("200ms", "200 ms"),
            ("90 min", "1 h 30 min"),
            ("1500 ms", "1.5 s"),
            ("2 days", "2 d"),
            ("1234us", "1.234 ms"),
            ("7ns", "7 ns"),
            ("0", "0 s"),
        ] {
            assert_eq!(span(read_span(text).unwrap()), told);
        }
        for text in
            ["", "5", "-1s", "s s", "1s burst 2", "1s from first use", "1 calendar day", "1s offset 2s", "calendar day"]
        {
            assert!(read_span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_grouped_and_shares_are_rounded() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!((percent(1, 3), percent(0, 0), percent(2, 2)), ("33.3 %".into(), "0.0 %".into(), "100.0 %".into()));
    }
}

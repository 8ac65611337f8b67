//! What a quoted sentence or cell says: its numbers, its period, whom it counts.
//!
//! Providers write "1,000", "150 requests", "10 / second", "Daily Limit". A limit is believed only if its own quotation says the
//! same number, the same period and the same scope. A comma groups digits when exactly three digits follow it.

use crate::limit::Scope;

/// The whole numbers of a text, thousands separators removed. A number above `u64::MAX` is left out.
pub(crate) fn numbers(text: &str) -> Vec<u64> {
    numbers_and_rests(text).map(|(number, _)| number).collect()
}

/// Each number with the text that follows it.
fn numbers_and_rests(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let bytes = text.as_bytes();
    let digits_at = |at: usize| bytes[at.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += bytes[at..].iter().take_while(|byte| !byte.is_ascii_digit()).count();
            let head = digits_at(at);
            if head == 0 {
                return None;
            }
            let start = at;
            at += head;
            if head <= 3 {
                while bytes.get(at) == Some(&b',') && digits_at(at + 1) == 3 {
                    at += 4;
                }
            }
            if let Ok(number) = text[start..at].replace(',', "").parse() {
                return Some((number, &text[at..]));
            }
        }
    })
}

/// The units that providers name, in seconds, with the words that name them.
const UNITS: [(u64, &[&str]); 5] = [
    (1, &["second"]),
    (60, &["minute", "/min"]),
    (3_600, &["hour"]),
    (86_400, &["day", "daily"]),
    (604_800, &["week"]),
];

/// Whether a text names a period of so many nanoseconds: "10 seconds", "Requests/Minute", "daily".
///
/// Of several units the number must stand right before the unit, so that "60 requests/min" is no hour.
pub(crate) fn names_period(text: &str, nanos: u64) -> bool {
    let text = text.to_lowercase();
    UNITS.iter().any(|(seconds, words)| {
        let unit = seconds * 1_000_000_000;
        let several = |word: &&&str| {
            numbers_and_rests(&text).any(|(number, rest)| {
                Some(nanos) == number.checked_mul(unit) && rest.trim_start_matches([' ', '-']).starts_with(**word)
            })
        };
        (nanos == unit && words.iter().any(|word| text.contains(word))) || words.iter().any(|word| several(&word))
    })
}

/// Whether a text has one of the words, in either case: "Emails/Month", "Daily Limit".
pub(crate) fn names_word(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// Whether a text names a scope.
pub(crate) fn names_scope(text: &str, scope: Scope) -> bool {
    names_word(
        text,
        match scope {
            Scope::ApiKey => &["api key", "api token", "api-key"],
            Scope::Ip => &["client ip", "ip address"],
            Scope::Account => &["account"],
            Scope::Organization => &["organization"],
            Scope::SenderDomain => &["sender domain"],
            Scope::Endpoint => &["endpoint"],
            Scope::Request => &["per request"],
        },
    )
}

/// A text without what a saved page may set differently: white space, table bars and tags.
pub(crate) fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '|']) {
        push_dense(&mut out, &rest[..at]);
        let after = &rest[at + 1..];
        rest = match tag_length(&rest[at..]) {
            Some(length) => &rest[at + length..],
            None if rest.as_bytes()[at] == b'<' => {
                out.push('<');
                after
            }
            None => after,
        };
    }
    push_dense(&mut out, rest);
    out
}

fn push_dense(out: &mut String, text: &str) {
    out.extend(text.chars().filter(|c| !c.is_whitespace()));
}

/// The length of a tag such as `<td>` or `</a>` at the start of the text; a lone `<` of a comparison is none.
fn tag_length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let named = inner.strip_prefix('/').unwrap_or(inner);
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = inner.find('>')?;
    (!inner[..end].contains(['\n', '<'])).then_some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_separators() {
        assert_eq!(numbers("1,000 emails in 60 seconds"), [1000, 60]);
        assert_eq!(numbers("2,000,000"), [2_000_000]);
        assert_eq!(numbers("random(0, 500)"), [0, 500]);
        assert_eq!(numbers("1,00 and 1000,000 and 1,0000"), [1, 0, 1000, 0, 1, 0]);
        assert_eq!(numbers("$8/mo, 99999999999999999999"), [8]);
        assert_eq!(numbers("12,"), [12]);
        assert!(numbers("Unlimited").is_empty());
    }

    #[test]
    fn periods_are_named_by_their_words() {
        const SECOND: u64 = 1_000_000_000;
        assert!(names_period("10 seconds", 10 * SECOND));
        assert!(!names_period("10 seconds", SECOND * 60));
        assert!(names_period("60 seconds", SECOND * 60));
        assert!(names_period("Requests/Minute", SECOND * 60));
        assert!(names_period("300 requests/min", SECOND * 60));
        assert!(!names_period("60 requests/min", SECOND * 3600));
        assert!(!names_period("Bulk (POST /email/send/bulk)", SECOND));
        assert!(names_period("a 10-second window", SECOND * 10));
        assert!(!names_period("Admin Operations", SECOND * 60));
        assert!(!names_period("Requests/Minute", SECOND * 3600));
        assert!(names_period("Daily Limit", SECOND * 86_400));
        assert!(names_period("Burst Limit 10 / second", SECOND));
    }

    #[test]
    fn markup_is_dropped_and_comparisons_are_kept() {
        assert_eq!(bare("<tr><td>Stats API</td> | <a href=\"x\">All</a>"), "StatsAPIAll");
        assert_eq!(bare("if (remaining < limit * 0.1) {"), "if(remaining<limit*0.1){");
        assert_eq!(bare("a <= b; Promise<Response>"), "a<=b;Promise");
    }
}

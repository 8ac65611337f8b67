//! Text that is no quota.

use quickcheck::{Arbitrary, Gen, QuickCheck};
use tidegate::QuotaErrorKind as Kind;
use tidegate::{Algorithm, Anchor, MAX_PERIOD_NANOS, Quota, QuotaError, parse_list};

use crate::{SECOND, quota, wide};

/// Each text, what is wrong with it, and where (in bytes).
const BAD_TEXTS: [(&str, Kind, usize); 63] = [
    ("", Kind::ExpectedNumber, 0),
    ("   ", Kind::ExpectedNumber, 3),
    ("\t\n", Kind::ExpectedNumber, 2),
    ("x", Kind::ExpectedNumber, 0),
    ("/s", Kind::ExpectedNumber, 0),
    ("-5/s", Kind::ExpectedNumber, 0),
    (" -5/s", Kind::ExpectedNumber, 1),
    ("+5/s", Kind::ExpectedNumber, 0),
    (".5/s", Kind::ExpectedNumber, 0),
    ("NaN/s", Kind::ExpectedNumber, 0),
    ("inf/s", Kind::ExpectedNumber, 0),
    ("\u{221e}/s", Kind::ExpectedNumber, 0),
    ("\u{ff15}/s", Kind::ExpectedNumber, 0),
    ("_5/s", Kind::ExpectedNumber, 0),
    ("; 5/s", Kind::ExpectedNumber, 0),
    ("five per second", Kind::ExpectedNumber, 0),
    ("5", Kind::ExpectedPer, 1),
    ("5 ", Kind::ExpectedPer, 2),
    ("5.5/s", Kind::ExpectedPer, 1),
    ("5,000/s", Kind::ExpectedPer, 1),
    ("1e9/s", Kind::ExpectedPer, 1),
    ("0x10/s", Kind::ExpectedPer, 1),
    ("5_/s", Kind::ExpectedPer, 1),
    ("5__0/s", Kind::ExpectedPer, 1),
    ("5 apples", Kind::ExpectedPer, 2),
    ("5 pers", Kind::ExpectedPer, 2),
    ("5\u{a0}/s", Kind::ExpectedPer, 1),
    ("5\u{2044}s", Kind::ExpectedPer, 1),
    ("5/", Kind::ExpectedUnit, 2),
    ("5/ ", Kind::ExpectedUnit, 3),
    ("5 per", Kind::ExpectedUnit, 5),
    ("5/10", Kind::ExpectedUnit, 4),
    ("5/-1s", Kind::ExpectedUnit, 2),
    ("5/1.5s", Kind::ExpectedUnit, 3),
    ("5/fortnight", Kind::ExpectedUnit, 2),
    ("5/10 fortnights", Kind::ExpectedUnit, 5),
    ("5/se", Kind::ExpectedUnit, 2),
    ("5/s\u{e9}c", Kind::ExpectedUnit, 2),
    ("5/month", Kind::ExpectedUnit, 2),
    ("5//s", Kind::ExpectedUnit, 2),
    ("0/s", Kind::ZeroLimit, 0),
    ("  0/s", Kind::ZeroLimit, 2),
    ("000/s", Kind::ZeroLimit, 0),
    ("5/0s", Kind::ZeroPeriod, 2),
    ("5 per 0 hours", Kind::ZeroPeriod, 6),
    ("18446744073709551616/s", Kind::NumberTooLarge, 0),
    ("99999999999999999999999999999999999999999/s", Kind::NumberTooLarge, 0),
    ("1/18446744073709551616ns", Kind::NumberTooLarge, 2),
    ("1/s burst 18446744073709551616", Kind::NumberTooLarge, 10),
    ("1/s offset 18446744073709551615w", Kind::NumberTooLarge, 11),
    ("1/4611686018427387905ns", Kind::PeriodTooLong, 2),
    ("1/18446744073709551615w", Kind::PeriodTooLong, 2),
    ("1 per 147 0 years", Kind::ExpectedUnit, 10),
    ("1 per 53600 days", Kind::PeriodTooLong, 6),
    ("5/s burst 0", Kind::ZeroBurst, 10),
    ("5/s burst", Kind::ExpectedNumber, 9),
    ("5/s burst -1", Kind::ExpectedNumber, 10),
    ("5/s burst 2 burst 3", Kind::Repeated, 12),
    ("5/h offset 1s from first use", Kind::Repeated, 14),
    ("5/s; 6/s", Kind::TrailingText, 3),
    ("5/s from first", Kind::TrailingText, 4),
    ("5/s from last use", Kind::TrailingText, 4),
    ("5/s\0", Kind::TrailingText, 3),
];

#[cfg(not(feature = "calendar"))]
#[test]
fn a_calendar_period_is_an_error_of_its_own() {
    let error = "1000 per calendar day in Europe/Paris".parse::<Quota>().expect_err("no calendar in this build");
    assert_eq!((error.kind(), error.position()), (Kind::CalendarUnsupported, Some(9)));
}

#[test]
fn bad_text_is_an_error_with_its_position() {
    for (text, kind, position) in BAD_TEXTS {
        let error = text.parse::<Quota>().expect_err(text);
        assert_eq!((error.kind(), error.position()), (kind, Some(position)), "{text:?}: {error}");
        assert!(error.to_string().starts_with(&format!("at position {position}: ")), "{error}");
        assert!(text.is_char_boundary(position), "{text:?}");
    }
    let kinds = BAD_TEXTS.map(|(_, kind, _)| kind);
    assert_eq!(kinds.iter().collect::<std::collections::HashSet<_>>().len(), 10, "every kind that a text can have");
}

#[test]
fn bad_text_in_a_list_is_an_error_with_its_position_in_the_whole_text() {
    for (text, kind, position) in BAD_TEXTS {
        if text.contains(';') || text.trim().is_empty() {
            continue;
        }
        let all = format!("10/s; 100/min burst 7;{text}; 1/d");
        let parsed: Vec<_> = parse_list(&all).collect();
        assert_eq!(parsed.len(), 3, "{all:?}: the list ends at its first error");
        let error = parsed[2].expect_err(text);
        assert_eq!((error.kind(), error.position()), (kind, Some(22 + position)), "{all:?}: {error}");
    }
    assert_eq!(parse_list(" ").collect::<Vec<_>>().len(), 1);
    assert!(parse_list(";").all(|quota| quota.is_err()));
    assert_eq!(parse_list("1/s;").filter(|quota| quota.is_ok()).count(), 1);
}

/// A legal quota.
#[derive(Clone, Copy, Debug)]
struct Legal(Quota);

impl Arbitrary for Legal {
    fn arbitrary(g: &mut Gen) -> Legal {
        let limit = wide(g).max(1);
        // Multiples of units, too: they are written in them.
        let unit = *g.choose(&[1, 1, 1_000, SECOND, 60 * SECOND, 86_400 * SECOND]).expect("some");
        let period = wide(g).saturating_mul(unit).clamp(1, MAX_PERIOD_NANOS);
        let burst = if bool::arbitrary(g) { limit } else { wide(g).max(1) };
        let anchor = match u8::arbitrary(g) % 3 {
            0 => Anchor::Clock,
            1 => Anchor::Offset(wide(g)),
            _ => Anchor::FirstUse,
        };
        let quota = Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)).expect("in range");
        Legal(quota.anchor(anchor))
    }
}

#[test]
fn a_quota_reads_back_as_it_was_written() {
    fn holds(Legal(quota): Legal) -> bool {
        let text = quota.to_string();
        text.parse() == Ok(quota)
            && text.to_uppercase().parse() == Ok(quota)
            && text.replace(' ', " \t ").parse() == Ok(quota)
            && parse_list(&format!("{text};{text}")).collect::<Vec<_>>() == [Ok(quota), Ok(quota)]
    }
    QuickCheck::new().quickcheck(holds as fn(Legal) -> bool);
    // The widest of all.
    let widest = quota(u64::MAX, MAX_PERIOD_NANOS).burst(u64::MAX - 1).expect("legal").anchor(Anchor::Offset(u64::MAX));
    assert!(holds(Legal(widest)), "{widest}");
}

/// What any text may do: read as a quota that reads back, or be an error that points into the text.
fn sound(text: &str) -> bool {
    let pointed = |error: QuotaError, text: &str| {
        let position = error.position().expect("errors of the grammar have a position");
        position <= text.len() && text.is_char_boundary(position) && !error.to_string().is_empty()
    };
    let single = match text.parse::<Quota>() {
        Ok(quota) => quota.to_string().parse() == Ok(quota),
        Err(error) => pointed(error, text),
    };
    let list: Vec<_> = parse_list(text).collect();
    let errors = list.iter().filter(|quota| quota.is_err()).count();
    single
        && !list.is_empty()
        && errors <= 1
        && list[..list.len() - 1].iter().all(|quota| quota.is_ok())
        && list.iter().all(|quota| quota.map_or_else(|error| pointed(error, text), |quota| quota.limit() > 0))
}

#[test]
fn any_text_is_a_quota_or_an_error() {
    QuickCheck::new().quickcheck((|text: String| sound(&text)) as fn(String) -> bool);
}

/// A legal text with a few characters changed.
#[derive(Clone, Debug)]
struct Mutated(String);

impl Arbitrary for Mutated {
    fn arbitrary(g: &mut Gen) -> Mutated {
        let mut text: Vec<char> = Legal::arbitrary(g).0.to_string().chars().collect();
        let other: Vec<char> = Legal::arbitrary(g).0.to_string().chars().collect();
        for _ in 0..u8::arbitrary(g) % 4 + 1 {
            let at = usize::arbitrary(g) % (text.len() + 1);
            let end = (at + usize::arbitrary(g) % 6).min(text.len());
            let odd = ['0', '9', '_', '-', '.', '/', ';', ' ', '\0', '\u{b5}', '\u{ff15}', '\u{301}', '\u{1f30a}'];
            match u8::arbitrary(g) % 6 {
                0 => drop(text.drain(at..end)),
                1 => text.insert(at, *g.choose(&odd).expect("some")),
                2 => text.insert(at, char::arbitrary(g)),
                3 => text[at..end].reverse(),
                4 => drop(text.splice(at..end, other.iter().copied().skip(at).take(8))),
                _ => text.extend_from_within(at..end),
            }
        }
        Mutated(text.into_iter().collect())
    }
    fn shrink(&self) -> Box<dyn Iterator<Item = Mutated>> {
        Box::new(self.0.shrink().map(Mutated))
    }
}

#[test]
fn any_text_almost_right_is_a_quota_or_an_error() {
    QuickCheck::new()
        .quickcheck((|texts: Vec<Mutated>| texts.iter().all(|text| sound(&text.0))) as fn(Vec<Mutated>) -> bool);
}

#[test]
fn an_unknown_name_is_no_algorithm() {
    for text in ["", "GCRA", "gcra ", "leaky-bucket", "token_bucket", "\u{1f30a}"] {
        let error = text.parse::<Algorithm>().expect_err(text);
        assert!(Algorithm::ALL.iter().all(|algorithm| error.to_string().contains(algorithm.name())));
    }
    assert!(Algorithm::ALL.into_iter().all(|algorithm| algorithm.name().parse() == Ok(algorithm)));
}

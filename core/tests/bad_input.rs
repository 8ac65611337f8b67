//! Bad input: a typed error or the answer "never", nothing changed, no panic and no wrap, in debug and release alike.
//!
//! Text, quotas, costs, clocks, snapshots, in this order. "Nothing changed" is said by two equal snapshots.

mod every;

use std::time::Duration;

use every::{BUCKET, EVERY, FIXED_FIRST, GCRA, LOG, Rule, SLIDING};
use quickcheck::{Arbitrary, Gen, QuickCheck, TestResult};
use tidegate::QuotaErrorKind as Kind;
use tidegate::{
    Algorithm, Anchor, Carry, Clock, Limiter, MAX_PERIOD_NANOS, ManualClock, Quota, QuotaError, ReconfigureError,
    Refill, Refusal, RestoreError, SlidingLog, parse_list,
};

const SECOND: u64 = 1_000_000_000;
/// The end of every clock.
const END: u64 = (1 << 63) - 1;

fn quota(limit: u64, period: u64) -> Quota {
    Quota::from_nanos(limit, period).expect("a legal quota")
}

// Text

/// Each text, what is wrong with it, and where (in bytes).
const BAD_TEXTS: [(&str, Kind, usize); 64] = [
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
    ("1000 per calendar day in Europe/Paris", Kind::CalendarUnsupported, 9),
];

#[test]
fn bad_text_is_an_error_with_its_position() {
    for (text, kind, position) in BAD_TEXTS {
        let error = text.parse::<Quota>().expect_err(text);
        assert_eq!((error.kind(), error.position()), (kind, Some(position)), "{text:?}: {error}");
        assert!(error.to_string().starts_with(&format!("at position {position}: ")), "{error}");
        assert!(text.is_char_boundary(position), "{text:?}");
    }
    let kinds = BAD_TEXTS.map(|(_, kind, _)| kind);
    assert_eq!(kinds.iter().collect::<std::collections::HashSet<_>>().len(), 11, "every kind that a text can have");
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

/// Log-uniform over all widths, beyond what is legal, and at powers of two and their neighbours.
#[derive(Clone, Copy, Debug)]
struct Wide(u64);

fn wide(g: &mut Gen) -> u64 {
    let width = u64::arbitrary(g) % 65;
    let top = if width == 0 { 0 } else { 1 << (width - 1) };
    match u8::arbitrary(g) % 4 {
        0 => top,
        1 => top.wrapping_sub(u64::arbitrary(g) % 3),
        _ => top | u64::arbitrary(g) & top.saturating_sub(1),
    }
}

impl Arbitrary for Wide {
    fn arbitrary(g: &mut Gen) -> Wide {
        Wide(wide(g))
    }
    fn shrink(&self) -> Box<dyn Iterator<Item = Wide>> {
        Box::new(self.0.shrink().map(Wide))
    }
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

// Quotas

/// What no quota can be.
#[test]
fn a_quota_out_of_range_is_an_error_that_names_the_range() {
    let cases: [(Result<Quota, QuotaError>, Kind, &str); 12] = [
        (Quota::from_nanos(0, SECOND), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_second(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_minute(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_hour(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::per_day(0), Kind::ZeroLimit, "at least 1 permit"),
        (Quota::from_nanos(1, 0), Kind::ZeroPeriod, "at least 1 nanosecond"),
        (Quota::new(1, Duration::ZERO), Kind::ZeroPeriod, "at least 1 nanosecond"),
        (Quota::from_nanos(1, MAX_PERIOD_NANOS + 1), Kind::PeriodTooLong, "2^62 nanoseconds"),
        (Quota::from_nanos(1, u64::MAX), Kind::PeriodTooLong, "2^62 nanoseconds"),
        // 2^64 nanoseconds and one: the low 64 bits alone would look legal.
        (Quota::new(1, Duration::from_nanos(u64::MAX) + Duration::from_nanos(2)), Kind::PeriodTooLong, "2^62"),
        (Quota::new(1, Duration::MAX), Kind::PeriodTooLong, "2^62 nanoseconds"),
        (Quota::per_second(1).and_then(|quota| quota.burst(0)), Kind::ZeroBurst, "at least 1 permit"),
    ];
    for (refused, kind, bound) in cases {
        let error = refused.expect_err("out of range");
        assert_eq!((error.kind(), error.position()), (kind, None));
        assert!(error.to_string().contains(bound), "{error}");
    }
    assert!(Quota::from_nanos(u64::MAX, MAX_PERIOD_NANOS).is_ok());
}

/// What an algorithm cannot hold, and beside it the nearest that it can.
#[test]
fn a_quota_that_an_algorithm_cannot_hold_is_an_error_that_names_the_bound() {
    const YEAR: u64 = 31_557_600 * SECOND;
    let with_burst = |limit, period, burst| quota(limit, period).burst(burst).expect("legal");
    let interval = every::INTERVAL;
    let cases: [(Rule, Quota, Quota, Kind, &str); 19] = [
        (GCRA, quota(1_001, 1_000), quota(1_000, 1_000), Kind::RateTooHigh, "one permit per nanosecond"),
        (BUCKET, quota(2, 1), quota(1, 1), Kind::RateTooHigh, "one permit per nanosecond"),
        (GCRA, quota(u64::MAX, MAX_PERIOD_NANOS), quota(1 << 61, 1 << 61), Kind::RateTooHigh, "per nanosecond"),
        (SLIDING, quota(4, 7), quota(3, 7), Kind::RateTooHigh, "sliding window: per two"),
        (GCRA, with_burst(1, 1, (1 << 61) + 1), with_burst(1, 1, 1 << 61), Kind::BurstTooLong, "2^61 ticks"),
        (BUCKET, with_burst(1, 1 << 62, 1), with_burst(1, (1 << 62) - 1, 1), Kind::BurstTooLong, "2^61 ticks"),
        (GCRA, with_burst(1, SECOND, u64::MAX), with_burst(1, SECOND, 1 << 32), Kind::BurstTooLong, "2^61 ticks"),
        (every::FIXED, with_burst(5, SECOND, 6), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (SLIDING, with_burst(5, SECOND, 4), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (LOG, with_burst(5, SECOND, 6), quota(5, SECOND), Kind::BurstUnsupported, "no burst"),
        (every::FIXED, quota(1 << 34, SECOND), quota(1 << 33, SECOND), Kind::LimitTooLarge, "ten years"),
        (every::FIXED, quota(u64::MAX, YEAR), quota(1 << 58, YEAR), Kind::LimitTooLarge, "ten years"),
        (interval, with_burst(1, SECOND, u64::MAX), with_burst(1, SECOND, 1 << 33), Kind::LimitTooLarge, "ten years"),
        (FIXED_FIRST, quota(1, 2_047), quota(1, 1 << 15), Kind::LimitTooLarge, "64 bits"),
        (FIXED_FIRST, quota(u64::MAX, YEAR), quota(1 << 30, YEAR), Kind::LimitTooLarge, "64 bits"),
        (SLIDING, quota(1 << 31, YEAR), quota((1 << 29) - 1, YEAR), Kind::LimitTooLarge, "ten years"),
        (LOG, quota(1 << 18, SECOND), quota((1 << 18) - 1, SECOND), Kind::LogTooLong, "2^18 - 1"),
        (GCRA, quota(5, SECOND).anchor(Anchor::FirstUse), quota(5, SECOND), Kind::AnchorUnsupported, "anchored"),
        (LOG, quota(5, SECOND).anchor(Anchor::Offset(1)), quota(5, SECOND), Kind::AnchorUnsupported, "anchored"),
    ];
    for (rule, bad, good, kind, bound) in cases {
        for origin in [0, SECOND, END, u64::MAX] {
            let error = rule.builder(bad).build_at(origin).expect_err("cannot be held");
            assert_eq!(error.kind(), kind, "{} {bad}", rule.name);
            assert!(error.to_string().contains(bound), "{error}");
            let held = rule.builder(good).build_at(origin);
            assert!(held.is_ok(), "{} {good}: {held:?}", rule.name);
        }
    }
}

#[test]
fn options_that_mean_nothing_are_errors() {
    let five = quota(5, SECOND);
    for rule in EVERY {
        let made = |builder: tidegate::LimiterBuilder| builder.build_at(0).map(|_| ()).map_err(|error| error.kind());
        let bucket = rule.algorithm == Algorithm::TokenBucket;
        let interval = rule.builder(five).refill(Refill::Interval);
        // (GCRA and the windows have no refill to choose.)
        assert_eq!(made(interval), if bucket { Ok(()) } else { Err(Kind::RefillUnsupported) }, "{}", rule.name);
        for fill in [0, 5] {
            let filled = made(rule.builder(five).initial(fill));
            assert_eq!(filled, if bucket { Ok(()) } else { Err(Kind::InitialUnsupported) }, "{}", rule.name);
        }
        for fill in [6, 1 << 32, u64::MAX] {
            assert_eq!(made(rule.builder(five).initial(fill)), Err(Kind::InitialUnsupported), "{}", rule.name);
        }
    }
}

#[test]
fn an_array_of_no_permits_or_too_many_is_an_error() {
    let second = Duration::from_secs(1);
    assert_eq!(SlidingLog::<0>::new(second).expect_err("0").kind(), Kind::ZeroLimit);
    assert_eq!(SlidingLog::<1>::new(Duration::ZERO).expect_err("0").kind(), Kind::ZeroPeriod);
    assert_eq!(SlidingLog::<1>::new(Duration::MAX).expect_err("long").kind(), Kind::PeriodTooLong);
    assert!(SlidingLog::<1>::new(Duration::from_nanos(MAX_PERIOD_NANOS)).is_ok());
}

/// Any numbers at all make a limiter that works, or an error.
#[test]
fn any_numbers_make_a_limiter_or_an_error() {
    fn holds(numbers: (Wide, Wide, Wide, Wide, Wide), offset: Option<Wide>, initial: Option<Wide>) -> TestResult {
        let (limit, period, burst, origin, now) = numbers;
        let Ok(quota) = Quota::from_nanos(limit.0, period.0).and_then(|quota| quota.burst(burst.0)) else {
            return TestResult::from_bool(limit.0 == 0 || period.0 == 0 || period.0 > 1 << 62 || burst.0 == 0);
        };
        for rule in EVERY {
            let quota = if rule.is_bucket() { quota } else { quota.burst(quota.limit()).expect("at least 1") };
            if rule == LOG && quota.limit() > 100_000 {
                continue;
            }
            let mut builder = rule.builder(quota);
            if let (Some(offset), false) = (offset, rule.first_use) {
                builder = builder.anchor(Anchor::Offset(offset.0));
            }
            if let Some(initial) = initial {
                builder = builder.initial(initial.0);
            }
            let limiter = match builder.build_at(origin.0) {
                Ok(limiter) => limiter,
                Err(error) if error.to_string().is_empty() => return TestResult::failed(),
                Err(_) => continue,
            };
            let all = limiter.peek_at(now.0, 1).remaining();
            let spent = limiter.try_acquire_at(now.0, all);
            if all > quota.capacity() || !spent || limiter.take_at(now.0, 1).is_allowed() {
                return TestResult::error(format!("{} {quota}: {all} at {now:?}", rule.name));
            }
        }
        TestResult::passed()
    }
    QuickCheck::new()
        .tests(500)
        .quickcheck(holds as fn((Wide, Wide, Wide, Wide, Wide), Option<Wide>, Option<Wide>) -> TestResult);
}

// Costs

/// States in which a limiter may be met: new, partly used, used up, in debt, with somebody waiting.
fn in_every_state(rule: Rule) -> Vec<(&'static str, Limiter)> {
    type Bring = fn(&Limiter);
    let states: [(&str, Bring); 5] = [
        ("new", |_| ()),
        ("partly used", |limiter| assert!(limiter.try_acquire_at(10, 3))),
        ("used up", |limiter| assert!(limiter.try_acquire_at(10, 7))),
        ("in debt", |limiter| {
            assert!(limiter.charge_at(10, 7).is_allowed());
            assert!(limiter.charge_at(10, 4).is_allowed());
        }),
        ("awaited", |limiter| {
            assert!(limiter.try_acquire_at(10, 7));
            assert!(limiter.reserve_at(10, 6, u64::MAX).is_ok() && limiter.reserve_at(10, 6, u64::MAX).is_ok());
        }),
    ];
    let made = states.map(|(state, bring)| {
        let limiter = rule.make(7, SECOND);
        bring(&limiter);
        (state, limiter)
    });
    made.into()
}

#[test]
fn a_cost_above_the_capacity_is_never_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            for now in [0, 10, 11, SECOND, 100 * SECOND] {
                for cost in [8, 15, 1 << 31, (1 << 32) + 1, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
                    let at = format!("{}, {state}, {cost} at {now}", rule.name);
                    for decision in [limiter.take_at(now, cost), limiter.peek_at(now, cost)] {
                        assert!(!decision.is_allowed() && decision.is_never(), "{at}: {decision:?}");
                        assert_eq!(decision.limit(), 7);
                    }
                    assert!(!limiter.try_acquire_at(now, cost), "{at}");
                    let refused = limiter.reserve_at(now, cost, u64::MAX).expect_err(&at);
                    assert_eq!(refused.refusal(), Refusal::Never, "{at}");
                    assert!(refused.decision().is_never(), "{at}");
                    if cost > 14 {
                        let decision = limiter.charge_at(now, cost);
                        assert!(!decision.is_allowed() && decision.is_never(), "{at}: {decision:?}");
                    }
                }
            }
            assert_eq!(limiter.snapshot(), before, "{}, {state}", rule.name);
        }
    }
}

#[test]
fn a_cost_of_nothing_is_always_allowed_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            for now in [0, 10, SECOND, END, u64::MAX] {
                assert!(limiter.try_acquire_at(now, 0));
                for decision in [limiter.take_at(now, 0), limiter.peek_at(now, 0), limiter.charge_at(now, 0)] {
                    assert!(decision.is_allowed(), "{}, {state}", rule.name);
                    assert_eq!(decision.retry_after_nanos(), Some(0), "{}, {state}", rule.name);
                }
                limiter.refund_at(now, 0);
                let slot = limiter.reserve_at(now, 0, 0).expect("nothing to wait for");
                assert_eq!(slot.at_nanos(), now);
                limiter.cancel_at(now, slot);
            }
            assert_eq!(limiter.snapshot(), before, "{}, {state}", rule.name);
        }
    }
}

#[test]
fn a_refund_of_anything_fills_it_at_most() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            for permits in [u64::MAX, 1 << 63, 1 << 62, 8] {
                limiter.refund_at(10, permits);
                let all = limiter.peek_at(10, 1).remaining();
                assert!(all <= 7, "{}, {state}: {all}", rule.name);
                assert!(limiter.try_acquire_at(10, all) && !limiter.try_acquire_at(10, 1), "{}, {state}", rule.name);
            }
        }
    }
}

/// A queue that the word cannot count is refused; so is one beyond the end of the clock.
#[test]
fn a_queue_too_long_is_refused_and_changes_nothing() {
    let (mut full, mut never) = (0, 0);
    for rule in EVERY {
        for (limit, period) in [(3, 1 << 20), (1_000, 1 << 50), (7, 1 << 61)] {
            let Ok(limiter) = rule.builder(quota(limit, period)).build_at(0) else { continue };
            let mut last = 0;
            for _ in 0..2_000 {
                let before = limiter.snapshot();
                match limiter.reserve_at(0, limit, u64::MAX) {
                    Ok(slot) => {
                        assert!(slot.at_nanos() >= last && slot.at_nanos() <= limiter.horizon(), "{}", rule.name);
                        last = slot.at_nanos();
                        continue;
                    }
                    Err(refused) => {
                        assert!(!refused.decision().is_allowed() && !refused.to_string().is_empty());
                        match refused.refusal() {
                            Refusal::QueueFull => full += u32::from(refused.decision().retry_after_nanos() > Some(0)),
                            Refusal::Never => never += u32::from(refused.decision().is_never()),
                            other => panic!("{}: {other:?}", rule.name),
                        }
                    }
                }
                assert_eq!(limiter.snapshot(), before, "{}", rule.name);
                break;
            }
        }
    }
    println!("{full} full, {never} beyond the clock");
    assert!(full >= 4 && never >= 4, "{full} full, {never} beyond the clock");
}

// Clocks

#[test]
fn a_clock_that_runs_backwards_mints_nothing_and_panics_nowhere() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        let now = 1_000 * SECOND;
        assert!(limiter.try_acquire_at(now, 7));
        let before = limiter.snapshot();
        for late in [1, SECOND - 1, SECOND, SECOND + 1, 10 * SECOND, now - 1, now] {
            for cost in [1, 7] {
                assert!(!limiter.try_acquire_at(now - late, cost), "{} {late} ns late", rule.name);
                let decision = limiter.take_at(now - late, cost);
                let wait = decision.retry_after_nanos().expect("it fits some day");
                assert!(wait >= late, "{}: the clock must first come back: {decision:?}", rule.name);
                assert!(decision.reset_after_nanos() >= late);
                assert_eq!(decision.remaining(), 0, "{} {late} ns late", rule.name);
            }
        }
        assert_eq!(limiter.snapshot(), before, "{}", rule.name);
    }
}

#[test]
fn a_clock_at_its_end_stands_still() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        let end = limiter.horizon();
        assert!(end <= END && end > 10 * 31_557_600 * SECOND, "{}", rule.name);
        let mut granted = 0;
        let times = [end, end + 1, END, END + 1, u64::MAX - 1, u64::MAX];
        for now in times.into_iter().chain(times) {
            while limiter.try_acquire_at(now, 1) {
                granted += 1;
                assert!(granted <= 7, "{}: one capacity at one time", rule.name);
            }
            let denied = limiter.take_at(now, 1);
            assert!(denied.is_never(), "{}: nothing comes back beyond the end: {denied:?}", rule.name);
            assert_eq!(denied.reset_after_nanos(), u64::MAX, "{}", rule.name);
            assert!(limiter.reserve_at(now, 1, u64::MAX).is_err(), "{}", rule.name);
        }
        assert_eq!(granted, 7, "{}", rule.name);
        // And from there back to the beginning.
        let before = limiter.snapshot();
        for now in [0, SECOND, end - SECOND, end - 1] {
            assert!(!limiter.try_acquire_at(now, 1), "{} at {now}", rule.name);
        }
        assert_eq!(limiter.snapshot(), before);
        limiter.refund_at(u64::MAX, u64::MAX);
        assert_eq!(limiter.peek_at(u64::MAX, 1).remaining(), 7, "{}: a refund needs no time", rule.name);
    }
}

/// Every verb at every edge of time and cost, in every order of times: no panic (debug builds check every sum).
#[test]
fn every_verb_at_every_edge_of_time_and_cost() {
    let edges = [0, 1, 2, SECOND, 1 << 31, 1 << 32, 1 << 61, 1 << 62, END - 1, END, 1 << 63, u64::MAX - 1, u64::MAX];
    let quotas = [(1, 1), (1, 2), (3, 7), (7, SECOND), (1, MAX_PERIOD_NANOS), (1 << 20, 1 << 61), (1 << 40, 1 << 61)];
    let mut made = 0;
    for rule in EVERY {
        for (limit, period) in quotas {
            if rule == LOG && limit > 7 {
                continue;
            }
            for origin in edges {
                let Ok(limiter) = rule.builder(quota(limit, period)).build_at(origin) else { continue };
                made += 1;
                for now in edges {
                    for cost in [1, limit, limit * 2, 1 << 33, END, u64::MAX] {
                        let said = [
                            limiter.charge_at(now, cost),
                            limiter.take_at(now, cost),
                            limiter.peek_at(now ^ 1, cost),
                            limiter.take_at(now / 2, 1),
                        ];
                        for decision in said {
                            assert!(decision.remaining() <= decision.limit(), "{}: {decision:?}", rule.name);
                            assert!(decision.is_allowed() || decision.retry_after_nanos() != Some(0), "{decision:?}");
                        }
                        if let Ok(slot) = limiter.reserve_at(now, cost.min(limit), u64::MAX) {
                            limiter.cancel_at(now.wrapping_add(cost), slot);
                        }
                        limiter.refund_at(now, cost);
                    }
                    let _ = limiter.reconfigure_at(now, quota(limit, period), Carry::Time);
                    limiter.reset();
                }
            }
        }
    }
    assert!(made > 300, "{made}");
}

#[test]
fn a_manual_clock_saturates() {
    let clock = ManualClock::new(5);
    clock.advance(Duration::MAX);
    assert_eq!(clock.now(), u64::MAX);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(clock.now(), u64::MAX);
    clock.set(0);
    assert_eq!(clock.now(), 0);
    // The longest wait that can be said is a wait.
    let limiter = GCRA.make(1, SECOND);
    assert!(limiter.try_acquire(1));
    assert!(limiter.reserve(1, Duration::MAX).is_ok());
}

// Changes

#[test]
fn a_change_that_cannot_be_is_an_error_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            let slot = limiter.reserve_at(10, 1, u64::MAX).expect("room");
            let booked = limiter.snapshot();
            let refused = |quota: Quota, carry| {
                let error = limiter.reconfigure_at(10, quota, carry).expect_err(state);
                assert!(!error.to_string().is_empty());
                assert_eq!(limiter.snapshot(), booked, "{}, {state}", rule.name);
                error
            };
            for carry in [Carry::Time, Carry::Permits, Carry::Proportional, Carry::Reset] {
                let error = refused(quota(u64::MAX, 1).anchor(limiter.quota().anchored()), carry);
                assert!(matches!(error, ReconfigureError::Quota(_)), "{error:?}");
            }
            // A refused change leaves slots good: what was booked can still be given back.
            limiter.cancel_at(10, slot);
            let (after, was) = (limiter.peek_at(10, 1), Limiter::from_snapshot(&before).expect("sound").peek_at(10, 1));
            assert_eq!(after.remaining(), was.remaining(), "{}, {state}", rule.name);
        }
    }
}

#[test]
fn what_cannot_be_carried_is_an_error_and_changes_nothing() {
    // A million used cannot be counted where two times the capacity of one is the most.
    let limiter = SLIDING.make(1_000_000, 86_400 * SECOND);
    assert!(limiter.try_acquire_at(5, 1_000_000));
    let before = limiter.snapshot();
    let error = limiter.reconfigure_at(5, quota(1, SECOND), Carry::Permits);
    assert_eq!(error, Err(ReconfigureError::CannotCarry));
    assert_eq!(limiter.snapshot(), before);
    assert!(limiter.reconfigure_at(5, quota(1, SECOND), Carry::Reset).is_ok());

    let log = LOG.make(1_000, SECOND);
    assert!(log.try_acquire_at(5, 1_000));
    let before = log.snapshot();
    assert_eq!(log.reconfigure_at(5, quota(1, 1 << 62), Carry::Permits), Err(ReconfigureError::CannotCarry));
    assert_eq!(log.snapshot(), before);
}

#[test]
fn a_snapshot_of_another_limiter_is_an_error_and_changes_nothing() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        assert!(limiter.try_acquire_at(5, 3));
        let before = limiter.snapshot();
        for other in EVERY {
            let foreign = [other.make(7, 2 * SECOND), other.make(8, SECOND), other.make(7, SECOND)];
            for foreign in foreign.into_iter().take(if other == rule { 2 } else { 3 }) {
                assert_eq!(limiter.restore(&foreign.snapshot()), Err(RestoreError::Mismatch), "{}", rule.name);
            }
        }
        assert_eq!(limiter.snapshot(), before, "{}", rule.name);
    }
}

/// A snapshot that came through many hands: an error, or a limiter that works, but never a panic.
#[cfg(feature = "serde")]
#[test]
fn a_snapshot_tampered_with_is_an_error_or_a_limiter() {
    use serde_json::Value;

    /// The way to every leaf of the text; each is replaced in turn.
    fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                path.push(key.clone());
                leaves(value, path, found);
                path.pop();
            }),
            Value::Array(array) => array.iter().enumerate().for_each(|(at, value)| {
                path.push(at.to_string());
                leaves(value, path, found);
                path.pop();
            }),
            _ => found.push(path.clone()),
        }
    }
    let mut corrupt = 0;
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let text = serde_json::to_value(limiter.snapshot()).expect("it writes");
            let mut numbers = vec![];
            leaves(&text, &mut vec![], &mut numbers);
            assert!(numbers.len() >= 5, "{text}");
            for leaf in numbers {
                let pointer: String = leaf.iter().map(|key| format!("/{key}")).collect();
                for number in [0, 1, 7, 15, 1 << 31, 1 << 62, END, 1 << 63, u64::MAX - 1, u64::MAX].map(Value::from) {
                    let mut changed = text.clone();
                    *changed.pointer_mut(&pointer).expect("it was there") = number;
                    let Ok(snapshot) = serde_json::from_value(changed) else { continue };
                    match Limiter::from_snapshot(&snapshot) {
                        Ok(limiter) => {
                            for now in [0, 10, SECOND, END, u64::MAX] {
                                let said = limiter.charge_at(now, 3);
                                assert!(said.remaining() <= 7, "{}, {state}: {said:?}", rule.name);
                                let _ = limiter.reserve_at(now, 3, u64::MAX);
                                limiter.refund_at(now, 2);
                                let _ = limiter.take_at(now, 1);
                            }
                        }
                        Err(error) => {
                            corrupt += 1;
                            assert!(!error.to_string().is_empty());
                        }
                    }
                }
            }
        }
    }
    assert!(corrupt > 0);
    for text in ["null", "{}", "[]", "7", "\"300/min\""] {
        assert!(serde_json::from_str::<tidegate::Snapshot>(text).is_err());
    }
    for text in ["7", "\"\"", "\"0/s\"", "null", "{}"] {
        assert!(serde_json::from_str::<Quota>(text).is_err());
    }
}

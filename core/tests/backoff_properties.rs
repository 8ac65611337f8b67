//! Bounds that hold for every configuration, and agreement with the model, over and beyond the sensible range.
//!
//! Numbers are log-uniform over all of `u64`, so that tiny, huge and boundary values meet.

use std::time::Duration;

use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use tidegate::backoff::{Backoff, BackoffError, Jitter};

#[path = "backoff_model.rs"]
mod model;
use model::{Ask, Config, Schedule};

/// Log-uniform over 0..=2^64 - 1, with powers of two and their neighbours in plenty.
#[derive(Clone, Copy, Debug)]
struct Log(u64);

impl Arbitrary for Log {
    fn arbitrary(g: &mut Gen) -> Log {
        let bits = *g.choose(&(0..=64).collect::<Vec<u32>>()).expect("not empty");
        let power = 1u64.checked_shl(bits).unwrap_or(0);
        Log(match u8::arbitrary(g) % 4 {
            0 => *g.choose(&[power.wrapping_sub(1), power, power.wrapping_add(1)]).expect("not empty"),
            _ => u64::arbitrary(g) >> (64 - bits.max(1)),
        })
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Log>> {
        Box::new(self.0.shrink().map(Log))
    }
}

/// A legal factor, from 1 to enormous.
fn factor(g: &mut Gen) -> (u64, u64) {
    let (a, b) = (Log::arbitrary(g).0.max(1), Log::arbitrary(g).0.max(1));
    let (numerator, denominator) = (a.max(b), a.min(b));
    let usual = [(2, 1), (3, 2), (11, 10), (1001, 1000), (1, 1), (10, 1)];
    match u8::arbitrary(g) % 3 {
        0 if u128::from(numerator) * 1000 >= u128::from(denominator) * 1001 => (numerator, denominator),
        _ => *g.choose(&usual).expect("not empty"),
    }
}

#[derive(Clone, Debug)]
struct Any {
    config: Config,
    start: Option<u64>,
    asks: Vec<Ask>,
}

impl Arbitrary for Any {
    fn arbitrary(g: &mut Gen) -> Any {
        let number = |g: &mut Gen| Log::arbitrary(g).0;
        let some = |g: &mut Gen| bool::arbitrary(g).then(|| Log::arbitrary(g).0);
        let (numerator, denominator) = factor(g);
        let step = number(g);
        let schedules = [
            Schedule::Constant,
            Schedule::Linear { step },
            Schedule::Exponential { numerator, denominator },
            Schedule::Fibonacci,
        ];
        let width = Duration::from_nanos(number(g));
        let jitters = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Additive(width), Jitter::Decorrelated];
        // Told the time never, always, or now and then.
        let timed = u8::arbitrary(g) % 3;
        let count = usize::arbitrary(g) % 24;
        Any {
            config: Config {
                schedule: *g.choose(&schedules).expect("not empty"),
                base: number(g),
                cap: some(g),
                jitter: *g.choose(&jitters).expect("not empty"),
                max_retries: some(g).map(|most| most as u32),
                max_elapsed: if u8::arbitrary(g) % 3 == 0 { some(g) } else { None },
                seed: u64::arbitrary(g),
            },
            start: some(g),
            asks: (0..count)
                .map(|_| Ask {
                    now: (timed == 1 || timed == 2 && bool::arbitrary(g)).then(|| Log::arbitrary(g).0),
                    hint: some(g),
                })
                .collect(),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Any>> {
        let fewer = (0..self.asks.len()).map({
            let any = self.clone();
            move |n| Any { asks: any.asks[..n].to_vec(), ..any.clone() }
        });
        Box::new(fewer.collect::<Vec<_>>().into_iter())
    }
}

impl Any {
    /// The core's answers to the same questions.
    fn answers(&self) -> Vec<Option<u64>> {
        let backoff = self.config.backoff();
        let mut session = self.start.map_or_else(|| backoff.start(), |start| backoff.start_at(start));
        self.asks
            .iter()
            .map(|ask| match ask.now {
                Some(now) => session.next_delay_nanos_at(now, ask.hint),
                None => session.next_delay_nanos(ask.hint),
            })
            .collect()
    }
}

quickcheck! {
    fn the_core_agrees_with_the_model(any: Any) -> bool {
        any.answers() == any.config.answers(any.start, &any.asks)
    }

    fn every_delay_is_within_cap_and_hint(any: Any) -> bool {
        let cap = any.config.cap.unwrap_or(u64::MAX);
        any.answers().iter().zip(&any.asks).all(|(delay, ask)| match (*delay, ask.hint) {
            (None, _) => true,
            (Some(delay), None) => delay <= cap,
            (Some(delay), Some(hint)) if hint < cap => hint <= delay && delay <= cap,
            (Some(delay), Some(hint)) => hint <= delay && delay <= hint.saturating_add(cap),
        })
    }

    fn every_delay_is_in_the_range_of_its_jitter(any: Any) -> bool {
        let Config { base, jitter, .. } = any.config;
        let cap = any.config.cap.unwrap_or(u64::MAX);
        let backoff = any.config.backoff();
        let mut before = base;
        backoff.start().take(20).enumerate().all(|(n, delay)| {
            let delay = delay.as_nanos() as u64;
            let v = backoff.nominal_delay(n as u32).as_nanos() as u64;
            let (least, most) = match jitter {
                Jitter::None => (v, v),
                Jitter::Full => (0, v),
                Jitter::Equal => (v.div_ceil(2), v),
                Jitter::Additive(width) => {
                    let width = (width.as_nanos() as u64).min(cap);
                    let low = v.min(cap - width);
                    (low, low + width)
                }
                _ => (base.min(cap), before.saturating_mul(3).max(base).min(cap)),
            };
            before = delay;
            least <= delay && delay <= most
        })
    }

    fn an_ended_session_stays_ended(any: Any) -> bool {
        let answers = any.answers();
        let first = answers.iter().position(Option::is_none).unwrap_or(answers.len());
        let most = any.config.max_retries.map_or(usize::MAX, |most| most as usize);
        answers[first..].iter().all(Option::is_none) && first <= most
    }

    fn the_delays_of_a_session_fit_its_time(any: Any) -> bool {
        let sum: u128 = any.answers().iter().flatten().map(|delay| u128::from(*delay)).sum();
        // At 2^64 - 1 ns the sum saturates, and so "longer" cannot be told any more.
        any.config.max_elapsed.is_none_or(|most| most == u64::MAX || sum <= u128::from(most))
    }

    fn the_nominal_delay_jumps_to_where_steps_lead(any: Any, n: u8) -> bool {
        let config = Config { jitter: Jitter::None, max_retries: None, max_elapsed: None, ..any.config };
        let backoff = config.backoff();
        let walked = backoff.delays().nth(usize::from(n));
        walked == Some(backoff.nominal_delay(u32::from(n)))
    }

    fn the_nominal_delay_never_falls_and_never_hangs(any: Any, n: u32, m: u32) -> bool {
        let backoff = any.config.backoff();
        let (n, m) = (n.min(m), n.max(m));
        let delays = [0, n, m, u32::MAX].map(|n| backoff.nominal_delay(n));
        delays.is_sorted()
    }

    fn whole_powers_are_exact(base: u32, factor: u8, n: u8) -> TestResult {
        let (factor, n) = (u128::from(factor.max(1)), u32::from(n % 40));
        let Some(exact) = factor.checked_pow(n).and_then(|power| power.checked_mul(u128::from(base))) else {
            return TestResult::discard();
        };
        let backoff = Backoff::exponential(Duration::from_nanos(u64::from(base)))
            .factor_ratio(factor as u64, 1)
            .expect("at least 1");
        TestResult::from_bool(backoff.nominal_delay(n).as_nanos() == exact.min(u128::from(u64::MAX)))
    }

    /// `floor(base * factor^n)` exactly, as long as it can be computed exactly in 128 bits.
    fn fractional_powers_are_exact(base: u32, tenths: u8, n: u8) -> TestResult {
        let numerator = u128::from(tenths.max(11));
        let n = u32::from(n % 20);
        let (Some(over), Some(under)) = (numerator.checked_pow(n), 10u128.checked_pow(n)) else {
            return TestResult::discard();
        };
        let Some(product) = over.checked_mul(u128::from(base)) else {
            return TestResult::discard();
        };
        let exact = (product / under).min(u128::from(u64::MAX));
        // Each step drops less than 2^-64 ns, which the later steps enlarge: less than n * factor^n / 2^64 ns in all. So a product
        // that lies no further than that above a whole number may come out lower.
        let (fraction, error) = (product % under, u128::from(n).saturating_mul(over));
        let tipped = fraction != 0 && fraction << 64 < error;
        let backoff = Backoff::exponential(Duration::from_nanos(u64::from(base)))
            .factor_ratio(numerator as u64, 10)
            .expect("at least 1.1");
        let got = backoff.nominal_delay(n).as_nanos();
        let missing = exact.abs_diff(got);
        TestResult::from_bool(missing == 0 || tipped && got < exact && missing <= error / under / (1 << 64) + 1)
    }

    fn factors_are_refused_or_kept(numerator: Log, denominator: Log) -> bool {
        let backoff = Backoff::exponential(Duration::from_secs(1));
        let legal = denominator.0 != 0
            && (numerator.0 == denominator.0
                || u128::from(numerator.0) * 1000 >= u128::from(denominator.0) * 1001);
        match backoff.factor_ratio(numerator.0, denominator.0) {
            Ok(_) => legal,
            Err(error) => !legal && error == BackoffError::FactorTooSmall,
        }
    }

    fn decimal_text_and_ratio_are_one(thousandths: u32) -> TestResult {
        let backoff = Backoff::exponential(Duration::from_secs(1));
        let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        TestResult::from_bool(
            backoff.factor_decimal(&text) == backoff.factor_ratio(u64::from(thousandths), 1000),
        )
    }

    fn no_text_panics(text: String) -> bool {
        let backoff = Backoff::exponential(Duration::from_secs(1));
        backoff.factor_decimal(&text).is_err() || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    }
}

/// The shortest decimal of a double is what its user typed: the way that bindings take.
#[test]
fn doubles_convert_through_their_shortest_decimal() {
    let backoff = Backoff::exponential(Duration::from_secs(1));
    for (double, numerator, denominator) in
        [(1.1, 11, 10), (1.5, 3, 2), (2.0, 2, 1), (1.7, 17, 10), (1e6, 1_000_000, 1)]
    {
        assert_eq!(backoff.factor_decimal(&format!("{double}")), backoff.factor_ratio(numerator, denominator));
    }
    for double in [f64::NAN, f64::INFINITY, -1.5] {
        assert_eq!(backoff.factor_decimal(&format!("{double}")), Err(BackoffError::FactorText));
    }
    assert_eq!(backoff.factor_decimal("0.5"), Err(BackoffError::FactorTooSmall));
}

#[test]
fn only_exponential_schedules_have_a_factor() {
    let second = Duration::from_secs(1);
    for backoff in [Backoff::constant(second), Backoff::linear(second, second), Backoff::fibonacci(second)] {
        assert_eq!(backoff.factor(2), Err(BackoffError::FactorUnsupported));
    }
}

#[test]
fn the_saturated_end_is_reached_and_kept() {
    let nano = Duration::from_nanos(1);
    let most = Duration::from_nanos(u64::MAX);
    let slowest = Backoff::exponential(nano).factor_ratio(1001, 1000).expect("legal");
    for backoff in [
        slowest,
        Backoff::exponential(nano),
        Backoff::fibonacci(nano),
        Backoff::linear(nano, Duration::from_nanos(1 << 33)),
    ] {
        assert_eq!(backoff.nominal_delay(u32::MAX), most);
    }
    for beyond in [Duration::MAX, Duration::from_secs(1 << 40), most + nano] {
        assert_eq!(Backoff::constant(beyond).nominal_delay(u32::MAX), most);
        assert_eq!(Backoff::constant(nano).start().next_delay(Some(beyond)), Some(most));
    }
    assert_eq!(Backoff::exponential(Duration::ZERO).nominal_delay(u32::MAX), Duration::ZERO);
    assert_eq!(Backoff::fibonacci(Duration::ZERO).nominal_delay(u32::MAX), Duration::ZERO);
    let mut session = Backoff::exponential(nano).start();
    assert!(session.by_ref().take(64).is_sorted());
    assert!(session.take(1000).all(|delay| delay == most));
}

#[test]
fn a_reset_session_begins_again_but_its_jitter_goes_on() {
    let backoff = Backoff::exponential(Duration::from_secs(1)).max_retries(3).seed(9);
    let mut plain = backoff.start();
    let first: Vec<_> = plain.by_ref().collect();
    plain.reset();
    assert_eq!(plain.retries(), 0);
    assert_eq!(plain.collect::<Vec<_>>(), first);

    let mut jittered = backoff.jitter(Jitter::Full).start();
    let first: Vec<_> = jittered.by_ref().collect();
    jittered.reset();
    assert_ne!(jittered.collect::<Vec<_>>(), first);
}

#[test]
fn a_session_says_how_many_delays_are_left_at_most() {
    let mut session = Backoff::constant(Duration::from_secs(1)).max_retries(3).start();
    assert_eq!(session.size_hint(), (0, Some(3)));
    session.next_delay(None);
    assert_eq!(session.size_hint(), (0, Some(2)));
    assert_eq!(session.by_ref().count(), 2);
    assert_eq!(session.size_hint(), (0, Some(0)));
    assert_eq!(Backoff::constant(Duration::from_secs(1)).start().size_hint(), (0, None));
}

#[test]
fn a_hint_does_not_change_the_schedule() {
    let second = Duration::from_secs(1);
    let mut session = Backoff::exponential(second).start();
    assert_eq!(session.next_delay(Some(second * 100)), Some(second * 100));
    assert_eq!(session.next_delay(None), Some(second * 2));
}

/// A session that is taken apart and put together again before every delay goes on as if nothing had happened.
#[test]
fn sessions_survive_as_numbers() {
    use core::time::Duration;
    use tidegate::backoff::{Backoff, Jitter};
    let base = Duration::from_millis(20);
    let schedules =
        [Backoff::constant(base), Backoff::linear(base, base), Backoff::exponential(base), Backoff::fibonacci(base)];
    let jitters = [Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Additive(base), Jitter::Decorrelated];
    for backoff in schedules {
        for jitter in jitters {
            let backoff =
                backoff.jitter(jitter).max_retries(30).max_elapsed(Duration::from_secs(3)).max_delay(base * 9);
            let mut whole = backoff.start_at(7);
            let mut raw = whole.to_raw();
            for call in 0..40 {
                let (now, hint) = (call * 10_000_000, (call % 5 == 0).then_some(31_000_000));
                let mut resumed = backoff.resume(raw);
                assert_eq!(whole, resumed);
                assert_eq!(whole.next_delay_nanos_at(now, hint), resumed.next_delay_nanos_at(now, hint));
                raw = resumed.to_raw();
            }
        }
    }
}

/// Without jitter nothing is drawn: the generator stays where it is, as the vectors say.
#[test]
fn without_jitter_nothing_is_drawn() {
    let backoff = Backoff::fibonacci(Duration::from_millis(3)).seed(17);
    for (jitter, moves) in [(Jitter::None, false), (Jitter::Full, true)] {
        let mut session = backoff.jitter(jitter).start();
        let [_, _, _, _, before, ..] = session.to_raw();
        assert_eq!((&mut session).take(5).count(), 5);
        let [_, _, _, _, after, ..] = session.to_raw();
        assert_eq!(before != after, moves, "{jitter:?}");
    }
}

/// A delay is the same as a duration and as nanoseconds, whether told the time or not.
#[test]
fn durations_and_nanoseconds_are_one() {
    let backoff = Backoff::exponential(Duration::from_millis(7)).jitter(Jitter::Equal).max_retries(9).seed(3);
    let [mut told, mut told_nanos, mut plain, mut plain_nanos] = [(); 4].map(|()| backoff.start());
    for call in 0..12 {
        let hint = (call % 3 == 0).then_some(Duration::from_millis(20));
        let hint_nanos = hint.map(|hint| hint.as_nanos() as u64);
        let delay = told.next_delay_at(call, hint);
        assert_eq!(delay, told_nanos.next_delay_nanos_at(call, hint_nanos).map(Duration::from_nanos));
        assert_eq!(delay, plain.next_delay(hint));
        assert_eq!(delay, plain_nanos.next_delay_nanos(hint_nanos).map(Duration::from_nanos));
        assert_eq!(delay.is_some(), call < 9);
    }
}

/// A session knows how far it is, and begins anew at the time at which it is told to; taken apart before it heard of a clock, it has
/// heard of none.
#[test]
fn a_session_knows_its_place_and_its_time() {
    let backoff = Backoff::constant(Duration::from_nanos(10)).max_elapsed(Duration::from_nanos(35));
    let mut session = backoff.start();
    for retries in 1..=2 {
        assert_eq!(session.next_delay_nanos(None), Some(10));
        assert_eq!(session.retries(), retries);
    }
    // 20 of 35 ns have gone, whenever the clock is first heard of.
    for mut resumed in [session.clone(), backoff.resume(session.to_raw())] {
        assert_eq!((resumed.retries(), resumed.next_delay_nanos_at(1_000, None)), (2, Some(10)));
        assert_eq!(resumed.next_delay_nanos_at(1_010, None), None);
        assert_eq!((resumed.retries(), resumed.next_delay_nanos(None)), (3, None));
        resumed.reset_at(5_000);
        assert_eq!((resumed.retries(), resumed.next_delay_nanos_at(5_025, None)), (0, Some(10)));
        assert_eq!(resumed.next_delay_nanos_at(5_026, None), None);
        resumed.reset_at(9_000);
        assert_eq!(resumed.next_delay_nanos_at(9_026, None), None);
    }
}

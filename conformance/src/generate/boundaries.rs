//! Every argument at 0, 1, 2^k - 1, 2^k, 2^k + 1 and the largest that is legal, one case each, with the basic verbs.

use tidegate_reference::{Algorithm, Anchor, Config, END, MAX_PERIOD, Model, Refill};

use super::record::{Book, Script};

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// The eight rules: a name, and a configuration of 1000 permits an hour.
pub(super) fn rules() -> Vec<(&'static str, Config)> {
    let plain = |algorithm| Config::new(algorithm, 1000, 3600 * SECOND, 1000);
    let interval = Config { refill: Refill::Interval, ..plain(Algorithm::TokenBucket) };
    let first_use = |config: Config| Config { anchor: Anchor::FirstUse, ..config };
    vec![
        ("gcra", plain(Algorithm::Gcra)),
        ("token-bucket", plain(Algorithm::TokenBucket)),
        ("token-bucket by intervals", interval.clone()),
        ("token-bucket by intervals from first use", first_use(interval)),
        ("fixed-window", plain(Algorithm::FixedWindow)),
        ("fixed-window from first use", first_use(plain(Algorithm::FixedWindow))),
        ("sliding-window", plain(Algorithm::SlidingWindow)),
        ("sliding-log", plain(Algorithm::SlidingLog)),
    ]
}

/// Whether burst has a meaning of its own.
pub(super) fn has_burst(config: &Config) -> bool {
    matches!(config.algorithm, Algorithm::Gcra | Algorithm::TokenBucket)
}

/// `limit` permits a `period`, all at once.
pub(super) fn with_quota(config: &Config, limit: u64, period: u64) -> Config {
    Config { limit, period, burst: limit, ..config.clone() }
}

/// 0, 1, the neighbours of powers of two, the largest number of 64 bits, each with its name.
fn numbers(powers: &[u32]) -> Vec<(String, u64)> {
    let mut all = vec![("0".into(), 0), ("1".into(), 1)];
    for &k in powers {
        let power = 1u64 << k;
        all.push((format!("2^{k} - 1"), power - 1));
        all.push((format!("2^{k}"), power));
        all.push((format!("2^{k} + 1"), power + 1));
    }
    all.push(("2^64 - 1".into(), u64::MAX));
    all
}

/// The largest value up to `end` that makes a limiter, if what is legal has no gaps below it.
fn largest(end: u64, make: impl Fn(u64) -> Config) -> u64 {
    let (mut legal, mut refused) = (1, end);
    if Model::new(make(end)).is_ok() {
        return end;
    }
    while refused - legal > 1 {
        let middle = legal + (refused - legal) / 2;
        if Model::new(make(middle)).is_ok() { legal = middle } else { refused = middle }
    }
    legal
}

pub(super) fn write(book: &mut Book) {
    for (rule, config) in rules() {
        costs(book, rule, &config);
        limits(book, rule, &config);
        bursts(book, rule, &config);
        periods(book, rule, &config);
        instants(book, rule, &config);
        clocks(book, rule, &config);
        offsets(book, rule, &config);
        fills(book, rule, &config);
        options(book, rule, &config);
    }
}

fn costs(book: &mut Book, rule: &str, config: &Config) {
    let burst = config.burst;
    let mut all = numbers(&[31, 63]);
    all.extend([
        ("capacity - 1".into(), burst - 1),
        ("capacity".into(), burst),
        ("capacity + 1".into(), burst + 1),
        ("twice the capacity".into(), 2 * burst),
        // What a multiplication by the emission interval would bring back to a small number.
        ("2^64 / emission interval".into(), u64::MAX / (config.period / config.limit) + 2),
    ]);
    for (name, cost) in all {
        book.case(format!("{rule}: cost {name}"), config, |script| {
            script.peek(0, cost);
            script.take(1, cost);
            script.take(2, cost);
            script.try_acquire(2, 1);
        });
    }
}

/// Fills the limiter, finds it full, and waits for one and for all.
fn burst_and_wait(script: &mut Script, now: u64, capacity: u64) {
    script.take(now, capacity);
    let now = script.wait_for(now, 1);
    script.wait_for(now, capacity);
}

fn limits(book: &mut Book, rule: &str, config: &Config) {
    for (unit, period, powers) in [("second", SECOND, &[16][..]), ("day", DAY, &[1, 8, 21, 31])] {
        let make = |limit| with_quota(config, limit, period);
        let mut all = numbers(powers);
        let largest = largest(u64::MAX, make);
        all.push(("the largest legal".into(), largest));
        all.push(("one more than legal".into(), largest.saturating_add(1)));
        for (name, limit) in all {
            book.case(format!("{rule}: limit {name} a {unit}"), &make(limit), |script| {
                burst_and_wait(script, 5 * period + 7, limit);
            });
        }
    }
}

fn bursts(book: &mut Book, rule: &str, config: &Config) {
    let make = |burst| Config { burst, ..with_quota(config, 7, SECOND) };
    if !has_burst(config) {
        book.case(format!("{rule}: a burst other than the limit"), &make(8), |_| {});
        return;
    }
    let mut all = numbers(&[1, 16, 31]);
    let largest = largest(u64::MAX, make);
    all.push(("the largest legal".into(), largest));
    all.push(("one more than legal".into(), largest.saturating_add(1)));
    for (name, burst) in all {
        book.case(format!("{rule}: burst {name}"), &make(burst), |script| burst_and_wait(script, 3, burst));
    }
}

fn periods(book: &mut Book, rule: &str, config: &Config) {
    let mut all = numbers(&[1, 11, 32, 62]);
    all.push(("a prime".into(), 1_000_000_007));
    for (name, period) in all {
        book.case(format!("{rule}: 3 a period of {name} ns"), &with_quota(config, 3, period), |script| {
            burst_and_wait(script, 1, 3);
        });
    }
    // The largest that is legal, where long ones are refused.
    let make = |period| with_quota(config, 1, period);
    let longest = largest(MAX_PERIOD, make);
    book.case(format!("{rule}: the longest legal period"), &make(longest), |script| burst_and_wait(script, 1, 1));
}

fn instants(book: &mut Book, rule: &str, config: &Config) {
    let horizon = Model::new(config.clone()).map_or(END, |model| model.horizon());
    let mut all = numbers(&[32, 62, 63]);
    all.extend([
        ("the horizon - 1".into(), horizon - 1),
        ("the horizon".into(), horizon),
        ("the horizon + 1".into(), horizon + 1),
        ("one period before the horizon".into(), horizon - config.period),
    ]);
    for (name, now) in all {
        book.case(format!("{rule}: now {name}"), config, |script| {
            script.take(now, 1);
            script.take(now, 999);
            script.try_acquire(now, 1);
            script.peek(now.saturating_add(1), 1);
        });
    }
}

fn clocks(book: &mut Book, rule: &str, config: &Config) {
    let config = with_quota(config, 3, SECOND);
    let third = SECOND / 3;
    let mut clock = |name: &str, origin, instants: Vec<u64>| {
        book.case(format!("{rule}: the clock {name}"), &Config { origin, ..config.clone() }, |script| {
            for (i, now) in instants.into_iter().enumerate() {
                if i % 3 == 2 {
                    script.try_acquire(now, 1);
                } else {
                    script.take(now, 1 + (i as u64) % 2);
                }
            }
        });
    };
    clock("stalls", 0, vec![77; 8]);
    clock("goes nanosecond by nanosecond", 0, (third - 4..third + 5).collect());
    clock("goes by thirds of the period", 0, (1..12).map(|i| i * third).collect());
    clock("goes by whole periods", 0, (0..8).map(|i| i * SECOND).collect());
    clock("jumps", 0, vec![5, 6, 7, 3 * SECOND, 3 * SECOND, 1000 * DAY, 1000 * DAY, 1000 * DAY + 1]);
    clock("runs backwards", 0, (0..12).map(|i| 5 * SECOND - i * third).collect());
    clock("falls back to 0", 0, vec![9 * SECOND, 9 * SECOND, 0, 0, 1, SECOND, 9 * SECOND, 10 * SECOND, 2 * SECOND]);
    clock("goes to and fro", 0, vec![0, SECOND, 0, 2 * SECOND, SECOND, 3 * SECOND, SECOND, 3 * SECOND, 4 * SECOND]);
    let huge = 1 << 62;
    clock("starts huge", huge, (0..9).map(|i| huge + i * third).collect());
    clock("starts huge, is late and falls back", huge, vec![huge, huge, huge - SECOND, 0, huge + 1, 5, huge + SECOND]);
    clock(
        "is huge without having been at the start",
        0,
        vec![huge, huge, huge, huge + SECOND, huge, huge + 5 * SECOND],
    );
    clock("ends", 0, vec![END - 2 * SECOND, END - 2, END - 1, END, END + 1, u64::MAX, END, 3 * SECOND]);
}

fn offsets(book: &mut Book, rule: &str, config: &Config) {
    let config = with_quota(config, 2, SECOND);
    let all = [
        ("1", 1),
        ("the period - 1", SECOND - 1),
        ("the period", SECOND),
        ("the period + 1", SECOND + 1),
        ("half a day", DAY / 2),
        ("2^63", 1 << 63),
        ("2^64 - 1", u64::MAX),
    ];
    if config.anchor == Anchor::FirstUse {
        return;
    }
    for (name, offset) in all {
        let start = offset % SECOND;
        book.case(
            format!("{rule}: offset {name}"),
            &Config { anchor: Anchor::Clock { offset }, ..config.clone() },
            |script| {
                script.take(start.saturating_sub(1), 2);
                script.take(start, 1);
                script.take(start, 2);
                script.take(start + SECOND - 1, 1);
                script.take(start + SECOND, 1);
                script.wait_for(start + SECOND, 2);
            },
        );
    }
}

fn fills(book: &mut Book, rule: &str, config: &Config) {
    for origin in [0, 5 * SECOND + 1, 1 << 62] {
        for initial in [0, 1, 9, 10, 11] {
            let make = Config { initial: Some(initial), origin, burst: 10, ..with_quota(config, 5, SECOND) };
            let refused = Model::new(make.clone()).is_err();
            if refused && (origin > 0 || has_burst(config) && initial <= 10) {
                continue; // one vector says it
            }
            book.case(format!("{rule}: {initial} of 10 to start with at {origin}"), &make, |script| {
                script.peek(origin.saturating_sub(1), 10);
                script.take(origin, initial);
                script.take(origin, 1);
                let now = script.wait_for(origin, 3);
                script.wait_for(now, 10);
            });
        }
    }
}

/// Options that have no meaning for a rule.
fn options(book: &mut Book, rule: &str, config: &Config) {
    let bucket = config.algorithm == Algorithm::TokenBucket;
    if !bucket {
        let refill = Config { refill: Refill::Interval, ..config.clone() };
        book.case(format!("{rule}: refill by intervals"), &refill, |_| {});
        let initial = Config { initial: Some(config.burst), ..config.clone() };
        book.case(format!("{rule}: an initial fill"), &initial, |_| {});
    }
    let first_use = Config { anchor: Anchor::FirstUse, ..config.clone() };
    if Model::new(first_use.clone()).is_err() {
        book.case(format!("{rule}: from first use"), &first_use, |_| {});
    }
}

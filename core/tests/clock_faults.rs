//! Clocks that are wrong: apart between threads, set back, asleep, at their end. Whatever they do, no more passes than the rule allows in the
//! time that any of them has shown.
//!
//! Each of four threads has a clock of its own: the common one, shifted, which steps back, stands still and leaps. `TIDEGATE_CASES` worlds a rule
//! (200). That every single answer is right for the times told is what `reference.rs` shows; this shows that lies about time mint nothing.

mod every;

use std::sync::Mutex;
use std::thread;

use every::{BUCKET, EVERY, FIXED, FIXED_FIRST, GCRA, INTERVAL, INTERVAL_FIRST, LOG, Rule, SLIDING};
use tidegate::{Clock, Limiter, ManualClock};

/// The end of every clock.
const END: u64 = (1 << 63) - 1;
const LIMIT: u64 = 8;
const PERIOD: u64 = 1 << 20;

fn cases() -> u64 {
    std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Seeded numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// How the common clock begins: anywhere, just before its end, or just before 64 bits wrap.
const BEGINNINGS: [u64; 4] = [0, 1 << 40, END - 3 * PERIOD, u64::MAX - 3 * PERIOD];

/// What a thread's clock showed, and how much passed.
struct Seen {
    least: u64,
    most: u64,
    passed: u64,
}

/// One thread with a clock of its own.
fn run(numbers: &mut Numbers, begin: u64, calls: u64, take: &(impl Fn(u64, u64) -> bool + ?Sized)) -> Seen {
    let skew = numbers.below(2 * PERIOD);
    let mut now = begin.saturating_add(skew);
    let mut seen = Seen { least: u64::MAX, most: 0, passed: 0 };
    for _ in 0..calls {
        now = match numbers.below(16) {
            // Set back: a little, or far.
            0 => now.saturating_sub(numbers.below(PERIOD / 4)),
            1 => now.saturating_sub(numbers.below(4 * PERIOD)),
            // Asleep, and awake again.
            2 => now.saturating_add(numbers.below(3 * PERIOD)),
            // Stopped.
            3..=6 => now,
            _ => now.saturating_add(numbers.below(PERIOD / LIMIT)),
        };
        let read = now.min(END);
        (seen.least, seen.most) = (seen.least.min(read), seen.most.max(read));
        let cost = 1 + numbers.below(2);
        if take(now, cost) {
            seen.passed += cost;
        }
    }
    seen
}

/// The most that a rule lets through between the two times, both included, beginning as new.
fn most(rule: Rule, least: u64, greatest: u64) -> u64 {
    let span = greatest - least;
    let windows = greatest / PERIOD - least / PERIOD;
    match rule {
        // Whole emission intervals, each a power of two of ticks: to the nanosecond.
        GCRA | BUCKET => LIMIT + span / (PERIOD / LIMIT) + 1,
        FIXED | INTERVAL | SLIDING => LIMIT * (windows + 1),
        LOG => LIMIT * (span / PERIOD + 1),
        // Windows that begin at a use are a tick shorter at most.
        FIXED_FIRST | INTERVAL_FIRST => LIMIT * (span / (PERIOD - 1) + 1),
        _ => unreachable!("another rule"),
    }
}

/// Four threads, each with its own clock: how far beyond the bound they came.
fn beyond(rule: Rule, seed: u64, take: &(impl Fn(u64, u64) -> bool + Sync + ?Sized)) -> Result<u64, String> {
    let mut numbers = Numbers(seed);
    let begin = BEGINNINGS[numbers.below(4) as usize];
    let seeds: Vec<u64> = (0..4).map(|_| numbers.below(u64::MAX)).collect();
    let parts: Vec<Seen> = thread::scope(|scope| {
        let threads: Vec<_> =
            seeds.iter().map(|&seed| scope.spawn(move || run(&mut Numbers(seed), begin, 60, take))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let least = parts.iter().map(|seen| seen.least).min().expect("four");
    let greatest = parts.iter().map(|seen| seen.most).max().expect("four");
    let (passed, most) = (parts.iter().map(|seen| seen.passed).sum::<u64>(), most(rule, least, greatest));
    if passed > most { Err(format!("{passed} passed of {most} from {least} to {greatest}")) } else { Ok(passed) }
}

#[test]
fn whatever_the_clocks_do_the_bound_holds() {
    for rule in EVERY {
        let mut passed = 0;
        for seed in 0..cases() {
            let limiter = rule.make(LIMIT, PERIOD);
            let take = |now, cost| limiter.try_acquire_at(now, cost);
            passed += beyond(rule, seed, &take).unwrap_or_else(|why| panic!("{}, seed {seed}: {why}", rule.name));
        }
        println!("{}: {passed} passed in {} worlds", rule.name, cases());
        assert!(passed > cases() * LIMIT, "{}: a bound that is not reached shows nothing", rule.name);
    }
}

/// A bucket that believes every clock: it earns whenever it is told another time. The worlds above must show it.
#[test]
fn a_bucket_that_believes_every_clock_is_found_out() {
    let found = (0..200).any(|seed| {
        let bucket = Mutex::new((0u64, LIMIT * (PERIOD / LIMIT)));
        let take = |now: u64, cost: u64| {
            let mut bucket = bucket.lock().expect("no thread panics");
            let earned = now.abs_diff(bucket.0);
            let there = bucket.1.saturating_add(earned).min(PERIOD);
            *bucket = (now, there);
            let needed = cost * (PERIOD / LIMIT);
            let allowed = there >= needed;
            bucket.1 -= if allowed { needed } else { 0 };
            allowed
        };
        beyond(GCRA, seed, &take).is_err()
    });
    assert!(found);
}

/// A machine that slept: no second burst has been saved up, and it goes on at once.
#[test]
fn a_long_sleep_saves_up_one_burst() {
    for rule in EVERY {
        let limiter = rule.make(LIMIT, PERIOD);
        let mut now = 10 * PERIOD;
        for _ in 0..20 {
            now += 1_000 * PERIOD;
            let passed = (0..3 * LIMIT).filter(|_| limiter.try_acquire_at(now, 1)).count() as u64;
            assert_eq!(passed, LIMIT, "{}", rule.name);
        }
    }
}

/// At the end of the clock time stands still: what is left is spent once, and `u64::MAX` is no later than the end.
#[test]
fn the_end_of_the_clock_gives_one_burst() {
    for rule in EVERY {
        let limiter: Limiter = rule.make(LIMIT, PERIOD);
        let passed = (0..10 * LIMIT).filter(|nth| limiter.try_acquire_at(u64::MAX - nth % 7, 1)).count() as u64;
        assert_eq!(passed, LIMIT, "{}", rule.name);
        assert!(!limiter.try_acquire_at(END, 1));
    }
}

/// A clock of the caller's own that is set back under the plain verbs: nothing is minted until it has caught up.
#[test]
fn a_clock_of_ones_own_that_is_set_back() {
    static CLOCK: ManualClock = ManualClock::new(100 * PERIOD);
    for rule in EVERY {
        CLOCK.set(100 * PERIOD);
        let quota = tidegate::Quota::from_nanos(LIMIT, PERIOD).expect("legal");
        let limiter = rule.builder(quota).clock(&CLOCK).build().expect("legal");
        assert!(limiter.try_acquire(LIMIT), "{}", rule.name);
        CLOCK.set(50 * PERIOD);
        assert_eq!(CLOCK.now(), 50 * PERIOD);
        assert!(!limiter.try_acquire(1), "{}", rule.name);
        CLOCK.set(103 * PERIOD);
        assert!(limiter.try_acquire(LIMIT), "{}", rule.name);
    }
}

//! What a verdict over four limits costs: mailiam's plan Pro at one of its endpoints, for 1,000 and for 1,000,000 API keys.
//!
//! Beside it stands the floor: the same four spends on the same four tables without a policy, the key hashed once and all slots asked for together. It is
//! memory, and nothing that a verdict does can be below it.
//!
//! `cargo run --release -p tidegate-benches --bin verdict` prints the table that `docs/policies.md` keeps; with `--check` the exit status is
//! 1 unless the median verdict at a million keys, admitted, in random order, takes less than a microsecond.

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use tidegate::{Algorithm, Group, KeyedLimiter, Member, Quota};
use tidegate_benches::interleave::Middle;
use tidegate_benches::machine;
use tidegate_policy::{Policy, Request, Scope};

const NOW: u64 = 1_768_479_617_000_000_000;
const ROUNDS: usize = 15;
const SLICE: usize = 200_000;
const MANY: usize = 1_000_000;
const LIMITS: [(Algorithm, &str); 4] = [
    (Algorithm::FixedWindow, "25000/hour"),
    (Algorithm::Gcra, "500/min burst 1000"),
    (Algorithm::FixedWindow, "1000/hour"),
    (Algorithm::FixedWindow, "60/min"),
];

fn main() -> ExitCode {
    let check = std::env::args().nth(1).as_deref() == Some("--check");
    machine::description().iter().for_each(|line| println!("* {line}"));
    println!(
        "\nA verdict over four limits, keys of 15 characters in random order; medians of {ROUNDS} rounds (middle half), time on the processor.\n"
    );
    println!("| | 1,000 keys | 1,000,000 keys |\n|---|---:|---:|");
    let few = measure(1_000);
    let many = measure(MANY);
    for ((name, few), (_, many)) in few.iter().zip(&many) {
        println!("| {name} | {} | {} |", shown(few), shown(many));
    }
    if check && many[1].1.median >= 1_000.0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The time for which this thread ran, where Linux tells it; the time that passed elsewhere.
struct Clock(Instant, Option<f64>);

impl Clock {
    fn start() -> Clock {
        Clock(Instant::now(), ran())
    }

    fn nanos(&self) -> f64 {
        let passed = self.0.elapsed().as_nanos() as f64;
        ran().zip(self.1).map_or(passed, |(end, start)| end - start)
    }
}

fn ran() -> Option<f64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

fn shown(middle: &Middle) -> String {
    format!("{:.0} ns ({:.0} to {:.0})", middle.median, middle.low, middle.high)
}

fn measure(count: usize) -> Vec<(&'static str, Middle)> {
    let keys: Vec<String> = (0..count).map(|n| format!("mlm_sk_{n:08}")).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailiam.toml");
    let policy = match Policy::builder().max_keys(count as u32 * 5 / 4).from_file(path) {
        Ok(policy) => policy,
        Err(error) => panic!("{error}"),
    };
    let four = || -> Vec<KeyedLimiter<str>> {
        let table = |(algorithm, quota): &(Algorithm, &str)| {
            let quota: Quota = quota.parse().expect("a quota");
            KeyedLimiter::builder(*algorithm, quota).max_keys(count * 5 / 4).build_at(NOW).expect("a table")
        };
        LIMITS.iter().map(table).collect()
    };
    // Keys hashed by a table and keys hashed once are different keys.
    let (tables, together, seed) = (four(), four(), RandomState::new());
    let asking = |key: &str, cost: u64, now: u64| {
        let request =
            Request::new().plan("pro").endpoint("POST", "/v1/example.com/send").scope(Scope::ApiKey, key).cost(cost);
        policy.take_at(now, &request).map(|verdict| {
            let allowed = verdict.is_allowed();
            (allowed, verdict.retry_after_nanos(), verdict.limits().len())
        })
    };
    for key in &keys {
        let _ = black_box(asking(key, 1, NOW));
        tables.iter().for_each(|table| {
            let _ = black_box(table.take_at(key, NOW, 1));
        });
        together.iter().for_each(|table| {
            let _ = black_box(table.key_of_hash(seed.hash_one(key.as_str())).take_at(NOW, 1));
        });
    }
    let policy = &policy;
    let mut random = fastrand::Rng::with_seed(7);
    let mut now = NOW;
    let mut series: Vec<(&'static str, Vec<f64>)> = [
        "four look-ups, each alone (`KeyedLimiter::take_at`)",
        "**a verdict, admitted** (`Policy::take_at`)",
        "a verdict, denied, with its wait",
        "the core's group over the same four tables",
        "a verdict and the provider's headers in text",
        "the floor: four spends, hashed once, asked for together (`key_of_hash`, `prefetch`)",
    ]
    .map(|name| (name, Vec::new()))
    .into();
    for _ in 0..ROUNDS {
        let order: Vec<&str> = (0..SLICE).map(|_| keys[random.usize(0..count)].as_str()).collect();
        // Another window for each round, so that a thousand keys are not used up.
        now += 3_600_000_000_000;
        let mut time = |at: usize, call: &mut dyn FnMut(&str)| {
            let start = Clock::start();
            order.iter().for_each(|key| call(key));
            series[at].1.push(start.nanos() / SLICE as f64);
        };
        time(0, &mut |key| {
            tables.iter().for_each(|table| {
                let _ = black_box(table.take_at(key, now, 1));
            })
        });
        time(1, &mut |key| drop(black_box(asking(key, 1, now))));
        time(2, &mut |key| {
            let denied = asking(key, 61, now);
            assert!(matches!(black_box(denied), Ok((false, _, 4))));
        });
        time(3, &mut |key| {
            let member = |at: usize| Member::key("", tables[at].key(key), 1);
            let members = [member(0), member(1), member(2), member(3)];
            let _ = black_box(Group::new(&members).map(|group| group.take_at(now).is_allowed()));
        });
        time(4, &mut |key| {
            let request = Request::new().plan("pro").endpoint("POST", "/v1/example.com/send").scope(Scope::ApiKey, key);
            let verdict = policy.take_at(now, &request).expect("a request");
            drop(black_box(verdict.headers()));
        });
        time(5, &mut |key| {
            let hash = seed.hash_one(key);
            let keys = [0, 1, 2, 3].map(|at: usize| together[at].key_of_hash(hash));
            keys.iter().for_each(|key| key.prefetch());
            keys.iter().for_each(|key| {
                let _ = black_box(key.take_at(now, 1));
            });
        });
    }
    series.into_iter().map(|(name, series)| (name, Middle::of(series))).collect()
}

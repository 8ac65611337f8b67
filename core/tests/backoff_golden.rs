//! `conformance/backoff.json`: what every language must answer, digit for digit.
//!
//! The file is written by the model in `backoff_model.rs`, never by the core. One test says that the file is what the model writes
//! (`TIDEGATE_REGENERATE=1` writes it anew), the other that the core answers what the file says.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use tidegate::backoff::{Backoff, Jitter, Session};

#[path = "backoff_model.rs"]
mod model;
use model::{Ask, Config, Schedule};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/backoff.json");

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

const EXPLANATION: [&str; 12] = [
    "Backoff sequences that every language must reproduce exactly. All times are nanoseconds; 64-bit numbers are decimal strings.",
    "A case configures a Backoff and asks one session of it len(delays) times. hints[i] is the server's hint (Retry-After) given with question i, null for none.",
    "delays[i] is the answer, null when the session gives up. nows[i] is the time told with question i, null for none; nows null: none at all. start is the time told at the start, null for none.",
    "schedule: constant | linear (base + n*step) | exponential (u(0) = base*2^64, u(n+1) = floor(u(n)*factor), v(n) = floor(u(n)/2^64)) | fibonacci (base * 1, 1, 2, 3, 5, ...). All saturate at 2^64 - 1.",
    "factor is decimal text and exact: \"1.1\" is 11/10. A language that takes it as floating point uses the shortest decimal that reads back as the same number.",
    "v = min(max_delay, v(n)); max_delay null: 2^64 - 1. Jitter makes the delay low + U(0, width): none (v, 0); full (0, v); equal (v - floor(v/2), floor(v/2)); additive (min(v, max_delay - width), min(jitter_width, max_delay)).",
    "decorrelated: s = min(max_delay, base + U(0, max(base, 3s) - base)), first s = base; low = min(base, max_delay); without a hint the delay is s. The schedule is not used.",
    "A hint h below max_delay: low becomes max(low, h), width becomes min(width, max_delay - low). A hint of max_delay or more: the delay is h + U(0, width), where that exceeds low.",
    "A hint with decorrelated: the delay is max(low, h) + (s - low), cut at max_delay if h is below it. s itself does not know the hint.",
    "U(0, w) is one draw (none for jitter none): x from SplitMix64 begun with state = seed; p = x*(w+1); if p mod 2^64 < 2^64 mod (w+1) draw again; otherwise floor(p / 2^64).",
    "The session gives up for good after max_retries delays, and at the first delay with elapsed + delay > max_elapsed. elapsed is the sum of the delays so far, and at least now - start (start: the first now less elapsed, if not told).",
    "Cases are checked in order; a reader that has run 0 cases has failed.",
];

struct Case {
    name: String,
    config: Config,
    /// Decimal text of an exponential factor.
    factor: &'static str,
    start: Option<u64>,
    asks: Vec<Ask>,
}

fn plain(count: usize) -> Vec<Ask> {
    vec![Ask { now: None, hint: None }; count]
}

fn hinted(hints: &[Option<u64>]) -> Vec<Ask> {
    hints.iter().map(|hint| Ask { now: None, hint: *hint }).collect()
}

fn timed(nows: &[u64]) -> Vec<Ask> {
    nows.iter().map(|now| Ask { now: Some(*now), hint: None }).collect()
}

/// Every schedule with every jitter, alone and with hints, and the boundary cases by name.
fn cases() -> Vec<Case> {
    let exponential = |numerator, denominator| Schedule::Exponential { numerator, denominator };
    let schedules = [
        ("constant", Schedule::Constant, ""),
        ("linear", Schedule::Linear { step: 250 * MS }, ""),
        ("exponential 2", exponential(2, 1), "2"),
        ("exponential 1.5", exponential(3, 2), "1.5"),
        ("exponential 1.1", exponential(11, 10), "1.1"),
        ("fibonacci", Schedule::Fibonacci, ""),
    ];
    let jitters = [
        ("no jitter", Jitter::None),
        ("full jitter", Jitter::Full),
        ("equal jitter", Jitter::Equal),
        ("additive jitter", Jitter::Additive(Duration::from_millis(70))),
        ("decorrelated jitter", Jitter::Decorrelated),
    ];
    let hints = [
        None,
        Some(1),
        Some(5 * SECOND),
        None,
        Some(29 * SECOND + 999 * MS),
        Some(30 * SECOND),
        Some(90 * SECOND),
        None,
        Some(0),
        None,
    ];
    let mut cases = Vec::new();
    let mut seed = 0;
    for (schedule_name, schedule, factor) in schedules {
        for (jitter_name, jitter) in jitters {
            let config = Config {
                schedule,
                base: 500 * MS,
                cap: Some(30 * SECOND),
                jitter,
                max_retries: None,
                max_elapsed: None,
                seed,
            };
            seed += 1;
            for (kind, asks) in [("", plain(12)), (", hints", hinted(&hints))] {
                cases.push(Case {
                    name: format!("{schedule_name}, {jitter_name}{kind}"),
                    config,
                    factor,
                    start: None,
                    asks,
                });
            }
        }
    }
    let usual = Config {
        schedule: exponential(2, 1),
        base: SECOND,
        cap: Some(60 * SECOND),
        jitter: Jitter::Full,
        max_retries: None,
        max_elapsed: None,
        seed: u64::MAX,
    };
    let mut add = |name: &str, config: Config, factor, start, asks| {
        cases.push(Case { name: name.into(), config, factor, start, asks });
    };
    let odd = |base, numerator, denominator| Config {
        base,
        cap: None,
        jitter: Jitter::None,
        schedule: exponential(numerator, denominator),
        ..usual
    };
    add("three retries", Config { max_retries: Some(3), ..usual }, "2", None, plain(5));
    add("no retries", Config { max_retries: Some(0), ..usual }, "2", None, plain(2));
    let seven = Config { jitter: Jitter::None, max_elapsed: Some(7 * SECOND), ..usual };
    add("elapsed by delays, the bound included", seven, "2", None, plain(5));
    add("elapsed by clock", seven, "2", Some(5 * SECOND), timed(&[6 * SECOND, 9 * SECOND, 12 * SECOND]));
    add("elapsed by a clock that runs backwards", seven, "2", Some(SECOND), timed(&[SECOND, 0, SECOND, 0]));
    let mut late = plain(2);
    late.extend(timed(&[100 * SECOND, 115 * SECOND]));
    let more = Config { max_elapsed: Some(24 * SECOND), ..seven };
    add("elapsed by delays, then by a clock", more, "2", None, late);
    add("elapsed by a clock first told late", seven, "2", None, timed(&[SECOND << 33, (SECOND << 33) + 5 * SECOND]));
    add(
        "a hint that does not fit the elapsed bound",
        seven,
        "2",
        None,
        hinted(&[None, Some(6 * SECOND), Some(7 * SECOND), None]),
    );
    add("fractions are kept: base 1 ns, factor 1.5", odd(1, 3, 2), "1.5", None, plain(20));
    add("base 3 ns, factor 1.1", odd(3, 11, 10), "1.1", None, plain(20));
    add("base 1 s, factor 1.001", odd(SECOND, 1001, 1000), "1.001", None, plain(20));
    add("factor 1", odd(SECOND, 1, 1), "1", None, plain(3));
    add("saturates at 2^64 - 1", odd((1 << 61) + 1, 2, 1), "2", None, plain(6));
    add("saturates under full jitter", Config { jitter: Jitter::Full, ..odd(1 << 62, 10, 1) }, "10", None, plain(4));
    add("base 0", Config { base: 0, ..usual }, "2", None, hinted(&[None, Some(5), None]));
    add("cap 0", Config { cap: Some(0), ..usual }, "2", None, hinted(&[None, Some(5), None]));
    add("cap 1 ns, equal jitter", Config { cap: Some(1), jitter: Jitter::Equal, ..usual }, "2", None, plain(3));
    add("cap below the base", Config { cap: Some(SECOND / 2), jitter: Jitter::None, ..usual }, "2", None, plain(3));
    add(
        "additive jitter wider than the cap",
        Config { jitter: Jitter::Additive(Duration::from_secs(600)), ..usual },
        "2",
        None,
        hinted(&[None, None, Some(10 * SECOND), Some(100 * SECOND), None]),
    );
    add(
        "decorrelated, cap below the base",
        Config { cap: Some(SECOND / 2), jitter: Jitter::Decorrelated, ..usual },
        "2",
        None,
        hinted(&[None, Some(SECOND / 4), Some(SECOND), None]),
    );
    add("the largest hint", usual, "2", None, hinted(&[Some(u64::MAX), Some(u64::MAX - 1), None]));
    cases
}

fn number(value: Option<u64>) -> String {
    value.map_or("null".into(), |value| format!("\"{value}\""))
}

fn list(values: impl Iterator<Item = Option<u64>>) -> String {
    format!("[{}]", values.map(number).collect::<Vec<_>>().join(", "))
}

/// The file, one case after the other, in a layout that reads well in a diff.
fn document() -> String {
    let mut text = String::from("{\n  \"explanation\": [\n");
    let lines: Vec<_> = EXPLANATION.iter().map(|line| format!("    {}", Value::from(*line))).collect();
    text += &lines.join(",\n");
    text += "\n  ],\n  \"cases\": [\n";
    let cases: Vec<_> = cases()
        .iter()
        .map(|case| {
            let Case { config, .. } = case;
            let (schedule, step) = match config.schedule {
                Schedule::Constant => ("constant", None),
                Schedule::Linear { step } => ("linear", Some(step)),
                Schedule::Exponential { .. } => ("exponential", None),
                Schedule::Fibonacci => ("fibonacci", None),
            };
            let (jitter, width) = match config.jitter {
                Jitter::None => ("none", None),
                Jitter::Full => ("full", None),
                Jitter::Equal => ("equal", None),
                Jitter::Additive(width) => ("additive", Some(width.as_nanos() as u64)),
                Jitter::Decorrelated => ("decorrelated", None),
                other => panic!("a jitter without a name: {other:?}"),
            };
            let mut out = String::from("    {\n");
            let _ = writeln!(out, "      \"name\": {},", Value::from(case.name.as_str()));
            let _ = writeln!(
                out,
                "      \"schedule\": \"{schedule}\", \"base\": {}, \"step\": {}, \"factor\": {}, \"max_delay\": {},",
                number(Some(config.base)),
                number(step),
                if schedule == "exponential" { format!("\"{}\"", case.factor) } else { "null".into() },
                number(config.cap),
            );
            let _ = writeln!(
                out,
                "      \"jitter\": \"{jitter}\", \"jitter_width\": {}, \"max_retries\": {}, \"max_elapsed\": {}, \"seed\": {}, \"start\": {},",
                number(width),
                number(config.max_retries.map(u64::from)),
                number(config.max_elapsed),
                number(Some(config.seed)),
                number(case.start),
            );
            let nows = case.asks.iter().any(|ask| ask.now.is_some());
            let nows = if nows { list(case.asks.iter().map(|ask| ask.now)) } else { "null".into() };
            let _ = writeln!(out, "      \"nows\": {nows},");
            let _ = writeln!(out, "      \"hints\": {},", list(case.asks.iter().map(|ask| ask.hint)));
            let answers = config.answers(case.start, &case.asks);
            let _ = write!(out, "      \"delays\": {}\n    }}", list(answers.into_iter()));
            out
        })
        .collect();
    text += &cases.join(",\n");
    text += "\n  ]\n}\n";
    text
}

#[test]
fn the_file_is_what_the_model_says() {
    let document = document();
    if std::env::var_os("TIDEGATE_REGENERATE").is_some() {
        std::fs::write(FILE, &document).expect("the file can be written");
    }
    let file = std::fs::read_to_string(FILE).expect("conformance/backoff.json");
    assert!(file == document, "conformance/backoff.json is not what the model writes: see TIDEGATE_REGENERATE");
}

fn u64_of(value: &Value) -> Option<u64> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.parse().expect("a decimal string")),
        other => panic!("neither null nor a string: {other}"),
    }
}

fn session_of(case: &Value) -> Session {
    let nanos = |name: &str| u64_of(&case[name]).map(Duration::from_nanos);
    let base = nanos("base").expect("a base");
    let backoff = match case["schedule"].as_str().expect("a schedule") {
        "constant" => Backoff::constant(base),
        "linear" => Backoff::linear(base, nanos("step").expect("a step")),
        "exponential" => Backoff::exponential(base)
            .factor_decimal(case["factor"].as_str().expect("a factor"))
            .expect("a legal factor"),
        "fibonacci" => Backoff::fibonacci(base),
        other => panic!("schedule {other}"),
    };
    let mut backoff =
        backoff.seed(u64_of(&case["seed"]).expect("a seed")).jitter(match case["jitter"].as_str().expect("a jitter") {
            "none" => Jitter::None,
            "full" => Jitter::Full,
            "equal" => Jitter::Equal,
            "additive" => Jitter::Additive(nanos("jitter_width").expect("a width")),
            "decorrelated" => Jitter::Decorrelated,
            other => panic!("jitter {other}"),
        });
    if let Some(cap) = nanos("max_delay") {
        backoff = backoff.max_delay(cap);
    }
    if let Some(most) = u64_of(&case["max_retries"]) {
        backoff = backoff.max_retries(u32::try_from(most).expect("32 bits"));
    }
    if let Some(most) = nanos("max_elapsed") {
        backoff = backoff.max_elapsed(most);
    }
    match u64_of(&case["start"]) {
        Some(start) => backoff.start_at(start),
        None => backoff.start(),
    }
}

#[test]
fn the_core_answers_what_the_file_says() {
    let text = std::fs::read_to_string(FILE).expect("conformance/backoff.json");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let (mut cases, mut answers) = (0, 0);
    for case in file["cases"].as_array().expect("cases") {
        let mut session = session_of(case);
        let hints = case["hints"].as_array().expect("hints");
        let delays = case["delays"].as_array().expect("delays");
        assert_eq!(hints.len(), delays.len());
        for (i, delay) in delays.iter().enumerate() {
            let hint = u64_of(&hints[i]);
            let got = match u64_of(case["nows"].get(i).unwrap_or(&Value::Null)) {
                Some(now) => session.next_delay_nanos_at(now, hint),
                None => session.next_delay_nanos(hint),
            };
            assert_eq!(got, u64_of(delay), "{}, question {i}", case["name"]);
            answers += 1;
        }
        cases += 1;
    }
    assert!(cases >= 75 && answers >= 700, "{cases} cases, {answers} answers");
}

/// A few literal values, so that a change of file and model together does not pass unseen.
#[test]
fn the_first_values_are_for_ever() {
    let full = Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::Full).seed(42);
    let nanos: Vec<u128> = full.delays().take(5).map(|delay| delay.as_nanos()).collect();
    assert_eq!(nanos, FIRST_VALUES);
}

/// Exponential from 1 s, full jitter, seed 42.
const FIRST_VALUES: [u128; 5] = [741_564_879, 319_820_785, 1_114_404_521, 2_753_525_732, 608_482_696];

//! The committed file is what the generator writes, it reads, and its reader and its writer mean the same.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_conformance::{Algorithm, Anchor, Case, Expect, Op, Refill, Setup, TEXT, Verbs, generate, load};
use tidegate_reference::{self as reference, Config, Decision, Model};

#[test]
fn the_committed_file_is_what_the_generator_writes() {
    let text = generate::text(&generate::vectors());
    if text != TEXT {
        let line = text.lines().zip(TEXT.lines()).position(|(new, old)| new != old);
        panic!("vectors.json differs at line {line:?}: cargo run -p tidegate-conformance --bin generate");
    }
    assert!(TEXT.len() < 1_500_000, "{} bytes are too many to keep", TEXT.len());
}

#[test]
fn every_rule_meets_every_verb_and_every_name_is_one_of_a_kind() {
    let vectors = load();
    assert_eq!(vectors.format, 1);
    assert!(vectors.cases.len() > 1000 && vectors.quota_errors.len() > 100);
    let mut names = BTreeSet::new();
    let mut met: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in &vectors.cases {
        assert!(names.insert(&case.name), "{} twice", case.name);
        assert!(!case.steps.is_empty(), "{}", case.name);
        let Setup { algorithm, anchor, refill, .. } = &case.setup;
        let verbs = met.entry(format!("{algorithm:?} {anchor:?} {refill:?}")).or_default();
        for step in &case.steps {
            let basic = matches!(step.op, Op::Take | Op::TryAcquire | Op::Peek);
            assert!(basic || case.verbs == Verbs::Full, "{}", case.name);
            verbs.insert(format!("{:?}", step.op));
        }
    }
    for refused in &vectors.quota_errors {
        assert!(names.insert(&refused.name) && refused.refused, "{}", refused.name);
    }
    assert_eq!(met.len(), 8, "{:?}", met.keys());
    assert!(met.values().all(|verbs| verbs.len() == 11), "{met:?}");
}

fn config(setup: &Setup) -> Config {
    Config {
        algorithm: match setup.algorithm {
            Algorithm::Gcra => reference::Algorithm::Gcra,
            Algorithm::TokenBucket => reference::Algorithm::TokenBucket,
            Algorithm::FixedWindow => reference::Algorithm::FixedWindow,
            Algorithm::SlidingWindow => reference::Algorithm::SlidingWindow,
            Algorithm::SlidingLog => reference::Algorithm::SlidingLog,
        },
        limit: setup.quota.limit,
        period: setup.quota.period,
        burst: setup.quota.burst,
        anchor: match setup.anchor {
            Anchor::Clock => reference::Anchor::Clock { offset: setup.offset },
            Anchor::FirstUse => reference::Anchor::FirstUse,
        },
        refill: match setup.refill {
            Refill::Continuous => reference::Refill::Continuous,
            Refill::Interval => reference::Refill::Interval,
        },
        initial: setup.initial,
        origin: setup.origin,
    }
}

/// A reader as any language would write one, here for the basic verbs: what stands in the file is enough to replay it.
#[test]
fn the_basic_cases_replay_from_the_file() {
    let vectors = load();
    let mut replayed = 0;
    for Case { name, setup, steps, .. } in vectors.cases.iter().filter(|case| case.verbs == Verbs::Basic) {
        let mut model = Model::new(config(setup)).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        for (number, step) in steps.iter().enumerate() {
            let n = step.n.unwrap_or_else(|| panic!("{name}: step {number} has no n"));
            let answer = if step.op == Op::Peek { model.peek(step.now, n) } else { model.take(step.now, n) };
            let Expect::Decision { allowed, limit, remaining, retry_after, reset_after } = step.expect else {
                panic!("{name}: step {number} expects no decision");
            };
            let expected = Decision { allowed, limit, remaining, retry_after, reset_after };
            assert_eq!(answer, expected, "{name}: step {number}");
            replayed += 1;
        }
    }
    assert!(replayed > 2000);
    for refused in &vectors.quota_errors {
        assert!(Model::new(config(&refused.setup)).is_err(), "{}", refused.name);
    }
}

/// The mistakes that the vectors are there to find are found: each of these is one line of a limiter gone wrong.
#[test]
fn wrong_limiters_are_found() {
    type Wrong = fn(&mut Config, &mut u64, &mut u64);
    let wrong: [(&str, Wrong); 6] = [
        ("period a nanosecond longer", |config, _, _| config.period += 1),
        ("burst one larger", |config, _, _| config.burst += 1),
        ("clock of 62 bits", |_, now, _| *now &= (1 << 62) - 1),
        ("clock in microseconds", |_, now, _| *now -= *now % 1000),
        ("cost of 32 bits", |_, _, n| *n &= 0xffff_ffff),
        ("offset not taken", |config, _, _| {
            if let reference::Anchor::Clock { offset } = &mut config.anchor {
                *offset = 0;
            }
        }),
    ];
    for (what, wrong) in wrong {
        let found = load().cases.iter().filter(|case| case.verbs == Verbs::Basic).any(|case| {
            let (mut made, mut ignored) = (config(&case.setup), (0, 0));
            wrong(&mut made, &mut ignored.0, &mut ignored.1);
            let Ok(mut model) = Model::new(made) else { return false };
            case.steps.iter().any(|step| {
                let (mut now, mut n) = (step.now, step.n.unwrap_or(0));
                wrong(&mut config(&case.setup), &mut now, &mut n);
                let answer = if step.op == Op::Peek { model.peek(now, n) } else { model.take(now, n) };
                !matches!(step.expect, Expect::Decision { allowed, .. } if allowed == answer.allowed)
            })
        });
        assert!(found, "no vector finds: {what}");
    }
}

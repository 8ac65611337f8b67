//! The core against the exact reference model, on random sequences of every verb.
//!
//! Every number is log-uniform over its whole legal range and beyond it, because uniform ones hardly ever meet an overflow. The
//! number of sequences an algorithm is 2,000, or `TIDEGATE_CASES`; the long run says 300,000.

mod common;

use common::{Numbers, Twin};

fn cases() -> u64 {
    std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

fn run(kind: usize) {
    let mut ran = 0;
    let mut steps = 0;
    for seed in 0..cases() {
        let mut numbers = Numbers::new(seed * 8 + kind as u64);
        let Some(mut twin) = Twin::random(kind, &mut numbers) else { continue };
        ran += 1;
        for _ in 0..numbers.below(40) + 1 {
            if let Err(difference) = twin.step(&mut numbers) {
                panic!("seed {seed}: {difference}\n{}", twin.history());
            }
            steps += 1;
        }
    }
    assert!(ran * 10 >= cases(), "most configurations should be legal: {ran} of {}", cases());
    println!("{ran} limiters, {steps} steps");
}

#[test]
fn gcra_is_the_reference() {
    run(0);
}

#[test]
fn continuous_token_bucket_is_the_reference() {
    run(1);
}

#[test]
fn interval_token_bucket_is_the_reference() {
    run(2);
}

#[test]
fn fixed_window_is_the_reference() {
    run(3);
}

#[test]
fn sliding_window_is_the_reference() {
    run(4);
}

#[test]
fn sliding_log_is_the_reference() {
    run(5);
}

//! The jitter is as uniform as it says: means and spreads over fixed seeds, so that nothing here can flicker.
//!
//! Tolerances are four standard deviations of the mean of 10,000 uniform draws, `4 * width / sqrt(12 * 10,000)`, rounded up to
//! `width / 86`; the seeds are fixed, so each test gives one answer for ever.

use std::time::Duration;

use tidegate::backoff::{Backoff, Jitter};

const DRAWS: usize = 10_000;
const SECOND: u64 = 1_000_000_000;

fn draws(backoff: Backoff, hint: Option<u64>) -> Vec<u64> {
    let mut session = backoff.start();
    (0..DRAWS).map(|_| session.next_delay_nanos(hint).expect("no bound")).collect()
}

/// Mean within tolerance, and each sixteenth of the range hit about as often as the others (chi-square, 15 degrees of freedom:
/// 37.7 is passed once in a thousand seeds).
fn assert_uniform(draws: &[u64], low: u64, high: u64) {
    let width = high - low;
    assert!(draws.iter().all(|delay| (low..=high).contains(delay)));
    let mean = (draws.iter().map(|delay| u128::from(*delay)).sum::<u128>() / draws.len() as u128) as u64;
    let middle = low + width / 2;
    assert!(mean.abs_diff(middle) <= width / 86, "mean {mean}, expected {middle}");
    let mut counts = [0u64; 16];
    for delay in draws {
        counts[(u128::from(delay - low) * 16 / (u128::from(width) + 1)) as usize] += 1;
    }
    let expected = draws.len() as u64 / 16;
    let squares: u64 = counts.iter().map(|count| count.abs_diff(expected).pow(2)).sum();
    assert!(squares * 10 <= 377 * expected, "{counts:?}");
}

#[test]
fn full_equal_and_additive_are_uniform() {
    for seed in 0..8 {
        let backoff = Backoff::constant(Duration::from_nanos(SECOND)).seed(seed);
        assert_uniform(&draws(backoff.jitter(Jitter::Full), None), 0, SECOND);
        assert_uniform(&draws(backoff.jitter(Jitter::Equal), None), SECOND / 2, SECOND);
        let additive = backoff.jitter(Jitter::Additive(Duration::from_millis(250)));
        assert_uniform(&draws(additive, None), SECOND, SECOND * 5 / 4);
        // At the cap the range moves down and keeps its width.
        let capped = additive.max_delay(Duration::from_millis(1100));
        assert_uniform(&draws(capped, None), SECOND * 85 / 100, SECOND * 110 / 100);
    }
}

#[test]
fn hinted_jitter_is_uniform() {
    for seed in 0..8 {
        let backoff = Backoff::constant(Duration::from_nanos(SECOND)).jitter(Jitter::Full).seed(seed);
        assert_uniform(&draws(backoff, Some(7 * SECOND)), 7 * SECOND, 8 * SECOND);
        let capped = backoff.max_delay(Duration::from_millis(7200));
        assert_uniform(&draws(capped, Some(7 * SECOND)), 7 * SECOND, 7 * SECOND + SECOND / 5);
        assert_uniform(&draws(capped, Some(9 * SECOND)), 9 * SECOND, 10 * SECOND);
    }
}

#[test]
fn every_value_of_a_narrow_range_is_as_likely() {
    // 7 values from 0 to 6 ns: 1428 each expected, standard deviation 35.
    let backoff = Backoff::constant(Duration::from_nanos(6)).jitter(Jitter::Full).seed(3);
    let mut counts = [0u32; 7];
    for delay in draws(backoff, None) {
        counts[delay as usize] += 1;
    }
    assert!(counts.iter().all(|count| count.abs_diff(1428) <= 140), "{counts:?}");
}

#[test]
fn a_range_that_does_not_divide_2_to_the_64_is_not_skewed() {
    // 3 * 2^62 values: without rejection, values divisible by 3 would come up twice as often.
    let width = 3 * (1u64 << 62) - 1;
    let backoff = Backoff::constant(Duration::from_nanos(width)).jitter(Jitter::Full).seed(5);
    let draws = draws(backoff, None);
    assert_uniform(&draws, 0, width);
    let mut residues = [0u32; 3];
    for delay in draws {
        residues[(delay % 3) as usize] += 1;
    }
    assert!(residues.iter().all(|count| count.abs_diff(3333) <= 200), "{residues:?}");
}

#[test]
fn decorrelated_first_draw_is_uniform_from_base_to_three_times_base() {
    let backoff = Backoff::constant(Duration::from_nanos(SECOND)).jitter(Jitter::Decorrelated);
    let first = (0..DRAWS as u64).map(|seed| backoff.seed(seed).start().next_delay_nanos(None).expect("no bound"));
    assert_uniform(&first.collect::<Vec<_>>(), SECOND, 3 * SECOND);
}

#[test]
fn unseeded_sessions_are_spread_like_any_draw() {
    let backoff = Backoff::constant(Duration::from_nanos(SECOND)).jitter(Jitter::Full);
    let first: Vec<u64> = (0..1000).map(|_| backoff.start().next_delay_nanos(None).expect("no bound")).collect();
    // 500 expected in each half; beyond 340 or 660 lie ten standard deviations: one run in 10^23.
    let low = first.iter().filter(|delay| **delay < SECOND / 2).count();
    assert!((340..=660).contains(&low), "{low}");
}

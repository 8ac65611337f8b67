//! Which quotas are refused, each at its boundary.

use tidegate_reference::{Algorithm, Anchor, Config, END, MAX_PERIOD, Model, Refill, TEN_YEARS};

fn accepted(algorithm: Algorithm, limit: u64, period: u64, burst: u64) -> bool {
    Model::new(Config::new(algorithm, limit, period, burst)).is_ok()
}

#[test]
fn nothing_is_zero_and_no_period_is_longer_than_the_longest() {
    use Algorithm::*;
    for algorithm in [Gcra, TokenBucket, FixedWindow, SlidingWindow, SlidingLog] {
        assert!(!accepted(algorithm, 0, 10, 1));
        assert!(!accepted(algorithm, 0, 10, 0));
        assert!(!accepted(algorithm, 1, 10, 0));
        assert!(!accepted(algorithm, 1, 0, 1));
        assert_eq!(accepted(algorithm, 1, 1, 1), algorithm != SlidingWindow);
        assert!(accepted(algorithm, 1, 2, 1));
        assert!(!accepted(algorithm, 1, MAX_PERIOD + 1, 1));
        // GCRA: k = 62, 2^62 > 2^61.
        assert_eq!(accepted(algorithm, 1, MAX_PERIOD, 1), !matches!(algorithm, Gcra | TokenBucket));
    }
}

#[test]
fn gcra() {
    assert!(accepted(Algorithm::Gcra, 10, 10, 1));
    assert!(!accepted(Algorithm::Gcra, 11, 10, 1));
    // k = 1: B * 2 <= 2^61.
    assert!(accepted(Algorithm::Gcra, 5, 10, 1 << 60));
    assert!(!accepted(Algorithm::Gcra, 5, 10, (1 << 60) + 1));
}

#[test]
fn only_buckets_have_a_burst_a_fill_and_a_refill() {
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog] {
        assert!(!accepted(algorithm, 5, 10, 6));
        let plain = Config::new(algorithm, 5, 10, 5);
        assert!(Model::new(Config { initial: Some(5), ..plain.clone() }).is_err());
        assert!(Model::new(Config { refill: Refill::Interval, ..plain }).is_err());
    }
    let bucket = Config::new(Algorithm::TokenBucket, 5, 10, 6);
    assert!(Model::new(Config { initial: Some(6), ..bucket.clone() }).is_ok());
    assert!(Model::new(Config { initial: Some(7), ..bucket.clone() }).is_err());
    assert!(Model::new(Config { anchor: Anchor::FirstUse, ..bucket.clone() }).is_err());
    assert!(Model::new(Config { anchor: Anchor::Clock { offset: 1 }, ..bucket }).is_err());
}

#[test]
fn ten_years_of_windows() {
    // 1 ns windows: 2^(64 - bits(2L)) ns >= ten years ~ 2^58.13 needs 59 bits, so bits(2L) <= 5, L <= 15.
    const { assert!((1u128 << 59) >= TEN_YEARS && (1u128 << 58) < TEN_YEARS) };
    assert!(accepted(Algorithm::FixedWindow, 15, 1, 15));
    assert!(!accepted(Algorithm::FixedWindow, 16, 1, 16));
    // At most one permit in 2 ns. bits(14) = 4: 2^56 * 14 ns are enough; bits(16) = 5: 2^54 * 17 ns are not.
    assert!(accepted(Algorithm::SlidingWindow, 7, 14, 7));
    assert!(!accepted(Algorithm::SlidingWindow, 7, 13, 7));
    assert!(!accepted(Algorithm::SlidingWindow, 8, 17, 8));
    assert!(accepted(Algorithm::SlidingWindow, 8, 18, 8));
    // The whole clock is 2 windows of 2^62 ns, one bit: bits(2B) <= 63.
    assert!(accepted(Algorithm::FixedWindow, (1 << 62) - 1, MAX_PERIOD, (1 << 62) - 1));
    assert!(!accepted(Algorithm::FixedWindow, 1 << 62, MAX_PERIOD, 1 << 62));
    assert!(accepted(Algorithm::SlidingWindow, (1 << 30) - 1, MAX_PERIOD, (1 << 30) - 1));
    assert!(!accepted(Algorithm::SlidingWindow, 1 << 30, MAX_PERIOD, 1 << 30));
}

#[test]
fn first_use_and_the_log() {
    let first_use = |limit, period| {
        Model::new(Config { anchor: Anchor::FirstUse, ..Config::new(Algorithm::FixedWindow, limit, period, limit) })
    };
    // bits(32) = 6: j = log2 W - 1 >= 10.
    assert!(first_use(1, 2047).is_err());
    assert!(first_use(1, 2048).is_ok());
    // bits(64) = 7.
    assert!(first_use(2, 4095).is_err());
    assert!(first_use(2, 4096).is_ok());
    assert!(accepted(Algorithm::SlidingLog, (1 << 18) - 1, 1, (1 << 18) - 1));
    assert!(!accepted(Algorithm::SlidingLog, 1 << 21, 1, 1 << 21));
}

#[test]
fn horizons() {
    let horizon = |algorithm, limit, period, origin| {
        Model::new(Config { origin, ..Config::new(algorithm, limit, period, limit) }).unwrap().horizon()
    };
    assert_eq!(horizon(Algorithm::Gcra, 1, 1 << 50, 0), END);
    assert_eq!(horizon(Algorithm::SlidingLog, 1, 1 << 50, 0), END - (1 << 50));
    // 2^53 windows of 2^10 ns fit in 64 - 2 bits.
    assert_eq!(horizon(Algorithm::FixedWindow, 1, 1 << 10, 0), END);
    // 2^62 windows of 1 ns (bits(2) = 2), from the origin.
    assert_eq!(horizon(Algorithm::FixedWindow, 1, 1, 0), (1 << 62) - 1);
    assert_eq!(horizon(Algorithm::FixedWindow, 1, 1, 1000), (1 << 62) - 1 + 1000);
    assert_eq!(horizon(Algorithm::FixedWindow, 1, 1, END), END);
    // Read as the first tick before the origin, as the last one beyond the horizon.
    let mut m = Model::new(Config { origin: 1000, ..Config::new(Algorithm::FixedWindow, 1, 1, 1) }).unwrap();
    assert_eq!((m.tick(0), m.tick(u64::MAX)), (1000, (1 << 62) - 1 + 1000));
    assert!(m.take(0, 1).allowed);
    assert_eq!(m.take(7, 1).retry_after, Some(994));
}

//! Any text: a quota that is written and read again is the same, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::{Algorithm, Limiter, Quota, parse_list};

fuzz_target!(|text: &str| {
    if let Ok(quota) = text.parse::<Quota>() {
        assert_eq!(quota.to_string().parse(), Ok(quota));
        for algorithm in Algorithm::ALL {
            // A log takes memory by its limit.
            if algorithm != Algorithm::SlidingLog || quota.limit() < 1_000 {
                let _ = Limiter::builder(algorithm, quota).build_at(0);
            }
        }
    }
    let quotas = parse_list(text).count();
    assert!(quotas <= text.len() + 1);
});

//! Any text: a quota that is written and read again is the same, its windows hold the time that they were asked of, and nothing panics.

use tidegate::{Algorithm, Limiter, Quota, parse_list};

/// Bytes that are not text are none.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(quota) = text.parse::<Quota>() {
        assert_eq!(quota.to_string().parse(), Ok(quota));
        for now in [0, quota.period_nanos(), quota.limit() % (1 << 63), 1 << 60, (1 << 63) - 1] {
            let Some(window) = quota.window_at(now) else { continue };
            assert!(window.contains(&now), "{now} in {window:?}");
            assert!(
                window.start == 0 || quota.window_at(window.start - 1).is_some_and(|last| last.end == window.start)
            );
        }
        for algorithm in Algorithm::ALL {
            // A log takes memory by its limit.
            if algorithm != Algorithm::SlidingLog || quota.limit() < 1_000 {
                let _ = Limiter::builder(algorithm, quota).build_at(0);
            }
        }
    }
    let quotas = parse_list(text).count();
    assert!(quotas <= text.len() + 1);
}

//! What limiters admit of one and the same trace, in virtual time: nothing sleeps, and every limiter is told the same instants.
//!
//! leaky-bucket can be told no time, so it has no line here.

use core::time::Duration;
use std::time::{Instant, UNIX_EPOCH};

use governor::RateLimiter;
use throttlecrab::PeriodicStore;
use tidegate::{Algorithm, Limiter, Quota};

use crate::peers::{Given, Shared};
use crate::quotas::ORIGIN;
use crate::results::Line;

/// Windows at their boundary: ours.
pub const WINDOWS: &str = "burst-windows";
/// The same trace: peers.
pub const PEERS: &str = "burst-peers";
/// A slow rate, asked often.
pub const SLOW: &str = "drift-slow";
/// A rate that is no whole number of nanoseconds.
pub const FAST: &str = "drift-fast";

/// Points of a line.
const POINTS: u64 = 240;

/// `limit` permits each `period` nanoseconds, at most `burst` at once.
#[derive(Clone, Copy)]
struct Rate {
    limit: u64,
    period: u64,
    burst: u64,
}

/// A limiter that is asked for a permit at so many nanoseconds after the beginning.
type Ask = Box<dyn FnMut(u64) -> bool>;

/// From `from` on, a request each `step`, until `end`; one at the very beginning, so that nobody is new.
#[derive(Clone, Copy)]
struct Trace {
    from: u64,
    step: u64,
    end: u64,
}

impl Trace {
    /// Admissions so far, at even distances; x in `unit`s.
    fn play(self, chart: &str, name: &str, unit: f64, mut ask: Ask) -> Line {
        let Trace { from, step, end } = self;
        let every = ((end - from) / step / POINTS).max(1);
        // The one at the beginning counts for nobody.
        ask(0);
        let mut points = Vec::new();
        let mut admitted = 0u64;
        let calls = (end - from) / step;
        for call in 0..=calls {
            let now = from + call * step;
            admitted += u64::from(ask(now));
            if call % every == 0 || call == calls {
                points.push((now as f64 / unit, admitted as f64));
            }
        }
        Line { chart: chart.to_owned(), name: name.to_owned(), points }
    }
}

fn ours(algorithm: Algorithm, rate: Rate) -> Ask {
    let quota = Quota::from_nanos(rate.limit, rate.period).expect("within every bound");
    let quota = match algorithm {
        Algorithm::Gcra | Algorithm::TokenBucket => quota.burst(rate.burst).expect("within every bound"),
        _ => quota,
    };
    let limiter = Limiter::builder(algorithm, quota).build_at(ORIGIN).expect("within every bound");
    Box::new(move |now| limiter.try_acquire_at(ORIGIN + now, 1))
}

fn governor(rate: Rate) -> Ask {
    let burst = u32::try_from(rate.burst).ok().and_then(core::num::NonZeroU32::new).expect("not 0");
    // As its constructors have it: the time between two permits in whole nanoseconds.
    let between = Duration::from_nanos(rate.period / rate.limit);
    let quota = governor::Quota::with_period(between).expect("not 0").allow_burst(burst);
    let limiter = RateLimiter::direct_with_clock(quota, Given::new(ORIGIN));
    Box::new(move |now| {
        limiter.clock().set(ORIGIN + now);
        limiter.check().is_ok()
    })
}

fn ratelimit(rate: Rate) -> Ask {
    let clock = Shared::new(0);
    let builder = ratelimit::Builder::with_clock(rate.limit, clock).period(Duration::from_nanos(rate.period));
    let limiter = builder.max_tokens(rate.burst).initial_available(rate.burst).build().expect("within every bound");
    Box::new(move |now| {
        clock.0.set(now);
        limiter.try_wait().is_ok()
    })
}

/// Its burst is the permits of a period, which is taken as long as the burst lasts.
fn gcra(rate: Rate) -> Ask {
    let period =
        Duration::from_nanos((u128::from(rate.period) * u128::from(rate.burst) / u128::from(rate.limit)) as u64);
    let (quota, mut state) = (gcra::RateLimit::new(rate.burst as u32, period), gcra::GcraState::default());
    let origin = Instant::now();
    Box::new(move |now| state.check_and_modify_at(&quota, origin + Duration::from_nanos(now), 1).is_ok())
}

fn throttlecrab(rate: Rate) -> Ask {
    let (burst, count, seconds) = (rate.burst as i64, rate.limit as i64, (rate.period / 1_000_000_000) as i64);
    let mut limiter = throttlecrab::RateLimiter::new(PeriodicStore::new());
    Box::new(move |now| {
        let now = UNIX_EPOCH + Duration::from_nanos(ORIGIN + now);
        matches!(limiter.rate_limit("key", burst, count, seconds, 1, now), Ok((true, _)))
    })
}

fn peers(rate: Rate) -> [(&'static str, Ask); 4] {
    [
        ("governor 0.10", governor(rate)),
        ("ratelimit 2.0", ratelimit(rate)),
        ("gcra 0.6", gcra(rate)),
        ("throttlecrab 0.4", throttlecrab(rate)),
    ]
}

/// All lines of all charts.
pub fn lines() -> Vec<Line> {
    let mut lines = boundary();
    lines.extend(slow());
    lines.extend(fast());
    lines
}

/// 100 in 10 seconds. Nobody asks until a second before the end of a window; then 200 a second do.
fn boundary() -> Vec<Line> {
    const SECOND: u64 = 1_000_000_000;
    let rate = Rate { limit: 100, period: 10 * SECOND, burst: 100 };
    let trace = Trace { from: 9 * SECOND, step: SECOND / 200, end: 22 * SECOND };
    let unit = SECOND as f64;
    let mut lines: Vec<Line> = [
        ("fixed-window", Algorithm::FixedWindow),
        ("sliding-window", Algorithm::SlidingWindow),
        ("sliding-log", Algorithm::SlidingLog),
        ("gcra, token-bucket", Algorithm::Gcra),
    ]
    .into_iter()
    .map(|(name, algorithm)| trace.play(WINDOWS, name, unit, ours(algorithm, rate)))
    .collect();
    lines.push(trace.play(PEERS, "tidegate gcra", unit, ours(Algorithm::Gcra, rate)));
    lines.extend(peers(rate).into_iter().map(|(name, ask)| trace.play(PEERS, name, unit, ask)));
    lines
}

/// What was earned since the beginning, for comparison.
fn earned(chart: &str, rate: Rate, trace: Trace, unit: f64) -> Line {
    let at = |now: u64| (now as f64 / unit, now as f64 * rate.limit as f64 / rate.period as f64);
    Line { chart: chart.to_owned(), name: EARNED.to_owned(), points: vec![at(trace.from), at(trace.end)] }
}

/// The name of what was earned.
pub const EARNED: &str = "exactly the rate";

/// 1 a second, asked each 1.9 microseconds. Not with a burst of 1, of which throttlecrab admits every call: it
/// remembers a key for the burst's tolerance, which is then 0.
fn slow() -> Vec<Line> {
    const SECOND: u64 = 1_000_000_000;
    let rate = Rate { limit: 1, period: SECOND, burst: 5 };
    drift(SLOW, rate, Trace { from: 0, step: 1_900, end: 20 * SECOND }, SECOND as f64)
}

/// 300 million a second: one each three nanoseconds and a third. Asked each nanosecond, beginning with nothing left.
fn fast() -> Vec<Line> {
    let rate = Rate { limit: 300_000_000, period: 1_000_000_000, burst: 1_000 };
    drift(FAST, rate, Trace { from: 0, step: 1, end: 100_000 }, 1_000.0)
}

fn drift(chart: &str, rate: Rate, trace: Trace, unit: f64) -> Vec<Line> {
    let mut lines = vec![
        earned(chart, rate, trace, unit),
        trace.play(chart, "tidegate gcra", unit, drained(rate, ours(Algorithm::Gcra, rate))),
    ];
    lines.extend(peers(rate).into_iter().map(|(name, ask)| trace.play(chart, name, unit, drained(rate, ask))));
    lines
}

/// With the burst spent at the beginning.
fn drained(rate: Rate, mut ask: Ask) -> Ask {
    for _ in 0..2 * rate.burst {
        ask(0);
    }
    ask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(lines: &[Line], chart: &str, name: &str) -> f64 {
        let line = lines.iter().find(|line| line.chart == chart && line.name.starts_with(name)).unwrap();
        line.points.last().unwrap().1
    }

    fn within(lines: &[Line], name: &str, from: f64, to: f64) -> f64 {
        let line = lines.iter().find(|line| line.name.starts_with(name)).unwrap();
        let at = |x: f64| line.points.iter().rfind(|point| point.0 <= x).map_or(0.0, |point| point.1);
        at(to) - at(from)
    }

    #[test]
    fn only_fixed_windows_double_at_their_boundary() {
        let lines = boundary();
        assert!(within(&lines, "fixed-window", 0.0, 11.0) > 195.0);
        for name in ["sliding-window", "sliding-log", "gcra"] {
            assert!(within(&lines, name, 0.0, 11.0) <= 121.0, "{name}");
        }
    }

    #[test]
    fn ours_keeps_the_rate_where_rounding_loses_it() {
        let fast = fast();
        let exact = last(&fast, FAST, EARNED);
        assert!((last(&fast, FAST, "tidegate") - exact).abs() <= 2.0);
        assert!(last(&fast, FAST, "governor") > 1.1 * exact, "the line shows what it says");
    }
}

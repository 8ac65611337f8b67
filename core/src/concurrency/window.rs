//! Many samples as one: the calls that end within two round trips.
//!
//! A limit shows in round trips only after those have ended that entered under the last one. Rules that moved with every call in between would
//! answer one and the same queue as many times as there were calls in it, and swing. So, as TCP does, they move about once a round trip. The
//! idea is that of `WindowedLimit` in Netflix concurrency-limits (January 2026), with the length of two mean round trips and no least length.

use super::sample::Sample;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    begin: u64,
    end: u64,
    /// Of the calls that were not dropped.
    count: u64,
    sum: u128,
    in_flight: u64,
    dropped: bool,
}

impl Window {
    /// Over with the first sample.
    pub(super) const fn new() -> Window {
        Window { begin: 0, end: 0, count: 0, sum: 0, in_flight: 0, dropped: false }
    }

    /// One more sample, which ended at `now`; if the window is over, all of it as one: the mean round trip, the most that were in flight, and
    /// whether anything was dropped. A clock that is set back before the window ends it.
    pub(super) fn add(&mut self, now: u64, sample: Sample) -> Option<Sample> {
        if !sample.dropped {
            // 2^64 samples of 2^64 at most.
            self.count += 1;
            self.sum += u128::from(sample.rtt_nanos);
        }
        self.in_flight = self.in_flight.max(sample.in_flight);
        self.dropped |= sample.dropped;
        if (self.begin..self.end).contains(&now) {
            return None;
        }
        let mean = self.sum.checked_div(u128::from(self.count)).map_or(sample.rtt_nanos, |mean| mean as u64);
        let whole = Sample { rtt_nanos: mean, in_flight: self.in_flight, dropped: self.dropped };
        *self = Window { begin: now, end: now.saturating_add(mean.saturating_mul(2)), ..Window::new() };
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rtt_nanos: u64, in_flight: u64, dropped: bool) -> Sample {
        Sample { rtt_nanos, in_flight, dropped }
    }

    #[test]
    fn two_round_trips_are_one_sample() {
        let mut window = Window::new();
        assert_eq!(window.add(100, sample(50, 1, false)), Some(sample(50, 1, false)));
        assert_eq!(window.add(120, sample(40, 7, false)), None);
        assert_eq!(window.add(150, sample(1, 3, true)), None);
        assert_eq!(window.add(199, sample(60, 2, false)), None);
        assert_eq!(window.add(200, sample(80, 2, false)), Some(sample(60, 7, true)));
        assert_eq!(window.add(319, sample(9, 9, false)), None);
        // Nothing but drops; and a clock that was set back.
        let mut window = Window::new();
        assert_eq!(window.add(1_000, sample(5, 1, true)), Some(sample(5, 1, true)));
        assert_eq!(window.add(1_009, sample(5, 1, true)), None);
        assert_eq!(window.add(3, sample(6, 1, true)), Some(sample(6, 1, true)));
        // The ends.
        let mut window = Window::new();
        assert_eq!(window.add(u64::MAX, sample(u64::MAX, u64::MAX, false)), Some(sample(u64::MAX, u64::MAX, false)));
        assert!(window.add(u64::MAX, sample(0, 0, false)).is_some(), "time stands still, samples do not");
        assert!(window.add(0, sample(u64::MAX, 0, false)).is_some());
        assert!(window.add(5, sample(u64::MAX, 0, false)).is_none());
    }
}

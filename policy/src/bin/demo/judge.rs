//! Judges a stream of answers by the algorithm's promise alone: no grant beyond it, no denial within it.
//!
//! The judge keeps the definition of `docs/semantics.md` in its plainest form, at full resolution and without the limiter's state:
//!
//! | algorithm | a grant is right exactly if |
//! |---|---|
//! | sliding log | the permits of `(t - W, t]` with it are at most L |
//! | fixed window | the permits of the aligned window with it are at most L |
//! | sliding window | `prev * (W - e) + cur * W <= L * W` with it |
//! | GCRA, token bucket | over every span ending here the permits are at most `B + L * span / W` |
//!
//! The last is read to within 2 ns, the length of a tick. Beside that it measures the longest run: the most permits in any half-open
//! span of W.

use std::collections::VecDeque;

use tidegate::{Algorithm, Anchor, Quota};

pub struct Judge {
    algorithm: Algorithm,
    limit: i128,
    period: i128,
    capacity: i128,
    offset: i128,
    /// Grants of the last period as (time, permits), one entry a time.
    recent: VecDeque<(u64, u64)>,
    in_recent: u64,
    longest: u64,
    window: i128,
    previous: i128,
    current: i128,
    /// Bucket: the permits granted so far, and the least of `granted * W - L * t` before a grant.
    granted: i128,
    lowest: i128,
}

impl Judge {
    /// `None` for a quota that this judge has no rule for.
    pub fn new(algorithm: Algorithm, quota: Quota) -> Option<Judge> {
        let offset = match quota.anchored() {
            Anchor::Clock => 0,
            Anchor::Offset(offset) => i128::from(offset),
            _ => return None,
        };
        Some(Judge {
            algorithm,
            limit: quota.limit().into(),
            period: quota.period_nanos().into(),
            capacity: quota.capacity().into(),
            offset,
            recent: VecDeque::new(),
            in_recent: 0,
            longest: 0,
            window: i128::MIN,
            previous: 0,
            current: 0,
            granted: 0,
            lowest: i128::MAX,
        })
    }

    /// The most permits in any half-open span of a period so far.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// The most that the promise lets into a half-open span of a period.
    fn promise(&self) -> u64 {
        let most = match self.algorithm {
            Algorithm::SlidingLog => self.limit,
            Algorithm::FixedWindow => 2 * self.limit,
            Algorithm::SlidingWindow => 2 * self.limit - 1,
            // A half-open span of W holds grants at most W - 1 ns apart; two more for the tick.
            _ => self.capacity + (self.limit * (self.period + 1)).div_euclid(self.period),
        };
        u64::try_from(most).unwrap_or(u64::MAX)
    }

    /// Hears one answer. Times must not fall.
    ///
    /// # Errors
    /// What the answer should have been and why.
    pub fn hear(&mut self, now: u64, cost: u64, allowed: bool) -> Result<(), String> {
        self.advance(now);
        let fits = |judge: &Judge, slack| judge.fits(now, cost, slack);
        if allowed && !fits(self, 2) {
            return Err(format!("{cost} granted beyond the promise, at {now} ns"));
        }
        if !allowed && fits(self, -2) {
            return Err(format!("{cost} denied within the promise, at {now} ns"));
        }
        if allowed {
            self.grant(now, cost);
        }
        if self.longest > self.promise() {
            return Err(format!("{} in one period, promised are {}, at {now} ns", self.longest, self.promise()));
        }
        Ok(())
    }

    fn advance(&mut self, now: u64) {
        let live = |time: u64| i128::from(now - time) < self.period;
        while let Some((time, permits)) = self.recent.front().copied().filter(|(time, _)| !live(*time)) {
            debug_assert!(time <= now);
            self.in_recent -= permits;
            self.recent.pop_front();
        }
        let window = (i128::from(now) - self.offset).div_euclid(self.period);
        if window != self.window {
            self.previous = if window == self.window.saturating_add(1) { self.current } else { 0 };
            self.current = 0;
            self.window = window;
        }
    }

    fn fits(&self, now: u64, cost: u64, slack: i128) -> bool {
        let cost = i128::from(cost);
        match self.algorithm {
            Algorithm::SlidingLog => i128::from(self.in_recent) + cost <= self.limit,
            Algorithm::FixedWindow => self.current + cost <= self.limit,
            Algorithm::SlidingWindow => {
                let elapsed = (i128::from(now) - self.offset).rem_euclid(self.period);
                self.previous * (self.period - elapsed) + (self.current + cost) * self.period
                    <= self.limit * self.period
            }
            // N(t) + q - N(s) <= B + L (t - s) / W for every s up to t, multiplied by W; below 2^127, since counts are below
            // 2^30 and times below 2^61 here.
            _ => {
                let at = i128::from(now) + slack;
                let lowest = self.lowest.min(self.granted * self.period - self.limit * at);
                (self.granted + cost) * self.period - self.limit * at - lowest <= self.capacity * self.period
            }
        }
    }

    fn grant(&mut self, now: u64, cost: u64) {
        self.lowest = self.lowest.min(self.granted * self.period - self.limit * i128::from(now));
        self.granted += i128::from(cost);
        self.current += i128::from(cost);
        match self.recent.back_mut() {
            Some((time, permits)) if *time == now => *permits += cost,
            _ => self.recent.push_back((now, cost)),
        }
        self.in_recent += cost;
        self.longest = self.longest.max(self.in_recent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears a stream; the position of the first fault, if there is one.
    fn fault(algorithm: &str, quota: &str, stream: &[(u64, u64, bool)]) -> Option<usize> {
        let mut judge = Judge::new(algorithm.parse().unwrap(), quota.parse().unwrap()).unwrap();
        stream.iter().position(|(now, cost, allowed)| judge.hear(*now, *cost, *allowed).is_err())
    }

    #[test]
    fn one_permit_too_many_is_a_fault() {
        for algorithm in ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"] {
            let stream = [(500, 10, true), (500, 1, true)];
            assert_eq!(fault(algorithm, "10/us", &stream), Some(1), "{algorithm}");
            let stream = [(500, 10, true), (500, 1, false)];
            assert_eq!(fault(algorithm, "10/us", &stream), None, "{algorithm}");
        }
    }

    #[test]
    fn one_permit_too_few_is_a_fault() {
        // Ten at 500 ns of 10 a microsecond: each algorithm has room again at another instant.
        for (algorithm, open) in
            [("gcra", 600), ("fixed-window", 1_000), ("sliding-window", 1_100), ("sliding-log", 1_500)]
        {
            let full = (500, 10, true);
            assert_eq!(fault(algorithm, "10/us", &[full, (open, 1, true)]), None, "{algorithm}");
            assert_eq!(fault(algorithm, "10/us", &[full, (open + 3, 1, false)]), Some(1), "{algorithm}");
            assert_eq!(fault(algorithm, "10/us", &[full, (open - 3, 1, true)]), Some(1), "{algorithm}");
            assert_eq!(fault(algorithm, "10/us", &[full, (open - 3, 1, false)]), None, "{algorithm}");
        }
    }

    #[test]
    fn the_longest_run_spans_a_boundary() {
        let mut judge = Judge::new(Algorithm::FixedWindow, "10/us".parse().unwrap()).unwrap();
        for (now, cost) in [(900, 10), (1_000, 10), (1_899, 0), (2_100, 4)] {
            judge.hear(now, cost, true).unwrap();
        }
        assert_eq!(judge.longest(), 20);
    }
}

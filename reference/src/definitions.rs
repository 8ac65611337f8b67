//! What the words of the page mean: seen, fits, spent, booked, earliest.

use crate::{Decision, Model, State};

impl Model {
    /// `now` as this limiter reads it. (What lies before the first tick is lifted to it by [`Ticks::of`].)
    pub(crate) fn read(&self, now: u64) -> u64 {
        now.min(self.horizon)
    }

    /// The state as seen at `now`.
    pub(crate) fn seen(&self, now: u64) -> State {
        self.view(&self.state, now)
    }

    pub(crate) fn view(&self, state: &State, now: u64) -> State {
        let n = self.ticks.of(now);
        match *state {
            State::Interval { s, u } => {
                let past = n.saturating_sub(s) / self.span;
                // past < 2^64 and limit < 2^64
                let u = u.saturating_sub(past * self.config.limit as u128);
                let s = if u > 0 { s + past * self.span } else { s.max(n) };
                State::Interval { s, u }
            }
            State::Window { w, cur, .. } if n == w + 1 => State::Window { w: n, prev: cur, cur: 0 },
            State::Window { w, .. } if n > w + 1 => State::Window { w: n, prev: 0, cur: 0 },
            _ => state.clone(),
        }
    }

    /// Family 3: nanoseconds since the start of the window seen at `now`; 0 before it.
    pub(crate) fn elapsed(&self, now: u64) -> u128 {
        match self.seen(now) {
            State::Window { w, .. } if self.ticks.raw(now) == w => (now as u128 + self.ticks.add) % self.ticks.div,
            _ => 0,
        }
    }

    /// Family 4: the permits in `(t - W, t]`.
    pub(crate) fn live(&self, t: u64) -> u64 {
        match &self.state {
            State::Log { permits, .. } => {
                permits.iter().filter(|(time, _)| t - time < self.config.period).map(|(_, count)| count).sum()
            }
            _ => 0,
        }
    }

    /// Whether `q` more permits stay within `ceiling` permits at `now` (families 1 to 3).
    pub(crate) fn within(&self, now: u64, q: u128, ceiling: u128) -> bool {
        let period = self.config.period as u128;
        match self.seen(now) {
            // q <= 2 * burst, so q * span <= 2^62
            State::Arrival { tat } => tat.saturating_sub(self.ticks.of(now)) + q * self.span <= ceiling * self.span,
            State::Interval { u, .. } => u + q <= ceiling,
            // Counts are below 2^33 here (two counters in 64 bits), the period is at most 2^62.
            State::Window { prev, cur, .. } => weighed(prev, cur + q, self.elapsed(now), period) <= ceiling * period,
            State::Log { .. } => false,
        }
    }

    /// Whether `take(q)` is allowed at `now`.
    pub(crate) fn fits(&self, now: u64, q: u64) -> bool {
        if q == 0 || q > self.config.burst {
            return q == 0;
        }
        match self.state {
            State::Log { last, held, .. } => !(held && now < last) && self.live(now.max(last)) + q <= self.config.limit,
            _ => self.within(now, q as u128, self.config.burst as u128),
        }
    }

    /// Family 4: whether everybody who comes at `now` waits for `last`.
    pub(crate) fn waits(&self, now: u64) -> bool {
        matches!(self.state, State::Log { last, held, .. } if held && now < last)
    }

    /// Whether somebody waits at `now` for an instant that the state does not show.
    pub(crate) fn hides_waiting(&self, now: u64) -> bool {
        matches!(self.state, State::Arrival { .. } | State::Interval { .. }) && now < self.kept
    }

    /// Whether `charge(q)` is accepted at `now`.
    pub(crate) fn chargeable(&self, now: u64, q: u64) -> bool {
        let ceiling = 2 * self.config.burst as u128;
        match self.state {
            State::Log { .. } => {
                self.earliest(now, |t| self.fits(t, q)).is_some_and(|at| at - now <= self.config.period)
            }
            _ => q as u128 <= ceiling && self.within(now, q as u128, ceiling),
        }
    }

    /// Whether what is spent is within capacity at `now`.
    pub(crate) fn solvent(&self, now: u64) -> bool {
        match self.state {
            State::Log { last, held, .. } => !(held && now < last),
            _ => self.within(now, 0, self.config.burst as u128),
        }
    }

    /// Whether the limiter is as good as new at `now`.
    pub(crate) fn as_new(&self, now: u64) -> bool {
        match self.seen(now) {
            State::Arrival { tat } => tat <= self.ticks.of(now),
            State::Interval { u, .. } => u == 0,
            State::Window { prev, cur, .. } => prev == 0 && cur == 0,
            State::Log { last, held, .. } => !(held && now < last) && self.live(now.max(last)) == 0,
        }
    }

    /// The state after `q` permits were spent at `now`.
    pub(crate) fn spent(&self, now: u64, q: u64) -> State {
        let q_wide = q as u128;
        match self.seen(now) {
            State::Arrival { tat } => State::Arrival { tat: tat.max(self.ticks.of(now)) + q_wide * self.span },
            State::Interval { s, u } => State::Interval { s, u: u + q_wide },
            State::Window { w, prev, cur } => State::Window { w, prev, cur: cur + q_wide },
            State::Log { last, .. } => match self.logged(now.max(last), q) {
                State::Log { permits, last, .. } => State::Log { permits, last, held: false },
                other => other,
            },
        }
    }

    /// The state after a reservation at `now` for a later `at`; `None` if it cannot be held.
    pub(crate) fn booked(&self, now: u64, at: u64, q: u64) -> Option<State> {
        let (q_wide, limit) = (q as u128, self.config.limit as u128);
        match self.seen(now) {
            // What would be earned until `at` beyond a full bucket is forgone. (Else it could be used before `at`, and the burst at it.)
            State::Arrival { tat } => Some(State::Arrival { tat: tat.max(self.ticks.of(at)) + q_wide * self.span }),
            State::Interval { s, u } => {
                // At `at` the used permits are paid off but never below none; so what the intervals in between would give
                // back beyond that is closed. (Else more than the capacity could run at one instant.)
                let intervals = self.ticks.of(at).saturating_sub(s) / self.span;
                let u = u.max(intervals * limit) + q_wide;
                (u <= self.most).then_some(State::Interval { s, u })
            }
            State::Window { w, cur, .. } if self.ticks.of(at) > w => {
                // Who comes early is judged at the start of the new window and must find no room there: so the window before it is
                // closed. (With a period of 2 L ns or more it is full enough already, if `at` is the earliest instant.)
                let prev = if self.ticks.of(at) == w + 1 { cur } else { 0 };
                Some(State::Window { w: self.ticks.of(at), prev: prev.max(limit - q_wide), cur: q_wide })
            }
            State::Log { last, .. } if at <= last && !self.waits(now) => Some(match self.logged(last, q) {
                State::Log { permits, last, .. } => State::Log { permits, last, held: false },
                other => other,
            }),
            State::Log { last, .. } => Some(self.logged(at.max(last), q)),
            _ => Some(self.spent(now, q)),
        }
    }

    /// Family 4: `q` permits logged at `time`, which is not before any other; held.
    pub(crate) fn logged(&self, time: u64, q: u64) -> State {
        match &self.state {
            State::Log { permits, .. } => {
                let mut permits = permits.clone();
                permits.retain(|(old, _)| time - old < self.config.period);
                match permits.last_mut() {
                    Some(newest) if newest.0 == time => newest.1 += q,
                    _ => permits.push((time, q)),
                }
                State::Log { permits, last: time, held: true }
            }
            other => other.clone(),
        }
    }

    /// Family 4: removes up to `r` of the oldest permits that are live as of `now`.
    pub(crate) fn forget_oldest(&mut self, now: u64, mut r: u64) {
        let period = self.config.period;
        if let State::Log { permits, last, .. } = &mut self.state {
            let t = now.max(*last);
            if r > 0 && permits.iter().any(|(time, _)| t - time < period) {
                *last = t;
            }
            for (_, count) in permits.iter_mut().filter(|(time, _)| t - time < period) {
                let back = r.min(*count);
                *count -= back;
                r -= back;
            }
            permits.retain(|(_, count)| *count > 0);
        }
    }

    /// The first nanosecond from `now` to the horizon at which `holds`. Everything asked here, once true, stays true
    /// while nobody calls, so it can be searched by halving.
    pub(crate) fn earliest(&self, now: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
        if holds(now) {
            return Some(now);
        }
        if !holds(self.horizon) {
            return None;
        }
        let (mut no, mut yes) = (now, self.horizon);
        while yes - no > 1 {
            let middle = no + (yes - no) / 2;
            if holds(middle) {
                yes = middle;
            } else {
                no = middle;
            }
        }
        Some(yes)
    }

    /// The decision seen from the present state.
    pub(crate) fn decision(&self, now: u64, allowed: bool, retry_after: Option<u64>) -> Decision {
        // The largest cost that fits, by halving: what fits, fits for every smaller cost.
        let (mut fits, mut too_much) = (0u128, self.config.burst as u128 + 1);
        while too_much - fits > 1 {
            let middle = fits + (too_much - fits) / 2;
            if self.fits(now, middle as u64) {
                fits = middle;
            } else {
                too_much = middle;
            }
        }
        Decision {
            allowed,
            limit: self.config.burst,
            remaining: fits as u64,
            retry_after,
            reset_after: self.earliest(now, |t| self.as_new(t)).map_or(u64::MAX, |t| t - now),
        }
    }
}

/// Family 3: what two counters weigh `e` into a window, in permit-nanoseconds.
pub(crate) fn weighed(prev: u128, cur: u128, e: u128, period: u128) -> u128 {
    prev * (period - e) + cur * period
}

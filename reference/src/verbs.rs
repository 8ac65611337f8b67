//! What a limiter is asked to do.

use crate::definitions::weighed;
use crate::ratio::ceil_ratio;
use crate::{Algorithm, Carry, Config, Decision, Model, Refill, Refused, Slot, Snapshot, State};

impl Model {
    /// Spends `q` if it fits.
    pub fn take(&mut self, now: u64, q: u64) -> Decision {
        let now = self.read(now);
        if q > 0 && self.fits(now, q) {
            self.state = self.spent(now, q);
            return self.decision(now, true, Some(0));
        }
        self.peek(now, q)
    }

    /// The decision of [`Model::take`] without spending.
    pub fn peek(&self, now: u64, q: u64) -> Decision {
        let now = self.read(now);
        let at = self.earliest(now, |t| self.fits(t, q));
        self.decision(now, at == Some(now), at.map(|t| t - now))
    }

    /// Spends `q` although it may not fit, up to one more capacity of debt.
    pub fn charge(&mut self, now: u64, q: u64) -> Decision {
        let now = self.read(now);
        if q == 0 {
            return self.decision(now, true, Some(0));
        }
        if !self.chargeable(now, q) {
            let at = self.earliest(now, |t| self.chargeable(t, q));
            return self.decision(now, false, at.map(|t| t - now));
        }
        // Families 1 to 3 are in debt until what is spent fits again; the log notes the permits for when they fit.
        let paid = if matches!(self.state, State::Log { .. }) {
            let at = self.earliest(now, |t| self.fits(t, q));
            self.state = if at == Some(now) { self.spent(now, q) } else { self.logged(at.unwrap_or(now), q) };
            at
        } else {
            self.state = self.spent(now, q);
            self.earliest(now, |t| self.solvent(t))
        };
        self.decision(now, true, paid.map(|t| t - now))
    }

    /// Gives back up to `r` permits.
    pub fn refund(&mut self, now: u64, r: u64) {
        let now = self.read(now);
        let n = self.ticks.of(now);
        let (r, limit) = (r as u128, self.config.limit as u128);
        let waiting = !self.solvent(now) || self.hides_waiting(now);
        match self.seen(now) {
            State::Arrival { tat } => {
                // r < 2^64 and span <= 2^62
                let back = (r * self.span).min(tat.saturating_sub(n));
                if !waiting && back > 0 {
                    self.state = State::Arrival { tat: tat - back };
                }
            }
            State::Interval { s, u } => {
                let back = r.min(u);
                if !waiting && back > 0 {
                    self.state = State::Interval { s, u: u - back };
                }
            }
            State::Window { w, prev, cur } => {
                let mut back = r.min(cur);
                if n < w {
                    back = back.min((prev + cur).saturating_sub(limit));
                }
                if back > 0 {
                    self.state = State::Window { w, prev, cur: cur - back };
                }
            }
            State::Log { last, held, .. } => {
                if !(held && now < last) {
                    self.forget_oldest(now, r as u64);
                }
            }
        }
    }

    /// Spends `q` at the earliest time at which it fits, at most `max_wait` from now.
    ///
    /// # Errors
    /// The denied decision when that is never, too late, or more than the state can hold.
    pub fn reserve(&mut self, now: u64, q: u64, max_wait: u64) -> Result<Slot, Decision> {
        self.reserve_from(now, now, q, max_wait)
    }

    /// Spends `q` at the earliest time from `from` on at which it fits, at most `max_wait` from now.
    ///
    /// # Errors
    /// As [`Model::reserve`].
    pub fn reserve_from(&mut self, now: u64, from: u64, q: u64, max_wait: u64) -> Result<Slot, Decision> {
        let (now, from) = (self.read(now), self.read(from));
        // Nothing need not wait.
        let from = if q == 0 { now } else { from };
        let earliest = self.earliest(now, |t| self.fits(t, q));
        let at = earliest.map(|at| at.max(from));
        let refused =
            |model: &Model| Decision { allowed: false, retry_after: at.map(|at| at - now), ..model.peek(now, q) };
        let at = match at {
            Some(at) if at - now <= max_wait => at,
            _ => return Err(refused(self)),
        };
        let after = if q == 0 {
            self.state.clone()
        } else if at == now {
            self.spent(now, q)
        } else {
            self.booked(now, at, q).ok_or_else(|| refused(self))?
        };
        if Some(at) > earliest {
            self.kept = self.kept.max(at);
        }
        let before = core::mem::replace(&mut self.state, after.clone());
        Ok(Slot { at, cost: q, config: self.config.clone(), before, after })
    }

    /// Gives a reservation back, as far as nobody else uses its permits.
    pub fn cancel(&mut self, now: u64, slot: Slot) {
        let all = slot.cost;
        self.give_back(now, slot, all);
    }

    /// Says what a reservation has really cost; the difference is given back or charged.
    pub fn settle(&mut self, now: u64, slot: Slot, actual: u64) -> Decision {
        if actual >= slot.cost {
            return self.charge(now, actual - slot.cost);
        }
        let less = slot.cost - actual;
        self.give_back(now, slot, less);
        self.peek(now, 0)
    }

    /// Gives back `q` permits of a reservation.
    fn give_back(&mut self, now: u64, slot: Slot, q: u64) {
        if slot.config != self.config {
            return; // reconfigured since: its permits are counted in another unit
        }
        let now = self.read(now);
        let n = self.ticks.of(now);
        let (q, limit, burst) = (q as u128, self.config.limit as u128, self.config.burst as u128);
        let log = matches!(slot.after, State::Log { .. });
        // A part leaves the state before it where it is; the log can take any of its permits out.
        if self.state == slot.after && (log || q == slot.cost as u128) {
            self.state = match slot.after {
                State::Log { mut permits, last, held } => {
                    // The newest permits are its own.
                    if let Some(newest) = permits.last_mut() {
                        newest.1 -= q as u64;
                    }
                    permits.retain(|permit| permit.1 > 0);
                    State::Log { permits, last, held }
                }
                _ => slot.before,
            };
            return;
        }
        if self.hides_waiting(now) {
            return;
        }
        match (self.seen(now), self.view(&slot.after, now)) {
            (State::Arrival { tat: c }, State::Arrival { tat: a }) => {
                // Beyond capacity somebody waits behind it, for an instant that stays. What this one leaves passes unused:
                // given to a newcomer, it would run at that same instant.
                let back = (q * self.span).min(a.saturating_sub(n));
                if c >= a && c <= n + burst * self.span && back > 0 {
                    self.state = State::Arrival { tat: c - back };
                }
            }
            (State::Interval { s, u: c }, State::Interval { s: began, u: a }) => {
                if c < a || began != s {
                    return;
                }
                // Who stands behind it in a later interval has closed what lies between; and as long as anybody waits, what
                // is used has to reach into that interval.
                let interval = |u: u128| u.saturating_sub(burst).div_ceil(limit);
                let back = q.min(a);
                if back > 0 && interval(a) == interval(c) && interval(c - back) == interval(c) {
                    self.state = State::Interval { s, u: c - back };
                }
            }
            (State::Window { w, prev, cur }, _) => {
                let State::Window { w: booked, .. } = slot.after else {
                    return;
                };
                let mut back = q.min(cur);
                if n < w {
                    back = back.min((prev + cur).saturating_sub(limit));
                }
                if w == booked && back > 0 {
                    self.state = State::Window { w, prev, cur: cur - back };
                }
            }
            (State::Log { last, .. }, _) => {
                let State::Log { last: time, .. } = slot.after else {
                    return;
                };
                let t = now.max(last);
                if time <= t && t - time < self.config.period {
                    self.forget_oldest(now, q as u64);
                }
            }
            _ => {}
        }
    }

    /// Makes the model as new and full.
    pub fn reset(&mut self) {
        self.kept = 0;
        let first = self.ticks.first;
        let last_used = match self.state {
            State::Log { last, .. } => last,
            _ => 0,
        };
        self.state = match self.config.algorithm {
            Algorithm::SlidingLog => State::Log { permits: Vec::new(), last: last_used, held: false },
            Algorithm::SlidingWindow => State::Window { w: first, prev: 0, cur: 0 },
            Algorithm::FixedWindow => State::Interval { s: first, u: 0 },
            Algorithm::TokenBucket if self.config.refill == Refill::Interval => State::Interval { s: first, u: 0 },
            Algorithm::TokenBucket | Algorithm::Gcra => State::Arrival { tat: 0 },
        };
    }

    /// Changes the quota at `now` and keeps what `carry` says of what was used.
    ///
    /// # Errors
    /// When the new quota is refused or the new state cannot hold what is carried; nothing changes.
    pub fn reconfigure(&mut self, now: u64, limit: u64, period: u64, burst: u64, carry: Carry) -> Result<(), Refused> {
        let old = &self.config;
        let config = Config { limit, period, burst, initial: None, origin: now, ..old.clone() };
        let mut new = Model::new(config)?;
        let read = self.read(now);
        let (limit_now, period_now) = (old.limit as u128, old.period as u128);

        // What was used, as a fraction: `used.0 / used.1` permits.
        let used = match self.seen(read) {
            State::Arrival { tat } => (tat.saturating_sub(self.ticks.of(read)), self.span),
            State::Interval { u, .. } => (u, 1),
            State::Window { prev, cur, .. } => {
                (weighed(prev, cur, self.elapsed(read), period_now).div_ceil(period_now), 1)
            }
            State::Log { last, .. } => (self.live(read.max(last)) as u128, 1),
        };
        let (mut over, mut under) = (vec![used.0, new.span], vec![used.1]);
        if !matches!(new.state, State::Arrival { .. }) {
            over.truncate(1); // whole permits, not ticks
        }
        match carry {
            Carry::Permits => {}
            Carry::Proportional => {
                over.push(burst as u128);
                under.push(old.burst as u128);
            }
            Carry::Time => {
                over.extend([limit as u128, period_now]);
                under.extend([period as u128, limit_now]);
            }
            Carry::Reset => over.push(0),
        }
        let carried = ceil_ratio(&over, &under).ok_or(Refused("what is carried cannot be held"))? as u128;

        let now = new.read(now);
        let n = new.ticks.of(now);
        new.state = match new.state {
            State::Arrival { .. } if n + carried < (1 << 63) + (1 << 62) => State::Arrival { tat: n + carried },
            State::Interval { .. } if carried <= new.most => State::Interval { s: n, u: carried },
            State::Window { .. } if carried <= new.most => State::Window { w: n, prev: 0, cur: carried },
            State::Log { .. } if carried == 0 => State::Log { permits: Vec::new(), last: now, held: false },
            State::Log { .. } => {
                // `limit` of them now, as many a period later, and so on: those before the last row are no longer live
                // when the last one is. carried < 2^64 and period <= 2^62.
                let rows = (carried - 1) / limit as u128;
                let last = now as u128 + rows * period as u128;
                if last > new.horizon as u128 {
                    return Err(Refused("what is carried cannot be held"));
                }
                let last = last as u64;
                let count = (carried - rows * limit as u128) as u64;
                State::Log { permits: vec![(last, count)], last, held: last > now }
            }
            _ => return Err(Refused("what is carried cannot be held")),
        };
        new.kept = self.kept;
        *self = new;
        Ok(())
    }

    /// The state and what it belongs to.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { config: self.config.clone(), state: self.state.clone() }
    }

    /// Takes a state back.
    ///
    /// # Errors
    /// When it belongs to another algorithm, quota, anchor or refill, or its time counts from another origin.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Refused> {
        let mut theirs = snapshot.config.clone();
        theirs.initial = self.config.initial;
        let their_first = Model::new(snapshot.config.clone())?.ticks.first;
        theirs.origin = self.config.origin;
        if theirs != self.config || their_first != self.ticks.first {
            return Err(Refused("the snapshot belongs to another limiter"));
        }
        self.state = snapshot.state.clone();
        Ok(())
    }
}

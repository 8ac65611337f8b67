//! The exact, slow, obvious model of every limiter, written from `docs/semantics.md` alone.
//!
//! Rule: integers only, no dependency, no cleverness. A wait is not computed from a formula but *searched*: the smallest
//! time at which the plain definition of "allowed" says yes. Whatever is fast elsewhere must agree with this file to the
//! last unit; the conformance vectors are written by it.
//!
//! Every argument and every result is in the units of the page: nanoseconds, permits, and (inside [`State`]) ticks.
//! Sums and products are taken in `u128`; each place that could pass it says why it does not.
//!
//! ```
//! use tidegate_reference::{Algorithm, Config, Model};
//!
//! // 2 permits a second, at most 2 at once.
//! let mut model = Model::new(Config::new(Algorithm::Gcra, 2, 1_000_000_000, 2)).unwrap();
//! assert!(model.take(0, 2).allowed);
//! assert_eq!(model.take(0, 1).retry_after, Some(500_000_000));
//! ```

#![forbid(unsafe_code)]

/// The end of every clock: `2^63 - 1` nanoseconds, 292 years. A later `now` is read as this one.
pub const END: u64 = (1 << 63) - 1;

/// The longest period: `2^62` nanoseconds.
pub const MAX_PERIOD: u64 = 1 << 62;

/// The largest limit of a sliding log.
pub const MAX_LOG: u64 = (1 << 18) - 1;

/// Ten years of 365.25 days in nanoseconds: the least time that a packed state has to outlast.
pub const TEN_YEARS: u128 = 315_576_000 * 1_000_000_000;

/// Which rule is modelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// Generic cell rate algorithm (family 1).
    Gcra,
    /// Token bucket: family 1 with continuous refill, family 2 with interval refill.
    TokenBucket,
    /// Fixed window (family 2).
    FixedWindow,
    /// Sliding window with two counters (family 3).
    SlidingWindow,
    /// Exact rolling log (family 4).
    SlidingLog,
}

/// Where intervals and windows begin.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Anchor {
    /// At multiples of the period plus `offset`.
    Clock {
        /// Nanoseconds, taken modulo the period.
        offset: u64,
    },
    /// At the first spend after the last interval was paid off.
    FirstUse,
    /// At each of these instants (nanoseconds, ascending, the first is 0): windows of the calendar, which the model does not know.
    Starts(&'static [u64]),
}

/// How a token bucket fills up again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refill {
    /// A permit every `period / limit`.
    Continuous,
    /// `limit` permits at the end of each interval.
    Interval,
}

/// What [`Model::reconfigure`] keeps of what was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carry {
    /// The number of used permits.
    Permits,
    /// The used share of the capacity.
    Proportional,
    /// The time in which the used permits are earned back.
    Time,
    /// Nothing.
    Reset,
}

/// Everything that makes a model.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Config {
    /// The rule.
    pub algorithm: Algorithm,
    /// Permits a period, at least 1.
    pub limit: u64,
    /// Nanoseconds, `1..=2^62`.
    pub period: u64,
    /// Capacity, at least 1; equal to `limit` for the window algorithms and the log.
    pub burst: u64,
    /// Start of intervals and windows.
    pub anchor: Anchor,
    /// Refill of a token bucket.
    pub refill: Refill,
    /// Permits in a token bucket when it is made, `0..=burst`; `None` is full.
    pub initial: Option<u64>,
    /// The clock when the model is made.
    pub origin: u64,
}

impl Config {
    /// A configuration with every option at its default.
    pub fn new(algorithm: Algorithm, limit: u64, period: u64, burst: u64) -> Self {
        Config {
            algorithm,
            limit,
            period,
            burst,
            anchor: Anchor::Clock { offset: 0 },
            refill: Refill::Continuous,
            initial: None,
            origin: 0,
        }
    }
}

/// Why a configuration, a carried amount or a snapshot is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused(pub &'static str);

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Refused {}

/// The answer of a limiter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Whether the call may go ahead (for a charge: whether it was spent).
    pub allowed: bool,
    /// The capacity.
    pub limit: u64,
    /// The largest cost that would be allowed right after this decision.
    pub remaining: u64,
    /// Nanoseconds; `None` is "never", or later than the clock ends.
    pub retry_after: Option<u64>,
    /// Nanoseconds until the limiter is as good as new; `u64::MAX` when that is later than the clock ends.
    pub reset_after: u64,
}

/// What a limiter remembers. Times are ticks of its family.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Family 1.
    Arrival {
        /// The theoretical arrival time.
        tat: u128,
    },
    /// Family 2.
    Interval {
        /// The tick at which the current interval began.
        s: u128,
        /// Permits used.
        u: u128,
    },
    /// Family 3.
    Window {
        /// The window.
        w: u128,
        /// Permits used in the window before it.
        prev: u128,
        /// Permits used in it.
        cur: u128,
    },
    /// Family 4.
    Log {
        /// Permits as (time, count), oldest first; only those live at `last`.
        permits: Vec<(u64, u64)>,
        /// The newest time used.
        last: u64,
        /// Whether `last` was set ahead of its caller's time.
        held: bool,
    },
}

/// A state together with what it belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The configuration of the model.
    pub config: Config,
    /// Its state.
    pub state: State,
}

/// A granted reservation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Slot {
    /// When its holder may go ahead, in nanoseconds.
    pub at: u64,
    /// Its cost.
    pub cost: u64,
    config: Config,
    before: State,
    after: State,
}

/// How a limiter reads a clock: `tick(t) = floor((t * mul + add) / div)`, held within `first..=last`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Ticks {
    mul: u128,
    add: u128,
    div: u128,
    /// Where the windows of a calendar begin; empty where ticks have one length.
    starts: &'static [u64],
    first: u128,
    last: u128,
}

impl Ticks {
    /// The tick of `t`, wherever it lies. `t < 2^63`, `mul <= 2^62` and `add <= 2^62`: far below `2^128`.
    fn raw(&self, t: u64) -> u128 {
        if !self.starts.is_empty() {
            // How many have begun after the first one.
            return self.starts[1..].partition_point(|start| *start <= t) as u128;
        }
        (t as u128 * self.mul + self.add) / self.div
    }

    fn of(&self, t: u64) -> u128 {
        self.raw(t).clamp(self.first, self.last)
    }

    /// The last nanosecond whose tick can be told.
    fn horizon(&self) -> u64 {
        if self.raw(END) <= self.last {
            return END;
        }
        // raw(0) <= first <= last < raw(END)
        let (mut low, mut high) = (0, END);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.raw(middle) <= self.last {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// One limiter.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Model {
    config: Config,
    ticks: Ticks,
    horizon: u64,
    /// Ticks an emission interval (family 1) or an interval (family 2).
    span: u128,
    /// The largest count that the packed state can hold (families 2 and 3).
    most: u128,
    state: State,
    /// Families 1 and 2: the latest instant booked later than it could have been. Until then somebody waits whom the state does not show.
    kept: u64,
}

/// The number of binary digits of `x`.
fn bits(x: u128) -> u32 {
    u128::BITS - x.leading_zeros()
}

impl Model {
    /// A new model, full, or filled as `config.initial` says.
    ///
    /// # Errors
    /// When the algorithm cannot hold the quota, or an option has no meaning for it.
    pub fn new(config: Config) -> Result<Model, Refused> {
        let (limit, period, burst) = (config.limit as u128, config.period as u128, config.burst as u128);
        if limit == 0 || burst == 0 {
            return Err(Refused("limit and burst are at least 1"));
        }
        if config.period == 0 || config.period > MAX_PERIOD {
            return Err(Refused("period is 1..=2^62 ns"));
        }
        let bucket = config.algorithm == Algorithm::TokenBucket;
        if !bucket && (config.initial.is_some() || config.refill == Refill::Interval) {
            return Err(Refused("only a token bucket has an initial fill and a refill"));
        }
        if config.initial.is_some_and(|fill| fill > config.burst) {
            return Err(Refused("initial fill is at most burst"));
        }
        let continuous = config.algorithm == Algorithm::Gcra || bucket && config.refill == Refill::Continuous;
        if !continuous && !bucket && config.burst != config.limit {
            return Err(Refused("a window holds its limit: burst has no meaning"));
        }
        let intervals = config.algorithm == Algorithm::FixedWindow || bucket && !continuous;
        match config.anchor {
            Anchor::FirstUse if !intervals => {
                return Err(Refused("only intervals open at first use"));
            }
            Anchor::Clock { offset } if offset != 0 && !intervals && config.algorithm != Algorithm::SlidingWindow => {
                return Err(Refused("only intervals and windows have an offset"));
            }
            Anchor::Starts(starts) if config.algorithm != Algorithm::FixedWindow || starts.first() != Some(&0) => {
                return Err(Refused("only fixed windows follow a calendar, from 0 on"));
            }
            _ => {}
        }

        if config.algorithm == Algorithm::SlidingWindow && 2 * limit > period {
            return Err(Refused("at most one permit in two nanoseconds"));
        }

        let origin = config.origin.min(END);
        let mut span = 1;
        let mut most = u64::MAX as u128;
        let mut ticks = Ticks { mul: 1, add: 0, div: period, starts: &[], first: 0, last: u128::MAX };
        if continuous {
            if limit > period {
                return Err(Refused("at most one permit a nanosecond"));
            }
            span = 1 << (period / limit).ilog2();
            // burst < 2^64 and span <= 2^62
            if burst * span > 1 << 61 {
                return Err(Refused("burst takes longer than 2^61 ticks to earn"));
            }
            ticks.mul = limit * span;
        } else if config.algorithm == Algorithm::SlidingLog {
            if config.limit > MAX_LOG {
                return Err(Refused("a log holds at most 2^18 - 1 permits"));
            }
            ticks = Ticks { mul: 1, add: 0, div: 1, starts: &[], first: 0, last: (END - config.period) as u128 };
        } else {
            // A packed state: so many bits for counts, what is left of 64 for time.
            let time_bits = match config.anchor {
                Anchor::FirstUse => {
                    let count_bits = bits(32 * burst);
                    let time_bits = 64 - count_bits as i32;
                    let j = period.ilog2() as i32 - 0.max(59 - time_bits);
                    if 59 - time_bits > 0 && j < 10 {
                        return Err(Refused("a burst so large leaves too few bits for so short a period"));
                    }
                    span = 1 << j;
                    ticks.mul = span;
                    most = (1 << count_bits) - 2;
                    time_bits as u32
                }
                Anchor::Starts(starts) => {
                    ticks.starts = starts;
                    let whole = bits(ticks.raw(END));
                    if whole + bits(2 * burst) > 64 {
                        return Err(Refused("the count leaves too few bits for every window"));
                    }
                    most = (1 << (64 - whole)) - 2;
                    whole
                }
                Anchor::Clock { offset } => {
                    let late = offset as u128 % period;
                    ticks.add = if late > 0 { period - late } else { 0 };
                    let counters = if intervals { 1 } else { 2 };
                    let count_bits = counters * bits(2 * burst);
                    let whole = bits(ticks.raw(END));
                    if whole + count_bits <= 64 {
                        let rest = if intervals { 64 - whole } else { bits(2 * burst) };
                        most = if intervals { (1 << rest) - 2 } else { 2 * limit };
                        whole
                    } else {
                        if count_bits >= 64 || (period << (64 - count_bits)) < TEN_YEARS {
                            return Err(Refused("the counts leave less than ten years of time"));
                        }
                        most = if intervals { (1 << bits(2 * burst)) - 2 } else { 2 * limit };
                        64 - count_bits
                    }
                }
            };
            if bits(ticks.raw(END)) > time_bits {
                ticks.first = ticks.raw(origin);
            }
            ticks.last = ticks.first + (1 << time_bits) - 1;
        }

        let horizon = ticks.horizon();
        let born = ticks.of(origin.min(horizon));
        let mut model = Model { ticks, horizon, span, most, state: State::Arrival { tat: 0 }, kept: 0, config };
        model.reset();
        if let Some(fill) = model.config.initial {
            let missing = burst - fill as u128;
            model.state = match model.state {
                State::Arrival { .. } => State::Arrival { tat: born + missing * span },
                _ => State::Interval { s: born, u: missing },
            };
        }
        Ok(model)
    }

    /// The last nanosecond that the model tells from the next one.
    pub fn horizon(&self) -> u64 {
        self.horizon
    }

    /// What the model was made from (after [`Model::reconfigure`]: its quota and time).
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the model remembers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The tick as which `now` is read.
    pub fn tick(&self, now: u64) -> u128 {
        self.ticks.of(self.read(now))
    }

    /// Ticks an emission interval (family 1) or an interval (family 2); 1 elsewhere.
    pub fn span(&self) -> u128 {
        self.span
    }

    // ---- The verbs -------------------------------------------------------------------------------------------------

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

    // ---- The definitions -------------------------------------------------------------------------------------------

    /// `now` as this limiter reads it. (What lies before the first tick is lifted to it by [`Ticks::of`].)
    fn read(&self, now: u64) -> u64 {
        now.min(self.horizon)
    }

    /// The state as seen at `now`.
    fn seen(&self, now: u64) -> State {
        self.view(&self.state, now)
    }

    fn view(&self, state: &State, now: u64) -> State {
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
    fn elapsed(&self, now: u64) -> u128 {
        match self.seen(now) {
            State::Window { w, .. } if self.ticks.raw(now) == w => (now as u128 + self.ticks.add) % self.ticks.div,
            _ => 0,
        }
    }

    /// Family 4: the permits in `(t - W, t]`.
    fn live(&self, t: u64) -> u64 {
        match &self.state {
            State::Log { permits, .. } => {
                permits.iter().filter(|(time, _)| t - time < self.config.period).map(|(_, count)| count).sum()
            }
            _ => 0,
        }
    }

    /// Whether `q` more permits stay within `ceiling` permits at `now` (families 1 to 3).
    fn within(&self, now: u64, q: u128, ceiling: u128) -> bool {
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
    fn fits(&self, now: u64, q: u64) -> bool {
        if q == 0 || q > self.config.burst {
            return q == 0;
        }
        match self.state {
            State::Log { last, held, .. } => !(held && now < last) && self.live(now.max(last)) + q <= self.config.limit,
            _ => self.within(now, q as u128, self.config.burst as u128),
        }
    }

    /// Family 4: whether everybody who comes at `now` waits for `last`.
    fn waits(&self, now: u64) -> bool {
        matches!(self.state, State::Log { last, held, .. } if held && now < last)
    }

    /// Whether somebody waits at `now` for an instant that the state does not show.
    fn hides_waiting(&self, now: u64) -> bool {
        matches!(self.state, State::Arrival { .. } | State::Interval { .. }) && now < self.kept
    }

    /// Whether `charge(q)` is accepted at `now`.
    fn chargeable(&self, now: u64, q: u64) -> bool {
        let ceiling = 2 * self.config.burst as u128;
        match self.state {
            State::Log { .. } => {
                self.earliest(now, |t| self.fits(t, q)).is_some_and(|at| at - now <= self.config.period)
            }
            _ => q as u128 <= ceiling && self.within(now, q as u128, ceiling),
        }
    }

    /// Whether what is spent is within capacity at `now`.
    fn solvent(&self, now: u64) -> bool {
        match self.state {
            State::Log { last, held, .. } => !(held && now < last),
            _ => self.within(now, 0, self.config.burst as u128),
        }
    }

    /// Whether the limiter is as good as new at `now`.
    fn as_new(&self, now: u64) -> bool {
        match self.seen(now) {
            State::Arrival { tat } => tat <= self.ticks.of(now),
            State::Interval { u, .. } => u == 0,
            State::Window { prev, cur, .. } => prev == 0 && cur == 0,
            State::Log { last, held, .. } => !(held && now < last) && self.live(now.max(last)) == 0,
        }
    }

    /// The state after `q` permits were spent at `now`.
    fn spent(&self, now: u64, q: u64) -> State {
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
    fn booked(&self, now: u64, at: u64, q: u64) -> Option<State> {
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
    fn logged(&self, time: u64, q: u64) -> State {
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
    fn forget_oldest(&mut self, now: u64, mut r: u64) {
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
    fn earliest(&self, now: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
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
    fn decision(&self, now: u64, allowed: bool, retry_after: Option<u64>) -> Decision {
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
fn weighed(prev: u128, cur: u128, e: u128, period: u128) -> u128 {
    prev * (period - e) + cur * period
}

/// `ceil(product(over) / product(under))`, `None` when it does not fit in 64 bits. Each factor is below `2^64`, at most
/// four above and three below, so 512 bits hold all of it.
fn ceil_ratio(over: &[u128], under: &[u128]) -> Option<u64> {
    let over = product(over);
    let enough = |x: u64| {
        let mut factors = under.to_vec();
        factors.push(x as u128);
        compare(&product(&factors), &over) != core::cmp::Ordering::Less
    };
    if !enough(u64::MAX) {
        return None;
    }
    if enough(0) {
        return Some(0);
    }
    let (mut less, mut full) = (0, u64::MAX);
    while full - less > 1 {
        let middle = less + (full - less) / 2;
        if enough(middle) {
            full = middle;
        } else {
            less = middle;
        }
    }
    Some(full)
}

/// Sixteen 32-bit digits, least first.
fn product(factors: &[u128]) -> [u128; 16] {
    let mut result = [0u128; 16];
    result[0] = 1;
    for factor in factors {
        let mut carry = 0u128;
        for digit in &mut result {
            // digit < 2^32, factor < 2^64, carry < 2^97
            let sum = *digit * factor + carry;
            *digit = sum & 0xffff_ffff;
            carry = sum >> 32;
        }
    }
    result
}

fn compare(a: &[u128; 16], b: &[u128; 16]) -> core::cmp::Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

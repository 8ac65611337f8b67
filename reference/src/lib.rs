//! The exact, slow, obvious model of every limiter, written from `docs/semantics.md` alone.
//!
//! Rule: integers only, no dependency, no cleverness. A wait is not computed from a formula but *searched*: the smallest
//! time at which the plain definition of "allowed" says yes. Whatever is fast elsewhere must agree with this crate to the
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

mod definitions;
mod new;
mod ratio;
mod verbs;

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

impl Model {
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
}

//! Changing a limiter as a whole: a new quota that carries over what is used; a state that outlives a restart is in `snapshot`.
//!
//! A quota of several words cannot be exchanged together with the state in one atomic step. So the state is first *retired*: its word
//! becomes a value on which no grant can succeed, in one swap that also yields the last state. Every caller who then finds the
//! retired word waits for the successor (a short critical section) and goes on there. No spend is lost between the two, and
//! the path of a grant pays nothing for it.

mod snapshot;
#[cfg(feature = "std")]
mod succession;

use core::fmt;

use crate::decision::Decision;
use crate::limiter::place::Place;
use crate::limiter::reservation::{Refused, Slot};
use crate::limiter::{Limiter, Retired};
use crate::quota::{Quota, QuotaError};
use crate::rule::{Config, Rule, Step};
use crate::wide::mul_div_ceil;

#[cfg(feature = "alloc")]
use crate::limiter::log::{Log, LogRule, Memory};
#[cfg(feature = "alloc")]
use crate::rule::Algorithm;
#[cfg(feature = "alloc")]
use crate::sync::AtomicU64;
#[cfg(feature = "alloc")]
use alloc::boxed::Box;

pub use snapshot::{RestoreError, Snapshot};
#[cfg(feature = "std")]
pub(crate) use succession::Succession;

/// A configuration and the state under it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    origin: u64,
    /// Counts the configurations of one limiter.
    generation: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Word(Place),
    #[cfg(feature = "alloc")]
    Log(Log<Box<[AtomicU64]>>),
}

/// Asks the place, whichever it is.
macro_rules! on_place {
    ($core:expr, $place:ident => $answer:expr) => {
        match &$core.state {
            State::Word($place) => $answer,
            #[cfg(feature = "alloc")]
            State::Log($place) => $answer,
        }
    };
}

/// How the permits that are used pass to a new quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Carry {
    /// The time in which they are earned back stays: `used * (L'/W') / (L/W)`.
    #[default]
    Time,
    /// Their number stays.
    Permits,
    /// Their share of the capacity stays: `used * B' / B`.
    Proportional,
    /// Nothing: the limiter is full.
    Reset,
}

impl Carry {
    /// What is used under a new quota; quotas go with the units of one permit. `None` if that is beyond 64 bits.
    pub(crate) fn of(self, used: u64, from: (u64, Quota), to: (u64, Quota)) -> Option<u64> {
        let ((unit, old), (new_unit, new)) = (from, to);
        // unit * limit <= period, or the unit is 1; unit * burst <= 2^61, or the unit is 1.
        match self {
            Carry::Reset => Some(0),
            Carry::Permits => mul_div_ceil(used, [new_unit, 1], [unit, 1]),
            Carry::Proportional => mul_div_ceil(used, [new_unit * new.capacity(), 1], [unit * old.capacity(), 1]),
            Carry::Time => mul_div_ceil(
                used,
                [new_unit * new.limit(), old.period_nanos()],
                [unit * old.limit(), new.period_nanos()],
            ),
        }
    }
}

impl Core {
    pub(crate) fn new(config: Config, origin: u64) -> Result<Core, QuotaError> {
        #[cfg(feature = "alloc")]
        if config.algorithm == Algorithm::SlidingLog {
            let rule = LogRule::new(&config.quota)?;
            config.refuse_bucket_options()?;
            let slots = (0..config.quota.limit()).map(|_| AtomicU64::new(0)).collect();
            return Ok(Core { config, origin, generation: 0, state: State::Log(Log::new(rule, slots)) });
        }
        let origin = origin.min(crate::rule::END);
        let rule = Rule::new(&config, origin)?;
        Ok(Core::of_place(config, origin, Place::new(rule, rule.first_word(origin, config.initial))))
    }

    pub(crate) const fn of_place(config: Config, origin: u64, place: Place) -> Core {
        Core { config, origin, generation: 0, state: State::Word(place) }
    }

    /// The one word, if that is all.
    #[inline(always)]
    pub(crate) fn place(&self) -> Option<&Place> {
        match &self.state {
            State::Word(place) => Some(place),
            #[cfg(feature = "alloc")]
            State::Log(_) => None,
        }
    }

    /// Whether this is the configuration in force.
    pub(crate) fn serving(&self) -> Result<(), Retired> {
        on_place!(self, place => place.serving())
    }

    pub(crate) fn end(&self) -> u64 {
        match &self.state {
            State::Word(place) => place.rule.end(),
            #[cfg(feature = "alloc")]
            State::Log(log) => log.rule().end(),
        }
    }

    pub(crate) fn try_acquire(&self, now: u64, cost: u64) -> Result<bool, Retired> {
        on_place!(self, place => place.try_acquire(now, cost))
    }

    pub(crate) fn take(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        on_place!(self, place => place.take(now, cost))
    }

    pub(crate) fn peek(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        on_place!(self, place => place.peek(now, cost))
    }

    pub(crate) fn charge(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        on_place!(self, place => place.charge(now, cost))
    }

    pub(crate) fn refund(&self, now: u64, permits: u64) -> Result<(), Retired> {
        on_place!(self, place => place.refund(now, permits))
    }

    pub(crate) fn reserve(
        &self,
        now: u64,
        from: u64,
        cost: u64,
        max_wait: u64,
    ) -> Result<Result<Slot, Refused>, Retired> {
        let booked = on_place!(self, place => place.reserve(now, from, cost, max_wait))?;
        Ok(booked.map(|slot| slot.of_generation(self.generation)))
    }

    /// As `take`, and what it takes to give it back.
    pub(crate) fn spend_marked(&self, now: u64, cost: u64) -> Result<(Decision, Option<Slot>), Retired> {
        let (decision, slot) = on_place!(self, place => place.spend_marked(now, cost))?;
        Ok((decision, slot.map(|slot| slot.of_generation(self.generation))))
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether [`Core::reserve`] would be refused, without booking. (A log is asked by booking.)
    pub(crate) fn refuses(&self, now: u64, from: u64, cost: u64, max_wait: u64) -> Result<Option<Refused>, Retired> {
        match &self.state {
            State::Word(place) => place.refuses(now, from, cost, max_wait),
            #[cfg(feature = "alloc")]
            State::Log(log) => log.serving().map(|()| None),
        }
    }

    /// Asks the clock after looking at the state.
    pub(crate) fn cancel_by(&self, clock: impl Fn() -> u64, slot: &Slot) -> Result<(), Retired> {
        match &self.state {
            // The permits of an earlier configuration have been carried over, or forgotten, with all others.
            _ if slot.generation() != self.generation => self.serving(),
            State::Word(place) => place.cancel_by(clock, &slot.booking()),
            #[cfg(feature = "alloc")]
            State::Log(log) => {
                let (oldest, head) = slot.log_after();
                log.cancel_by(clock, slot.cost(), oldest, head)
            }
        }
    }

    /// Gives back `permits` of what a slot holds, less than all of it.
    pub(crate) fn return_part_by(&self, clock: impl Fn() -> u64, slot: &Slot, permits: u64) -> Result<(), Retired> {
        match &self.state {
            _ if slot.generation() != self.generation => self.serving(),
            State::Word(place) => place.cancel_by(clock, &slot.booking().part(permits)),
            #[cfg(feature = "alloc")]
            State::Log(log) => {
                let (oldest, head) = slot.log_after();
                log.cancel_by(clock, permits, oldest, head)
            }
        }
    }

    pub(crate) fn reset(&self) -> Result<(), Retired> {
        on_place!(self, place => place.reset())
    }

    /// What would be carried to a core with `quota` if the state were `last`.
    fn successor(&self, now: u64, quota: Quota, carry: Carry, last: &Last) -> Result<Core, ReconfigureError> {
        let config = Config { quota, initial: None, ..self.config };
        let mut next = Core::new(config, now)?;
        next.generation = self.generation.wrapping_add(1);
        next.keep_as(self);
        let read = now.min(self.end());
        let (unit, used) = match (&self.state, last) {
            (State::Word(place), Last::Word(word)) => (place.rule.unit(), place.rule.used(*word, read)),
            #[cfg(feature = "alloc")]
            (_, Last::Log(_, memory)) => {
                let t = memory.last.max(read);
                (1, memory.expiries.iter().filter(|&&expiry| expiry > t).count() as u64)
            }
            #[cfg(feature = "alloc")]
            (State::Log(_), Last::Word(_)) => (1, 0),
        };
        let new_unit = match &next.state {
            State::Word(place) => place.rule.unit(),
            #[cfg(feature = "alloc")]
            State::Log(_) => 1,
        };
        let carried = carry.of(used, (unit, self.config.quota), (new_unit, quota));
        let now = now.min(next.end());
        carried.and_then(|carried| next.spend_new(now, carried)).ok_or(ReconfigureError::CannotCarry)?;
        Ok(next)
    }

    /// Those who wait for an instant go on waiting. (A log's time says so itself.)
    fn keep_as(&self, before: &Core) {
        if let (Some(place), Some(before)) = (self.place(), before.place()) {
            place.kept().keep(before.kept().until());
        }
    }

    /// Spends `units` at `now` on a core that nobody else has seen.
    fn spend_new(&mut self, now: u64, units: u64) -> Option<()> {
        match &mut self.state {
            State::Word(place) => {
                let word = place.rule.spent(now, units)?;
                place.set(word).ok()
            }
            #[cfg(feature = "alloc")]
            State::Log(log) => {
                let (limit, period) = (self.config.quota.limit(), self.config.quota.period_nanos());
                // Row upon row, a period apart; the last row is what is live when it comes.
                let rows = units.saturating_sub(1) / limit;
                let last = rows.checked_mul(period)?.checked_add(now).filter(|&last| last <= log.rule().end())?;
                let count = (units - rows * limit) as usize;
                log.remember(&Memory { last, held: last > now, expiries: alloc::vec![last + period; count] })
            }
        }
    }

    fn retire(&self) -> Result<Last, Retired> {
        match &self.state {
            State::Word(place) => Ok(Last::Word(place.retire())),
            #[cfg(feature = "alloc")]
            State::Log(log) => log.retire().map(|(head, memory)| Last::Log(head, memory)),
        }
    }

    fn revive(&self, last: &Last) {
        match (&self.state, last) {
            (State::Word(place), Last::Word(word)) => place.revive(*word),
            #[cfg(feature = "alloc")]
            (State::Log(log), Last::Log(head, _)) => log.revive(*head),
            #[cfg(feature = "alloc")]
            _ => {}
        }
    }
}

/// The last state of a retired core.
enum Last {
    Word(u64),
    #[cfg(feature = "alloc")]
    Log(u128, Memory),
}

/// Why a limiter could not take another quota. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReconfigureError {
    /// The algorithm cannot hold the quota.
    Quota(QuotaError),
    /// The new state cannot count what would be carried over.
    CannotCarry,
}

impl From<QuotaError> for ReconfigureError {
    fn from(error: QuotaError) -> Self {
        ReconfigureError::Quota(error)
    }
}

impl fmt::Display for ReconfigureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReconfigureError::Quota(error) => error.fmt(f),
            ReconfigureError::CannotCarry => f.write_str("what is used is more than the new quota can count"),
        }
    }
}

impl core::error::Error for ReconfigureError {}

impl Limiter {
    /// [`Limiter::reconfigure_at`] for whoever has the limiter to itself; needs no `std`.
    ///
    /// # Errors
    /// As `reconfigure_at`.
    pub fn reconfigure_mut_at(&mut self, now: u64, quota: Quota, carry: Carry) -> Result<(), ReconfigureError> {
        #[cfg(feature = "std")]
        if let Some(core) = self.succession.take() {
            self.core = core;
        }
        let Ok(last) = self.core.retire() else { return Err(ReconfigureError::CannotCarry) };
        match self.core.successor(now, quota, carry, &last) {
            Ok(core) => {
                self.core = core;
                Ok(())
            }
            Err(error) => {
                self.core.revive(&last);
                Err(error)
            }
        }
    }
}

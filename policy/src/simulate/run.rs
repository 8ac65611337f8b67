//! `Simulation`: a source of requests, a policy, and virtual time.

use std::fmt;
use std::time::Duration;

use super::arrival::{Arrival, Source};
use super::line::{Due, Lines, Waiting};
use super::outcome::Outcome;
use super::trace::TraceError;
use crate::enforce::{RequestError, Verdict};
use crate::policy::Policy;

/// Asks a policy about every request of a load, in virtual time.
///
/// The policy counts as if all this had happened: use a fresh one.
///
/// Clients who would wait ask again at the instant that they were told (`retry_after`); requests that are alike in all that they name stand in
/// one line, first come first served. Who is told a longer wait than he is ready for gives up and has spent nothing; who stands in line is told
/// when it is his turn.
#[derive(Clone, Debug)]
#[must_use = "call `run`"]
pub struct Simulation<'p> {
    policy: &'p Policy,
    max_wait: u64,
    service: u64,
    max_waiting: usize,
}

/// Why a simulation came to no end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimulationError {
    /// The trace cannot be read.
    Trace(TraceError),
    /// A request means nothing to the policy: a plan that it does not have, a scope that is not named.
    Request {
        /// Where it stands, as `file:line`, if anywhere.
        place: Option<String>,
        /// What is wrong with it.
        error: RequestError,
    },
}

impl From<TraceError> for SimulationError {
    fn from(error: TraceError) -> Self {
        SimulationError::Trace(error)
    }
}

impl fmt::Display for SimulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SimulationError::Trace(error) => error.fmt(f),
            SimulationError::Request { place: Some(place), error } => write!(f, "{place}: {error}"),
            SimulationError::Request { place: None, error } => error.fmt(f),
        }
    }
}

impl std::error::Error for SimulationError {}

impl<'p> Simulation<'p> {
    /// A simulation whose clients do not wait: what does not fit is denied.
    pub fn new(policy: &'p Policy) -> Simulation<'p> {
        Simulation { policy, max_wait: 0, service: 0, max_waiting: 1 << 20 }
    }

    /// How long clients are ready to wait; not at all if not said.
    pub fn max_wait(mut self, wait: Duration) -> Simulation<'p> {
        self.max_wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// How long a request takes once it is admitted: so long it has its place in limits of requests at the same time.
    pub fn service_time(mut self, service: Duration) -> Simulation<'p> {
        self.service = u64::try_from(service.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// The most requests that wait at once, which bounds memory; later ones are denied. 2^20 if not said.
    pub fn max_waiting(mut self, requests: usize) -> Simulation<'p> {
        self.max_waiting = requests;
        self
    }

    /// Runs to the end of the source, and on until nobody waits any more.
    ///
    /// # Errors
    /// The first request that cannot be read, or means nothing to the policy.
    pub fn run(&self, source: &mut dyn Source) -> Result<Outcome, SimulationError> {
        let mut run = Run { of: self, now: 0, lines: Lines::default(), outcome: Outcome::new() };
        let mut arrival = Arrival::default();
        while source.next(&mut arrival)? {
            if arrival.at < run.now {
                run.outcome.late += 1;
            }
            run.advance(arrival.at);
            run.arrives(&arrival).map_err(|error| SimulationError::Request { place: source.place(), error })?;
        }
        run.advance(u64::MAX);
        let mut outcome = run.outcome;
        outcome.limits.sort_by_key(|tally| std::cmp::Reverse((tally.denied, tally.held_up)));
        Ok(outcome)
    }
}

struct Run<'s, 'p> {
    of: &'s Simulation<'p>,
    now: u64,
    lines: Lines,
    outcome: Outcome,
}

/// What one question came to.
enum Asked {
    Admitted,
    /// Again at this time.
    Later(u64),
    Denied,
}

impl Run<'_, '_> {
    /// Everything that is due until `now`.
    fn advance(&mut self, now: u64) {
        while let Some((at, due)) = self.lines.next_due(now) {
            if let Due::Line(line) = due {
                self.now = self.now.max(at);
                self.turn(line);
            }
        }
        if now < u64::MAX {
            self.now = self.now.max(now);
        }
    }

    fn arrives(&mut self, arrival: &Arrival) -> Result<(), RequestError> {
        let now = self.now;
        self.outcome.asked += 1;
        self.outcome.first = self.outcome.first.or(Some(now));
        self.outcome.last = now;
        self.outcome.series.at(now).asked += 1;
        let line = if self.of.max_wait > 0 { Some(self.lines.line_of(arrival)) } else { None };
        let full = self.lines.waiting() >= self.of.max_waiting;
        let Some(line) = line else {
            if matches!(self.ask(arrival, now)?, Asked::Admitted) {
                self.admitted(now);
            } else {
                self.denied();
            }
            return Ok(());
        };
        let behind = !self.lines.is_empty() && self.lines.has(line);
        let asked = if behind { Asked::Later(now) } else { self.ask(arrival, now)? };
        match asked {
            Asked::Admitted => self.admitted(now),
            Asked::Later(_) if full => {
                self.outcome.turned_away += 1;
                self.denied();
            }
            Asked::Later(at) => {
                self.lines.join(line, Waiting { arrival: arrival.clone(), came: now });
                if !behind {
                    self.lines.ask_again(at, line);
                }
            }
            Asked::Denied => self.denied(),
        }
        Ok(())
    }

    /// It is the turn of the head of a line, and of those behind him while they are decided.
    fn turn(&mut self, line: u64) {
        loop {
            let Some(head) = self.lines.head(line) else { return };
            let (arrival, came) = (head.arrival.clone(), head.came);
            // What could be asked once can be asked again.
            match self.ask(&arrival, came).unwrap_or(Asked::Denied) {
                Asked::Admitted => self.admitted(came),
                Asked::Later(at) => return self.lines.ask_again(at, line),
                Asked::Denied => self.denied(),
            }
            self.lines.leave(line);
        }
    }

    fn ask(&mut self, arrival: &Arrival, came: u64) -> Result<Asked, RequestError> {
        let now = self.now;
        let request = arrival.request();
        let verdict = self.of.policy.take_at(now, &request)?;
        if verdict.is_allowed() {
            let in_flight = verdict.into_in_flight();
            if !in_flight.is_empty() && self.of.service > 0 {
                self.lines.hold(now.saturating_add(self.of.service), in_flight);
            }
            return Ok(Asked::Admitted);
        }
        let again = self.again(&verdict).filter(|at| at - came <= self.of.max_wait && *at > now);
        if let Some(binding) = verdict.binding() {
            let tally = self.outcome.tally(binding.id());
            match again {
                Some(_) => tally.held_up += 1,
                None => tally.denied += 1,
            }
        }
        Ok(again.map_or(Asked::Denied, Asked::Later))
    }

    /// When a denied request may be worth asking again.
    fn again(&self, verdict: &Verdict<'_>) -> Option<u64> {
        if self.of.max_wait == 0 || verdict.is_never() {
            return None;
        }
        match verdict.retry_after_nanos() {
            Some(wait) => self.now.checked_add(wait),
            // A limit of requests at the same time: when one of them is done.
            None => self.lines.next_done(),
        }
    }

    fn admitted(&mut self, came: u64) {
        self.outcome.last = self.outcome.last.max(self.now);
        let bin = self.outcome.series.at(self.now);
        if self.now > came {
            bin.delayed += 1;
            self.outcome.delayed += 1;
            self.outcome.waits.add(self.now - came);
        } else {
            bin.at_once += 1;
            self.outcome.at_once += 1;
        }
    }

    fn denied(&mut self) {
        self.outcome.last = self.outcome.last.max(self.now);
        self.outcome.denied += 1;
        self.outcome.first_denied = self.outcome.first_denied.or(Some(self.now));
        self.outcome.series.at(self.now).denied += 1;
    }
}

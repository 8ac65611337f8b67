//! Lines: clients whose requests wait, first come first served, and what is under way.
//!
//! Requests that are alike in all that they name stand in one line. The head of a line asks again when it was told to; who stands behind
//! is asked only when it is his turn. So each waiting request costs a bounded number of questions, however long the line.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::arrival::Arrival;
use crate::enforce::InFlight;

/// A request in line.
pub(crate) struct Waiting {
    pub arrival: Arrival,
    /// When it came; `arrival.at` may be earlier than the trace had come to.
    pub came: u64,
}

/// What is to happen next.
pub(crate) enum Due {
    /// The head of this line asks again.
    Line(u64),
    /// A request under way is done.
    Done,
}

#[derive(Default)]
pub(crate) struct Lines {
    seed: RandomState,
    lines: HashMap<u64, VecDeque<Waiting>>,
    waiting: usize,
    /// By time, then by the order in which they were put here.
    due: BinaryHeap<Reverse<(u64, u64, u64)>>,
    under_way: BinaryHeap<Reverse<(u64, u64)>>,
    held: HashMap<u64, InFlight>,
    turn: u64,
}

impl Lines {
    pub(crate) fn line_of(&self, arrival: &Arrival) -> u64 {
        let Arrival { plan, customer, method, path, keys, .. } = arrival;
        self.seed.hash_one((plan, customer, method, path, keys))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn has(&self, line: u64) -> bool {
        self.lines.contains_key(&line)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn join(&mut self, line: u64, waiting: Waiting) {
        self.lines.entry(line).or_default().push_back(waiting);
        self.waiting += 1;
    }

    pub(crate) fn head(&self, line: u64) -> Option<&Waiting> {
        self.lines.get(&line)?.front()
    }

    /// The head leaves; whether somebody follows.
    pub(crate) fn leave(&mut self, line: u64) {
        if let Some(others) = self.lines.get_mut(&line) {
            others.pop_front();
            self.waiting -= 1;
            if others.is_empty() {
                self.lines.remove(&line);
            }
        }
    }

    pub(crate) fn ask_again(&mut self, at: u64, line: u64) {
        self.due.push(Reverse((at, self.turn, line)));
        self.turn += 1;
    }

    pub(crate) fn hold(&mut self, until: u64, in_flight: InFlight) {
        self.under_way.push(Reverse((until, self.turn)));
        self.held.insert(self.turn, in_flight);
        self.turn += 1;
    }

    /// When the next request under way is done.
    pub(crate) fn next_done(&self) -> Option<u64> {
        self.under_way.peek().map(|Reverse((at, _))| *at)
    }

    /// What is due up to `now`, one after another in the order of time; what is done comes before who asks.
    pub(crate) fn next_due(&mut self, now: u64) -> Option<(u64, Due)> {
        let done = self.next_done().filter(|at| *at <= now);
        let asks = self.due.peek().map(|Reverse((at, ..))| *at).filter(|at| *at <= now);
        if let Some(at) = done
            && asks.is_none_or(|asks| at <= asks)
        {
            if let Some(Reverse((_, turn))) = self.under_way.pop() {
                self.held.remove(&turn);
            }
            return Some((at, Due::Done));
        }
        asks?;
        self.due.pop().map(|Reverse((at, _, line))| (at, Due::Line(line)))
    }
}

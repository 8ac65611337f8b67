//! The line of those who wait to enter: first come, first served.
//!
//! Invariant: whenever the lock is free, the word says *waited* exactly if the line is not empty, and then the first in line does not fit.
//! Who joins sees in one step on the word that it does not fit and leaves the mark; so whoever leaves after that sees the mark, takes the lock and
//! looks at the line. Whoever left before it was seen. No wake-up falls between the two.
//!
//! A grant is made for the waiter, on the word, before it is woken: it cannot be taken by another, and if the waiter is gone by
//! then, it gives back what it was given. Wakers are code of the caller's: none is called, cloned or dropped under the lock.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::task::Waker;

use super::Concurrency;
use crate::sync::{AtomicU64, Bug, Mutex, Ordering, seeded};

const WAITING: u64 = 0;
const ENTERED: u64 = 1;
/// Refused under a limit of `answer - REFUSED`.
const REFUSED: u64 = 2;

/// What has become of somebody who stands in line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Waiting,
    Entered,
    /// More permits than this limit.
    Refused(u64),
}

impl Turn {
    fn of(answer: u64) -> Turn {
        match answer {
            WAITING => Turn::Waiting,
            ENTERED => Turn::Entered,
            refused => Turn::Refused(refused - REFUSED),
        }
    }
}

/// A place in the line.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    permits: u64,
    answer: Arc<AtomicU64>,
}

impl Ticket {
    pub(super) fn turn(&self) -> Turn {
        Turn::of(self.answer.load(Ordering::Acquire))
    }
}

#[derive(Debug)]
struct Waiter {
    permits: u64,
    answer: Arc<AtomicU64>,
    waker: Waker,
}

#[derive(Debug)]
struct Waiters {
    /// By number, so from the first to the last.
    line: BTreeMap<u64, Waiter>,
    /// The number of the next. 64 bits outlast any program.
    next: u64,
}

#[derive(Debug)]
pub(super) struct Line(Mutex<Waiters>);

impl Line {
    #[cfg(not(tidegate_loom))]
    pub(super) const fn new() -> Line {
        Line(Mutex::new(Waiters { line: BTreeMap::new(), next: 0 }))
    }

    #[cfg(tidegate_loom)]
    pub(super) fn new() -> Line {
        Line(Mutex::new(Waiters { line: BTreeMap::new(), next: 0 }))
    }
}

/// What came of joining the line.
pub(super) enum Joined {
    Entered,
    /// More permits than this limit.
    Refused(u64),
    Waits(Ticket),
}

impl Concurrency {
    /// Enters, or stands in line. `permits` is at least 1.
    pub(super) fn join(&self, permits: u64, waker: &Waker) -> Joined {
        let (waker, answer) = (waker.clone(), Arc::new(AtomicU64::new(WAITING)));
        let mut waiters = self.line.0.lock();
        if seeded(Bug::MissedWakeUp) && self.change(|count| count.enter(permits)).is_ok() {
            return Joined::Entered;
        }
        // Enters, or leaves the mark: one step.
        let marked = self.change(|count| match count.enter(permits) {
            _ if permits > count.limit() => None,
            Some(entered) if !seeded(Bug::MissedWakeUp) => Some(entered),
            _ => Some(count.waited(true)),
        });
        match marked {
            Err(count) => Joined::Refused(count.limit()),
            Ok(count) if !count.is_waited() => Joined::Entered,
            Ok(_) => {
                let number = waiters.next;
                waiters.next += 1;
                waiters.line.insert(number, Waiter { permits, answer: answer.clone(), waker });
                Joined::Waits(Ticket { number, permits, answer })
            }
        }
    }

    /// Lets in whoever is first in line and fits, one after the other.
    #[cold]
    pub(super) fn serve(&self) {
        while let Some(waker) = self.serve_first() {
            waker.wake();
        }
    }

    /// Answers the first in line, if there is an answer for it now; its waker.
    fn serve_first(&self) -> Option<Waker> {
        let mut waiters = self.line.0.lock();
        let last = waiters.line.len() == 1;
        let first = waiters.line.first_entry()?;
        let permits = first.get().permits;
        let served = self.change(|count| {
            let next = if permits > count.limit() { count } else { count.admit(permits)? };
            Some(next.waited(!last))
        });
        let count = served.ok()?;
        let answer = if permits > count.limit() { REFUSED + count.limit() } else { ENTERED };
        let waiter = first.remove();
        waiter.answer.swap(answer, Ordering::AcqRel);
        Some(waiter.waker)
    }

    /// From now on `waker` is to be called; `false` if the turn has come.
    pub(super) fn renew(&self, ticket: &Ticket, waker: &Waker) -> bool {
        let mut waker = waker.clone();
        let mut waiters = self.line.0.lock();
        let Some(waiter) = waiters.line.get_mut(&ticket.number) else { return false };
        // The old one is dropped after the lock.
        core::mem::swap(&mut waiter.waker, &mut waker);
        true
    }

    /// Steps out of the line: `Waiting` if the turn had not come, or else what became of it, which is the caller's now.
    pub(super) fn step_out(&self, ticket: &Ticket) -> Turn {
        let waiter = {
            let mut waiters = self.line.0.lock();
            let waiter = waiters.line.remove(&ticket.number);
            if waiter.is_some() && waiters.line.is_empty() {
                let _ = self.change(|count| Some(count.waited(false)));
            }
            waiter
        };
        if waiter.is_none() {
            return ticket.turn();
        }
        if !seeded(Bug::WakeNotPassedOn) {
            // Those behind may fit where this one did not.
            self.serve();
        }
        Turn::Waiting
    }

    /// Steps out of the line and gives back what was given in the meantime.
    pub(super) fn abandon(&self, ticket: &Ticket) {
        let turn = self.step_out(ticket);
        if (turn == Turn::Entered && !seeded(Bug::PermitLost)) || seeded(Bug::PermitGivenTwice) {
            self.leave(ticket.permits);
        }
    }
}

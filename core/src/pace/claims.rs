//! The items of a `Pacer`, the consumers who wait for one, and the claims of those who have one coming.
//!
//! A consumer first *claims* that there is an item for him, then waits for the permit, and only then takes one out: the best that waits by
//! then. There are never more claims than items, unless somebody drained the queue meanwhile. A claim that is dropped leaves the item where
//! it is and wakes the next consumer. Wakers are called and dropped outside of the lock: they may run anything.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use super::queue::{Priority, PriorityQueue, PushError};
use crate::sync::{Bug, Mutex, seeded};

#[derive(Debug)]
pub(super) struct Claims<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    queue: PriorityQueue<T>,
    claimed: usize,
    closed: bool,
    /// Consumers for whom there was no item, in the order in which they came.
    idle: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl<T> State<T> {
    fn unclaimed(&self) -> usize {
        self.queue.len().saturating_sub(self.claimed)
    }

    fn finished(&self) -> bool {
        self.closed && self.queue.is_empty()
    }

    /// Whom a change concerns: the next consumer if there is an item for him, all of them if there will be none.
    fn whom_to_wake(&mut self) -> Wake {
        if self.finished() {
            return Wake::All(core::mem::take(&mut self.idle));
        }
        if self.unclaimed() == 0 {
            return Wake::None;
        }
        self.idle.pop_first().map_or(Wake::None, |(_, waker)| Wake::One(waker))
    }
}

enum Wake {
    None,
    One(Waker),
    All(BTreeMap<u64, Waker>),
}

impl Wake {
    fn call(self) {
        match self {
            Wake::None => {}
            Wake::One(waker) => waker.wake(),
            Wake::All(wakers) => wakers.into_values().for_each(Waker::wake),
        }
    }
}

impl<T> Claims<T> {
    pub(super) fn new(queue: PriorityQueue<T>) -> Claims<T> {
        let state = State { queue, claimed: 0, closed: false, idle: BTreeMap::new(), tickets: 0 };
        Claims { state: Mutex::new(state) }
    }

    /// Changes the state, then wakes whom that concerns.
    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let (result, wake) = {
            let mut state = self.state.lock();
            let result = change(&mut state);
            (result, state.whom_to_wake())
        };
        wake.call();
        result
    }

    pub(super) fn look<R>(&self, look: impl FnOnce(&PriorityQueue<T>, bool) -> R) -> R {
        let state = self.state.lock();
        look(&state.queue, state.closed)
    }

    pub(super) fn push(&self, priority: Priority, item: T) -> Result<(), PushError<T>> {
        self.change(|state| if state.closed { Err(PushError::Closed(item)) } else { state.queue.push(priority, item) })
    }

    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    pub(super) fn drain(&self) -> Vec<T> {
        self.change(|state| state.queue.drain())
    }

    /// A claim on an item, if there is one that nobody has claimed; otherwise whether none will come.
    pub(super) fn try_claim(&self) -> Result<Claim<'_, T>, bool> {
        let mut state = self.state.lock();
        if state.unclaimed() > 0 {
            state.claimed = state.claimed.saturating_add(1);
            return Ok(Claim { claims: self });
        }
        Err(state.finished())
    }

    /// Waits for an item to claim; `None` once the queue is closed and empty.
    pub(super) async fn claim(&self) -> Option<Claim<'_, T>> {
        let mut consumer = Consumer { claims: self, ticket: None };
        poll_fn(|cx| consumer.poll(cx.waker())).await
    }
}

/// One who waits for an item.
struct Consumer<'a, T> {
    claims: &'a Claims<T>,
    ticket: Option<u64>,
}

impl<'a, T> Consumer<'a, T> {
    fn poll(&mut self, waker: &Waker) -> Poll<Option<Claim<'a, T>>> {
        let waker = waker.clone();
        let mut state = self.claims.state.lock();
        if state.unclaimed() > 0 {
            state.claimed = state.claimed.saturating_add(1);
            // He may have come without being woken; then his waker goes with his ticket.
            let old = self.ticket.take().and_then(|ticket| state.idle.remove(&ticket));
            drop(state);
            drop((old, waker));
            return Poll::Ready(Some(Claim { claims: self.claims }));
        }
        if state.finished() {
            return Poll::Ready(None);
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            // 584 years at one a nanosecond.
            state.tickets = state.tickets.wrapping_add(1);
            state.tickets
        });
        let old = state.idle.insert(ticket, waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

/// Who was woken and leaves without an item passes the call on.
impl<T> Drop for Consumer<'_, T> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.claims.state.lock();
        let waker = state.idle.remove(&ticket);
        let wake = if waker.is_some() || seeded(Bug::CallNotPassedOn) { Wake::None } else { state.whom_to_wake() };
        drop(state);
        drop(waker);
        wake.call();
    }
}

/// The right to one item.
pub(super) struct Claim<'a, T> {
    claims: &'a Claims<T>,
}

impl<T> Claim<'_, T> {
    /// The best item that waits now. `None` if the queue has been drained.
    pub(super) fn take(self) -> Option<T> {
        let claims = self.claims;
        core::mem::forget(self);
        claims.change(|state| {
            state.claimed = state.claimed.saturating_sub(1);
            state.queue.pop()
        })
    }
}

/// The item stays for somebody else.
impl<T> Drop for Claim<'_, T> {
    fn drop(&mut self) {
        self.claims.change(|state| state.claimed = state.claimed.saturating_sub(1));
    }
}

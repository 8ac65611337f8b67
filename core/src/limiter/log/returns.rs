//! What a log books for later, and what it gives back.

use super::Log;
use super::head::Head;
use crate::decision::Decision;
use crate::limiter::Retired;
use crate::limiter::reservation::{Refusal, Refused, Slot};
use crate::sync::{AtomicU64, Bug, seeded};

impl<S: AsRef<[AtomicU64]>> Log<S> {
    pub(crate) fn reserve(
        &self,
        now: u64,
        from: u64,
        cost: u64,
        max_wait: u64,
    ) -> Result<Result<Slot, Refused>, Retired> {
        let from = from.min(self.rule.end());
        loop {
            let (word, head) = self.load()?;
            let at = if cost > self.limit() { u64::MAX } else { self.earliest(&head, now, cost).max(from) };
            let refusal = if at > self.rule.end() {
                Some(Refusal::Never)
            } else if at - now > max_wait {
                Some(Refusal::WaitTooLong)
            } else {
                None
            };
            if let Some(refusal) = refusal {
                let facts = self.facts(&head, now, None, self.wait(now, at));
                if self.unchanged(word) {
                    return Ok(Err(Refused::new(refusal, Decision::of_facts(false, facts))));
                }
                continue;
            }
            let t = head.judged(now).max(at);
            let (oldest, available) = self.oldest(&head, t);
            // Whoever comes before a time that the log knows already is judged then, and needs not be held.
            let held = at > head.judged(now) || head.holds(now);
            if let Some(after) = self.claim(word, &head, t, held, cost) {
                return Ok(Ok(self.slot_of(at, cost, oldest, available, after)));
            }
        }
    }

    /// The clock is read after the head, so that no spend in the log is later than `now`.
    pub(crate) fn cancel_by(
        &self,
        clock: impl Fn() -> u64,
        cost: u64,
        oldest: u64,
        booked: u128,
    ) -> Result<(), Retired> {
        let booked = Head::unpack(booked, self.rule.width)?;
        if cost > self.limit() {
            // Another limiter's slot.
            return Ok(());
        }
        loop {
            let (word, head) = self.load()?;
            let now = clock().min(self.rule.end());
            let available = self.available(&head, head.last);
            // The same head says the same log if its oldest permit is the same too: `position` comes round again only after a whole
            // lap at one time, and then no older permit is left.
            let same = available < self.limit() && self.nth_expiry(&head, available) == oldest;
            // Or they are all of one time, wherever they lie.
            let position = if oldest == head.last + self.rule.period { booked.position } else { head.position };
            let next = if same && (Head { batch: 0, changes: 0, position, free: available, ..head }) == booked {
                // Its permits are the newest `cost`: they lie just before `position`, and become the first of the free ones.
                let position = (head.position + self.limit() - cost) % self.limit();
                let back = Head { position, free: (available + cost).min(self.limit()), ..head };
                match head.changed(back, self.rule.width) {
                    Some(next) => next,
                    None => return Ok(()),
                }
            } else if booked.last + self.rule.period > head.judged(now) {
                match self.refunded(&head, now, cost) {
                    Some(next) => next,
                    None => return Ok(()),
                }
            } else {
                return Ok(());
            };
            if self.swap(word, next) {
                return Ok(());
            }
        }
    }

    /// The head with the oldest `permits` live permits given back; `None` if there are none.
    fn refunded(&self, head: &Head, now: u64, permits: u64) -> Option<Head> {
        let t = head.judged(now);
        let available = self.available(head, t);
        let back = permits.min(self.limit() - available);
        if back == 0 {
            return None;
        }
        if seeded(Bug::HeadComesBack) {
            return Some(Head { last: t, batch: 0, free: available + back, ..*head });
        }
        head.changed(Head { last: t, free: available + back, ..*head }, self.rule.width)
    }

    pub(crate) fn refund(&self, now: u64, permits: u64) -> Result<(), Retired> {
        loop {
            let (word, head) = self.load()?;
            if head.holds(now) {
                // The live permits as of `last` may be those that wait for it.
                return Ok(());
            }
            match self.refunded(&head, now, permits) {
                Some(next) if !self.swap(word, next) => {}
                _ => return Ok(()),
            }
        }
    }

    pub(crate) fn reset(&self) -> Result<(), Retired> {
        loop {
            let (word, head) = self.load()?;
            let new = Head { held: false, free: self.limit(), ..head };
            // Changed too often at this time: the next nanosecond is as good for a log that forgets.
            let later = Head { last: head.last + 1, changes: 0, batch: 0, ..new };
            if self.swap(word, head.changed(new, self.rule.width).unwrap_or(later)) {
                return Ok(());
            }
        }
    }
}

//! The place of a sliding log: a ring with one word a permit, and a head that claims.
//!
//! Each slot holds the *expiry* (`time + W`) of the permit that used it last; 0 is free. Permits are claimed in the order of time, so
//! the slots from `position` on are sorted, oldest first, and "do q more fit?" looks at one slot: the q-th oldest.
//!
//! ```text
//! head (128 bits) = { last time: 63 | held: 1 | changes: 64 - 3 w | position: w | batch: w | free: w },   w bits hold the limit
//! ```
//! * A claim is one compare-and-swap of the head: it moves `position` by its cost and leaves its time and its cost (`batch`) there. Only then
//!   are the `batch` slots before `position` written. Whoever comes next finishes that writing first, so a stalled claimer stalls
//!   nobody and its permits count from the moment of the swap.
//! * Slots are written by `fetch_max` with the head's time, and `last time` never decreases. A helper that comes a lap late thus
//!   changes nothing. That is why no slot needs a lap tag.
//! * `free` slots from `position` on may be used whatever they hold: refunds and cancellations make them.
//! * No head comes back: claims at one time only go on, by less than a lap; what else changes the log counts in `changes`, which
//!   begins anew when the time moves. When it is exhausted at one nanosecond (1,024 changes for the longest log, 2^34 for one of a
//!   thousand permits), refunds and cancellations give nothing back until the next. So a claimer who was stalled cannot take an old head for the present one.
//!
//! Ordering: a claim releases what its claimer read as complete, and a reader acquires it; slot writes release and slot reads
//! acquire. Reading a slot written under a later head therefore makes the re-read of the head see that head, and the
//! reader starts again: every decision belongs to one head.

mod head;
#[cfg(feature = "alloc")]
mod memory;
mod returns;

use head::Head;
#[cfg(feature = "alloc")]
pub(crate) use memory::Memory;

use crate::decision::{Decision, Facts};
use crate::limiter::Retired;
use crate::limiter::reservation::Slot;
use crate::quota::{Anchor, Quota, QuotaError, QuotaErrorKind};
use crate::rule::{END, bits};
use crate::sync::{
    AtomicU64, AtomicU128, Bug,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
    seeded, stall,
};

/// The most permits a log holds.
pub(crate) const MAX_LOG: u64 = (1 << 18) - 1;

/// A batch longer than this is marked as finished by its claimer, so that nobody after it has to look at all its slots again.
const SEAL_FROM: u64 = 8;

/// The numbers of a log's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogRule {
    limit: u64,
    period: u64,
    /// The bits that hold the limit.
    width: u32,
}

impl LogRule {
    pub(crate) const fn new(quota: &Quota) -> Result<LogRule, QuotaError> {
        if quota.limit() > MAX_LOG {
            return Err(QuotaError::new(QuotaErrorKind::LogTooLong));
        }
        if quota.capacity() != quota.limit() {
            return Err(QuotaError::new(QuotaErrorKind::BurstUnsupported));
        }
        #[cfg(feature = "calendar")]
        if let Anchor::Calendar(_) = quota.anchored() {
            return Err(QuotaError::new(QuotaErrorKind::CalendarNeedsWindow));
        }
        if !matches!(quota.anchored(), Anchor::Clock | Anchor::Offset(0)) {
            return Err(QuotaError::new(QuotaErrorKind::AnchorUnsupported));
        }
        Ok(LogRule { limit: quota.limit(), period: quota.period_nanos(), width: bits(quota.limit() as u128) })
    }

    /// The last nanosecond whose permits have an expiry on the clock.
    pub(crate) const fn end(&self) -> u64 {
        END - self.period
    }
}

/// A ring of slots, however it is stored, and its head.
#[derive(Debug)]
pub(crate) struct Log<S> {
    rule: LogRule,
    head: AtomicU128,
    slots: S,
}

impl<S: AsRef<[AtomicU64]>> Log<S> {
    /// `slots` has exactly `rule.limit` zeros.
    #[cfg(not(tidegate_loom))]
    pub(crate) const fn new(rule: LogRule, slots: S) -> Log<S> {
        Log { rule, head: AtomicU128::new(rule.limit as u128), slots }
    }

    #[cfg(tidegate_loom)]
    pub(crate) fn new(rule: LogRule, slots: S) -> Log<S> {
        Log { rule, head: AtomicU128::new(rule.limit as u128), slots }
    }

    pub(crate) fn rule(&self) -> &LogRule {
        &self.rule
    }

    fn limit(&self) -> u64 {
        self.rule.limit
    }

    /// The slot `ahead` places from `position`; `position <= L` and `ahead <= L`.
    fn slot(&self, position: u64, ahead: u64) -> &AtomicU64 {
        let index = (position + ahead) % self.limit();
        &self.slots.as_ref()[index as usize]
    }

    /// The head, once all that it claims is written.
    fn load(&self) -> Result<(u128, Head), Retired> {
        let word = self.head.load(Acquire);
        let head = Head::unpack(word, self.rule.width)?;
        if !seeded(Bug::UnfinishedClaim) {
            self.finish(&head);
        }
        Ok((word, head))
    }

    /// Whether this log is in force.
    #[cfg(feature = "alloc")]
    pub(crate) fn serving(&self) -> Result<(), Retired> {
        Head::unpack(self.head.load(Acquire), self.rule.width).map(|_| ())
    }

    /// Writes the slots of the newest claim.
    fn finish(&self, head: &Head) {
        let expiry = head.last + self.rule.period;
        for ahead in 0..head.batch {
            let slot = self.slot(head.position + self.limit() - head.batch, ahead);
            if slot.load(Acquire) < expiry {
                slot.fetch_max(expiry, AcqRel);
            }
        }
    }

    fn swap(&self, before: u128, after: Head) -> bool {
        self.head.compare_exchange_weak(before, after.pack(self.rule.width), AcqRel, Relaxed).is_ok()
    }

    fn unchanged(&self, word: u128) -> bool {
        // The acquiring slot reads before this cannot move behind it.
        seeded(Bug::StaleDecision) || self.head.load(Acquire) == word
    }

    /// The expiry that the `cost`-th oldest permit has, or 0 if it is free.
    fn expiry(&self, head: &Head, cost: u64) -> u64 {
        if cost <= head.free { 0 } else { self.nth_expiry(head, cost - 1) }
    }

    /// What the slot `ahead` places from `position` holds.
    fn nth_expiry(&self, head: &Head, ahead: u64) -> u64 {
        self.slot(head.position, ahead).load(Acquire)
    }

    /// How many permits from `position` on may be used at time `t`.
    ///
    /// Looked for at the oldest, and then from the newest on in growing steps: a log that is full or nearly idle, as most of many are, is asked about
    /// few slots, and those lie beside `position`, in the lines that a claim needs anyway.
    fn available(&self, head: &Head, t: u64) -> u64 {
        // Those before `low` may be used, those from `high` on not.
        let (mut low, mut high) = (head.free, self.limit());
        if low < high && self.nth_expiry(head, low) > t {
            return low;
        }
        let mut step = 1;
        while low < high {
            let probe = high.saturating_sub(step).max(low);
            if self.nth_expiry(head, probe) <= t {
                low = probe + 1;
                break;
            }
            (high, step) = (probe, step * 2);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.nth_expiry(head, middle) <= t { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The first nanosecond from `now` on at which `cost` (1 to L) fits.
    fn earliest(&self, head: &Head, now: u64, cost: u64) -> u64 {
        let expiry = self.expiry(head, cost);
        if head.holds(now) {
            head.last.max(expiry)
        } else if expiry <= head.judged(now) {
            now
        } else {
            expiry
        }
    }

    /// The head after `cost` permits at time `t`.
    fn claimed(&self, head: &Head, t: u64, held: bool, cost: u64) -> Head {
        Head {
            last: t,
            held,
            changes: if t > head.last { 0 } else { head.changes },
            position: (head.position + cost) % self.limit(),
            batch: cost,
            free: head.free.saturating_sub(cost),
        }
    }

    /// Claims, and writes what was claimed. `None` if the head has changed.
    fn claim(&self, before: u128, head: &Head, t: u64, held: bool, cost: u64) -> Option<Head> {
        let after = self.claimed(head, t, held, cost);
        if !self.swap(before, after) {
            return None;
        }
        stall();
        self.finish(&after);
        if cost >= SEAL_FROM {
            // If this fails, someone else has finished it and gone on.
            let _ = self.head.compare_exchange_weak(
                after.pack(self.rule.width),
                Head { batch: 0, ..after }.pack(self.rule.width),
                Release,
                Relaxed,
            );
        }
        Some(after)
    }

    /// What a decision says when `head` is the state, read at `now`, with `used` more permits just claimed at `t`.
    fn facts(&self, head: &Head, now: u64, claim: Option<(u64, u64)>, retry_after: Option<u64>) -> Facts {
        let t = head.judged(now);
        let (cost, t, last, held) = match claim {
            Some((cost, at)) => (cost, at.max(t), at.max(t), at > t || (head.holds(now))),
            None => (0, t, head.last, head.held),
        };
        let waiting = held && now < last;
        let available = if waiting { 0 } else { self.available(head, t).saturating_sub(cost) };
        let newest = if cost > 0 {
            t + self.rule.period
        } else if head.free == self.limit() {
            0
        } else {
            self.nth_expiry(head, self.limit() - 1)
        };
        let mut renewed = if newest > t { newest } else { now };
        if waiting {
            renewed = renewed.max(last);
        }
        Facts {
            limit: self.limit(),
            remaining: available,
            retry_after,
            reset_after: self.wait(now, renewed).unwrap_or(u64::MAX),
        }
    }

    /// The wait that a time means, if it is on the clock.
    fn wait(&self, now: u64, at: u64) -> Option<u64> {
        (at <= self.rule.end()).then(|| at - now)
    }

    pub(crate) fn try_acquire(&self, now: u64, cost: u64) -> Result<bool, Retired> {
        loop {
            let (word, head) = self.load()?;
            if cost > self.limit() {
                return Ok(false);
            }
            let t = head.judged(now);
            if head.holds(now) || self.expiry(&head, cost) > t {
                if self.unchanged(word) {
                    return Ok(false);
                }
            } else if self.claim(word, &head, t, false, cost).is_some() {
                return Ok(true);
            }
        }
    }

    pub(crate) fn take(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        self.decide(now, cost, true)
    }

    pub(crate) fn peek(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        self.decide(now, cost, false)
    }

    fn decide(&self, now: u64, cost: u64, spend: bool) -> Result<Decision, Retired> {
        loop {
            let (word, head) = self.load()?;
            let at = if cost == 0 {
                Some(now)
            } else if cost > self.limit() {
                None
            } else {
                Some(self.earliest(&head, now, cost))
            };
            let allowed = at == Some(now);
            let claim = (spend && allowed && cost > 0).then_some((cost, head.judged(now)));
            let wait = at.and_then(|at| self.wait(now, at));
            let facts = self.facts(&head, now, claim, wait);
            let settled = match claim {
                Some((cost, t)) => self.claim(word, &head, t, false, cost).is_some(),
                None => self.unchanged(word),
            };
            if settled {
                return Ok(Decision::of_facts(allowed, facts));
            }
        }
    }

    /// As `take`, and what it takes to give it back.
    #[cfg(feature = "alloc")]
    pub(crate) fn spend_marked(&self, now: u64, cost: u64) -> Result<(Decision, Option<Slot>), Retired> {
        loop {
            let (word, head) = self.load()?;
            if cost > self.limit() || self.earliest(&head, now, cost) > now {
                let decision = self.peek(now, cost)?;
                if decision.is_allowed() {
                    continue;
                }
                return Ok((decision, None));
            }
            let t = head.judged(now);
            let facts = self.facts(&head, now, Some((cost, t)), Some(0));
            let (oldest, available) = self.oldest(&head, t);
            if let Some(after) = self.claim(word, &head, t, false, cost) {
                let slot = self.slot_of(now, cost, oldest, available, after);
                return Ok((Decision::of_facts(true, facts), Some(slot)));
            }
        }
    }

    /// How `cancel` knows that nothing has happened since: the oldest permit of all that are live at `t`, and how many places are free then.
    fn oldest(&self, head: &Head, t: u64) -> (u64, u64) {
        let available = self.available(head, t);
        let oldest = if available < self.limit() { self.nth_expiry(head, available) } else { t + self.rule.period };
        (oldest, available)
    }

    fn slot_of(&self, at: u64, cost: u64, oldest: u64, available: u64, after: Head) -> Slot {
        let live = Head { batch: 0, changes: 0, free: available.saturating_sub(cost), ..after };
        Slot::of_log(at, cost, oldest, live.pack(self.rule.width))
    }

    pub(crate) fn charge(&self, now: u64, cost: u64) -> Result<Decision, Retired> {
        loop {
            let (word, head) = self.load()?;
            let at = if cost > self.limit() { u64::MAX } else { self.earliest(&head, now, cost) };
            let due = at.saturating_sub(self.rule.period).max(now);
            if at > self.rule.end() || due > now {
                let wait = if at > self.rule.end() { None } else { Some(due - now) };
                let facts = self.facts(&head, now, None, wait);
                if self.unchanged(word) {
                    return Ok(Decision::of_facts(false, facts));
                }
                continue;
            }
            let t = head.judged(now).max(at);
            let facts = self.facts(&head, now, Some((cost, t)), Some(at - now));
            if self.claim(word, &head, t, at > now, cost).is_some() {
                return Ok(Decision::of_facts(true, facts));
            }
        }
    }
}

//! Reservations of groups: one instant that all members keep.
//!
//! Members that kept different instants would bunch when the work runs at the last one, and exceed a burst there. So the group finds the
//! earliest instant at which every member has room (what fits once, fits later too, so it is the latest of their earliest), and books
//! every member *not before* it. A member that meanwhile has no room then is a lost race: what was booked is given back, and the search
//! begins anew.

use core::fmt;

use super::MAX_MEMBERS;
use super::decision::{GroupDecision, Parts};
use super::member::{Judged, Limit};
use crate::limiter::{Refusal, Refused, Slot};
use crate::sync::{Bug, seeded};

/// How often a lost race is run again. Each was lost to somebody who booked meanwhile.
const ATTEMPTS: usize = 64;

/// Permits of every member of a group, booked for one instant.
///
/// Not `Clone`: handing it to `cancel_at` gives the permits back exactly once. Dropping it keeps them booked. It belongs to the group that made it:
/// another, or the same members in another order, would give back what it does not owe.
#[derive(Debug)]
#[must_use = "the permits are booked; wait for the instant, or cancel the slot"]
pub struct GroupSlot {
    at: u64,
    slots: [Option<Slot>; MAX_MEMBERS],
}

impl GroupSlot {
    /// The instant from which the permits may be used, in nanoseconds of the members' clock.
    pub const fn at_nanos(&self) -> u64 {
        self.at
    }
}

/// A refused reservation of a group; nothing was booked.
#[derive(Clone, Debug)]
pub struct GroupRefused<'a> {
    refusal: Refusal,
    decision: GroupDecision<'a>,
}

impl<'a> GroupRefused<'a> {
    /// Why.
    pub const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// The decision, with the wait that would have been needed and the member that binds.
    pub const fn decision(&self) -> &GroupDecision<'a> {
        &self.decision
    }
}

impl fmt::Display for GroupRefused<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.decision.binding().unwrap_or("a member");
        match (self.refusal, self.decision.retry_after()) {
            (Refusal::Never, _) => {
                write!(f, "{member}: the cost can never fit within {} permits", self.decision.limit())
            }
            (Refusal::WaitTooLong, Some(wait)) => write!(f, "{member}: the wait of {wait:?} is longer than allowed"),
            (Refusal::WaitTooLong, None) => write!(f, "{member}: the wait is longer than allowed"),
            (Refusal::NoRoom, _) => write!(f, "{member}: the table has no slot for a new key"),
            (Refusal::QueueFull, _) => write!(f, "{member}: the queue of reservations is as long as it can count"),
            (Refusal::Contended, _) => f.write_str("others booked first, again and again"),
        }
    }
}

impl core::error::Error for GroupRefused<'_> {}

/// Why an attempt failed.
enum Lost {
    /// A member has no room at the instant any more.
    Race,
    Refused(usize, Refused),
}

pub(super) fn reserve<'a>(
    parts: Parts<'a>,
    now: u64,
    max_wait: u64,
    clock: impl Fn() -> u64,
    part: impl Fn(usize) -> (Limit<'a>, u64),
) -> Result<GroupSlot, GroupRefused<'a>> {
    let mut attempts = 0;
    loop {
        let decision = GroupDecision::peeked(parts, now, &part);
        let refuse = |refusal, decision| Err(GroupRefused { refusal, decision });
        let Some(wait) = decision.retry_after_nanos() else { return refuse(Refusal::Never, decision) };
        if wait > max_wait {
            return refuse(Refusal::WaitTooLong, decision);
        }
        match book(parts.len(), now, wait, &clock, &part) {
            Ok(slot) => return Ok(slot),
            Err(Lost::Race) if attempts < ATTEMPTS => attempts += 1,
            Err(Lost::Race) => return refuse(Refusal::Contended, decision),
            Err(Lost::Refused(index, refused)) => {
                let judged = Judged::facts(&refused.decision());
                return refuse(refused.refusal(), decision.denied_by(index, judged));
            }
        }
    }
}

/// Books every member for `wait` nanoseconds from now, or none.
fn book<'a>(
    count: usize,
    now: u64,
    wait: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> Result<GroupSlot, Lost> {
    let mut booked = GroupSlot { at: now.saturating_add(wait), slots: [const { None }; MAX_MEMBERS] };
    // Logs are the last: one that is given back stays closed until the instant, because its time does not run back.
    let count = count.min(MAX_MEMBERS);
    let lost = |index, refused: Refused| match refused.refusal() {
        Refusal::WaitTooLong => Lost::Race,
        _ => Lost::Refused(index, refused),
    };
    for index in 0..count {
        let (limit, cost) = part(index);
        if let Some(refused) = limit.refuses(now, booked.at, cost, wait) {
            return Err(lost(index, refused));
        }
    }
    let logs = |is_log| (0..count).filter(move |&index| part(index).0.is_log() == is_log);
    for index in logs(false).chain(logs(true)) {
        let (limit, cost) = part(index);
        let from = if seeded(Bug::OwnInstants) { now } else { booked.at };
        match limit.book(now, from, cost, wait) {
            Ok(slot) => booked.slots[index] = Some(slot),
            Err(refused) => {
                if !seeded(Bug::NoRollback) {
                    cancel(booked, clock, part);
                }
                return Err(lost(index, refused));
            }
        }
    }
    Ok(booked)
}

/// Says, to every member, what it has really cost there.
pub(super) fn settle<'a>(
    parts: Parts<'a>,
    now: u64,
    slot: GroupSlot,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> GroupDecision<'a> {
    GroupDecision::gathered(parts, now, |index| {
        let (limit, actual) = part(index);
        let none = Slot::nothing(slot.at);
        limit.settle(now, clock, slot.slots.get(index).and_then(Option::as_ref).unwrap_or(&none), actual)
    })
}

/// Gives back what every member holds, the newest first.
pub(super) fn cancel<'a>(slot: GroupSlot, clock: &impl Fn() -> u64, part: &impl Fn(usize) -> (Limit<'a>, u64)) {
    for (index, slot) in slot.slots.into_iter().enumerate().rev() {
        if let Some(slot) = slot {
            part(index).0.unbook(&slot, clock);
        }
    }
}

//! What a `Pacer` waits for: one permit of a limiter, or of each member of a group.

use alloc::sync::Arc;

use crate::group::{GroupSlot, LimiterGroup};
use crate::limiter::{Limiter, Refused, Slot};
use crate::wait::Line;

#[derive(Clone, Debug)]
pub(super) enum Gate {
    Limiter(Arc<Limiter>),
    Group(Arc<LimiterGroup>),
}

/// A permit that is booked.
// One at a time, on the stack of whoever waits.
#[allow(clippy::large_enum_variant)]
pub(super) enum Booked {
    Limiter(Slot),
    Group(GroupSlot),
}

impl Line for &Gate {
    type Slot = Booked;
    type Refused = Refused;

    fn now(&self) -> u64 {
        match self {
            Gate::Limiter(limiter) => limiter.now(),
            Gate::Group(group) => group.now(),
        }
    }
    fn sleep_until(&self, at: u64) {
        match self {
            Gate::Limiter(limiter) => limiter.clock().sleep_until(at),
            Gate::Group(group) => group.clock().sleep_until(at),
        }
    }
    fn book(&self, now: u64, max_wait: u64) -> Result<Booked, Refused> {
        match self {
            Gate::Limiter(limiter) => limiter.asked(1).book(now, max_wait).map(Booked::Limiter),
            Gate::Group(group) => group.asked(1).book(now, max_wait).map(Booked::Group),
        }
    }
    fn instant(slot: &Booked) -> u64 {
        match slot {
            Booked::Limiter(slot) => slot.at_nanos(),
            Booked::Group(slot) => slot.at_nanos(),
        }
    }
    fn give_back(&self, now: u64, slot: Booked) {
        match (self, slot) {
            (Gate::Limiter(limiter), Booked::Limiter(slot)) => limiter.cancel_at(now, slot),
            (Gate::Group(group), Booked::Group(slot)) => group.cancel_at(now, slot),
            // A gate books what it is.
            (Gate::Limiter(_), Booked::Group(_)) | (Gate::Group(_), Booked::Limiter(_)) => {}
        }
    }
}

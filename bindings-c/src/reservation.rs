//! `tidegate_reservation`: permits booked for an instant ahead, or why they were not; a plain value of the caller's.

use tidegate::{Refusal, Refused, Slot};

use crate::decision::tidegate_decision;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_NOT_BOOKED};

/// What became of a reservation.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "words are not settled"))]
pub enum tidegate_booking {
    /// Refused: the cost is above the capacity, or its instant lies beyond the end of the clock.
    TIDEGATE_REFUSED_NEVER = 0,
    /// Refused: the wait would be longer than allowed.
    TIDEGATE_REFUSED_WAIT_TOO_LONG = 1,
    /// Refused: the queue is as long as the limiter can count.
    TIDEGATE_REFUSED_QUEUE_FULL = 2,
    /// Refused: a keyed limiter has no slot for a new key.
    TIDEGATE_REFUSED_NO_ROOM = 3,
    /// Booked.
    TIDEGATE_BOOKED = 16,
    /// Was booked, and has been given back.
    TIDEGATE_CANCELLED = 17,
    /// Was booked, and it has been said what it has really cost.
    TIDEGATE_SETTLED = 18,
}

use tidegate_booking::*;

/// cbindgen writes it as `tidegate_booking`.
pub type booking_code = i32;

/// Permits booked for an instant, or the reason why they were not. Written by the calls that reserve. It need not be ended: permits that are not
/// cancelled stay spent. Do not copy one that you mean to cancel: only the struct that was cancelled knows of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct tidegate_reservation {
    /// TIDEGATE_BOOKED, or why not. "Refused" is an answer, not an error.
    pub outcome: booking_code,
    /// Not used.
    pub reserved: u32,
    /// The instant from which the permits may be used, in nanoseconds of the limiter's clock; 0 if refused.
    pub at_ns: u64,
    /// How long that is from the call, in nanoseconds: sleep so long, then go ahead. TIDEGATE_NEVER if refused.
    pub delay_ns: u64,
    /// The permits booked; 0 if refused.
    pub cost: u64,
    /// If refused: what take would have answered, with the wait that would have been needed. Zeros if booked.
    pub decision: tidegate_decision,
    /// The library's own.
    pub internal: [u64; 6],
}

const NOTHING: tidegate_decision =
    tidegate_decision { allowed: false, limit: 0, remaining: 0, retry_after_ns: 0, reset_after_ns: 0 };

impl tidegate_reservation {
    pub fn new(now: u64, answer: Result<Slot, Refused>) -> tidegate_reservation {
        match answer {
            Ok(slot) => {
                let (at_ns, cost) = (slot.at_nanos(), slot.cost());
                tidegate_reservation {
                    outcome: TIDEGATE_BOOKED as i32,
                    reserved: 0,
                    at_ns,
                    delay_ns: at_ns.saturating_sub(now),
                    cost,
                    decision: NOTHING,
                    internal: slot.into_raw(),
                }
            }
            Err(refused) => tidegate_reservation {
                outcome: match refused.refusal() {
                    Refusal::WaitTooLong => TIDEGATE_REFUSED_WAIT_TOO_LONG,
                    Refusal::QueueFull => TIDEGATE_REFUSED_QUEUE_FULL,
                    Refusal::NoRoom => TIDEGATE_REFUSED_NO_ROOM,
                    _ => TIDEGATE_REFUSED_NEVER,
                } as i32,
                reserved: 0,
                at_ns: 0,
                delay_ns: u64::MAX,
                cost: 0,
                decision: refused.decision().into(),
                internal: [0; 6],
            },
        }
    }

    /// The slot, to be cancelled or settled, which is what becomes of it; once.
    pub fn end(&mut self, outcome: tidegate_booking) -> Result<Slot, tidegate_status> {
        if self.outcome != TIDEGATE_BOOKED as i32 {
            return Err(TIDEGATE_ERROR_NOT_BOOKED);
        }
        self.outcome = outcome as i32;
        Ok(Slot::from_raw(self.internal))
    }
}

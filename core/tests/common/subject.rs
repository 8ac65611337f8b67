//! What plays the conformance vectors without std: a limiter that is told the time, a word apart from its rule, a log in an array.
//!
//! Shared with `proofs/no-std-vectors`, which plays them on a microcontroller and in WebAssembly.

extern crate alloc;

use core::time::Duration;

use alloc::boxed::Box;
use tidegate::{Carry, Decision, Limiter, Quota, SlidingLog, Slot, Snapshot, Word, WordLimiter};

/// A limiter, however it is asked.
pub(crate) trait Subject {
    fn take(&mut self, now: u64, cost: u64) -> Decision;
    fn try_acquire(&mut self, now: u64, cost: u64) -> bool;
    fn peek(&mut self, now: u64, cost: u64) -> Decision;
    fn charge(&mut self, now: u64, cost: u64) -> Decision;
    fn refund(&mut self, now: u64, permits: u64);
    fn reserve(&mut self, now: u64, cost: u64, max_wait: u64) -> Result<Slot, Decision>;
    fn cancel(&mut self, now: u64, slot: Slot);
    fn reset(&mut self);
    // The rest only limiters have; whoever asks others has made a mistake.
    fn reconfigure(&mut self, _now: u64, _quota: Quota, _carry: Carry) -> bool {
        unreachable!("only limiters have this")
    }
    fn snapshot(&mut self) -> Snapshot {
        unreachable!("only limiters have this")
    }
    fn restore(&mut self, _snapshot: &Snapshot) -> bool {
        unreachable!("only limiters have this")
    }
}

/// Asked with `now`.
pub(crate) struct Told(pub(crate) Limiter);

impl Subject for Told {
    fn take(&mut self, now: u64, cost: u64) -> Decision {
        self.0.take_at(now, cost)
    }
    fn try_acquire(&mut self, now: u64, cost: u64) -> bool {
        self.0.try_acquire_at(now, cost)
    }
    fn peek(&mut self, now: u64, cost: u64) -> Decision {
        self.0.peek_at(now, cost)
    }
    fn charge(&mut self, now: u64, cost: u64) -> Decision {
        self.0.charge_at(now, cost)
    }
    fn refund(&mut self, now: u64, permits: u64) {
        self.0.refund_at(now, permits);
    }
    fn reserve(&mut self, now: u64, cost: u64, max_wait: u64) -> Result<Slot, Decision> {
        self.0.reserve_at(now, cost, max_wait).map_err(|refused| refused.decision())
    }
    fn cancel(&mut self, now: u64, slot: Slot) {
        self.0.cancel_at(now, slot);
    }
    fn reset(&mut self) {
        self.0.reset();
    }
    /// By the one who has the limiter to itself, as without `std`.
    fn reconfigure(&mut self, now: u64, quota: Quota, carry: Carry) -> bool {
        self.0.reconfigure_mut_at(now, quota, carry).is_ok()
    }
    fn snapshot(&mut self) -> Snapshot {
        self.0.snapshot()
    }
    /// As without `std`: another limiter in its place.
    fn restore(&mut self, snapshot: &Snapshot) -> bool {
        match Limiter::from_snapshot(snapshot) {
            Ok(limiter) if limiter.quota() == self.0.quota() => {
                self.0 = limiter;
                true
            }
            _ => false,
        }
    }
}

/// A rule, and the word that it made.
pub(crate) struct Apart(pub(crate) WordLimiter, pub(crate) Word);

const OWN: &str = "the word is this rule's own";

impl Subject for Apart {
    fn take(&mut self, now: u64, cost: u64) -> Decision {
        self.0.take_at(&self.1, now, cost).expect(OWN)
    }
    fn try_acquire(&mut self, now: u64, cost: u64) -> bool {
        self.0.try_acquire_at(&self.1, now, cost).expect(OWN)
    }
    fn peek(&mut self, now: u64, cost: u64) -> Decision {
        self.0.peek_at(&self.1, now, cost).expect(OWN)
    }
    fn charge(&mut self, now: u64, cost: u64) -> Decision {
        self.0.charge_at(&self.1, now, cost).expect(OWN)
    }
    fn refund(&mut self, now: u64, permits: u64) {
        self.0.refund_at(&self.1, now, permits).expect(OWN);
    }
    fn reserve(&mut self, now: u64, cost: u64, max_wait: u64) -> Result<Slot, Decision> {
        self.0.reserve_at(&self.1, now, cost, max_wait).expect(OWN).map_err(|refused| refused.decision())
    }
    fn cancel(&mut self, now: u64, slot: Slot) {
        self.0.cancel_at(&self.1, now, slot).expect(OWN);
    }
    fn reset(&mut self) {
        WordLimiter::reset(&self.1);
    }
}

/// The log in an array.
impl<const N: usize> Subject for SlidingLog<N> {
    fn take(&mut self, now: u64, cost: u64) -> Decision {
        self.take_at(now, cost)
    }
    fn try_acquire(&mut self, now: u64, cost: u64) -> bool {
        self.try_acquire_at(now, cost)
    }
    fn peek(&mut self, now: u64, cost: u64) -> Decision {
        self.peek_at(now, cost)
    }
    fn charge(&mut self, now: u64, cost: u64) -> Decision {
        self.charge_at(now, cost)
    }
    fn refund(&mut self, now: u64, permits: u64) {
        self.refund_at(now, permits);
    }
    fn reserve(&mut self, now: u64, cost: u64, max_wait: u64) -> Result<Slot, Decision> {
        self.reserve_at(now, cost, max_wait).map_err(|refused| refused.decision())
    }
    fn cancel(&mut self, now: u64, slot: Slot) {
        self.cancel_at(now, slot);
    }
    fn reset(&mut self) {
        SlidingLog::reset(self);
    }
}

/// The subject for a log of one of the sizes compiled here.
pub(crate) fn in_an_array(limit: u64, period: u64) -> Option<Box<dyn Subject>> {
    macro_rules! sizes {
        ($($n:literal)*) => {
            match limit {
                $($n => Some(Box::new(SlidingLog::<$n>::new(Duration::from_nanos(period)).ok()?)),)*
                _ => None,
            }
        };
    }
    sizes!(1 2 3 4 5 6 7 8 11 100 255 256 257 1000)
}

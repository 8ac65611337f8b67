//! `Lease`: one worker's hand of permits.
//!
//! Invariant: `hand` is what was drawn from the shared word and neither spent nor returned, and it is below the batch: a draw for a cost q takes
//! at most `max(k, q - hand)` and spends q of it at once.

use crate::decision::Decision;
use crate::holder::Holder;
use crate::lease::Leased;
use crate::rule::END;
use crate::sync::{Bug, seeded};

/// One worker's share of a [`Leased`] limiter: permits in hand, and the way to more.
///
/// Costs that fit in the hand are spent there: no shared memory is touched and no clock is read. Otherwise one atomic step draws what is
/// missing together with as much of the next batch as is free, so a lease denies only what the shared word and the hand together cannot
/// give. A denied call spends nothing and draws nothing.
///
/// `Send`: move it to its thread, or keep one in each. Every verb takes `&mut self`. It fills cache lines of its own, so leases that lie side by side
/// do not slow each other down. Permits in hand do not expire.
///
/// Dropping it, also by a panic, returns what is in hand and makes room for another lease. Forgetting it (`mem::forget`) leaves
/// at most `batch` permits unused and one lease out, for good.
///
/// With `_at`, a `now` that runs late is read as the latest at which this lease has drawn.
#[derive(Debug)]
#[repr(align(128))]
pub struct Lease<'a> {
    hand: u64,
    /// The latest time of a draw.
    last: u64,
    leased: Holder<'a, Leased>,
}

impl<'a> Lease<'a> {
    pub(super) fn new(leased: Holder<'a, Leased>) -> Lease<'a> {
        Lease { hand: 0, last: 0, leased }
    }

    /// Spends `cost` permits if the hand and the shared word together have them; whether they did.
    ///
    /// A cost of 0 is always allowed; one above [`Leased::max_cost`] never is.
    ///
    /// ```
    /// use tidegate::{Algorithm, Limiter, Quota};
    /// let quota = Quota::per_second(1_000)?.burst(100)?;
    /// let leased = Limiter::builder(Algorithm::Gcra, quota).build_leased_at(0, 2, 20)?;
    /// let (mut one, mut two) = (leased.lease()?, leased.lease()?);
    ///
    /// assert!(one.try_acquire_at(0, 1));
    /// assert_eq!(one.in_hand(), 19);
    /// // 60 are shared, so that both hands and they make 100 at most.
    /// assert!(two.try_acquire_at(0, 40));
    /// assert!(!two.try_acquire_at(0, 1));
    /// drop(one);
    /// assert!(two.try_acquire_at(0, 19));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn try_acquire_at(&mut self, now: u64, cost: u64) -> bool {
        if let Some(left) = self.hand.checked_sub(cost) {
            self.hand = left;
            return true;
        }
        self.draw(now, cost).is_ok()
    }

    /// As [`Lease::try_acquire_at`], and says everything about it. For that it reads the shared word each time.
    ///
    /// `limit` is [`Leased::max_cost`]; `remaining` is what this lease could spend now; `retry_after` is exact if nobody else calls or
    /// returns anything; `reset_after` is that of the shared word.
    pub fn take_at(&mut self, now: u64, cost: u64) -> Decision {
        let allowed = match self.hand.checked_sub(cost) {
            Some(left) => {
                self.hand = left;
                Ok(())
            }
            None => self.draw(now, cost),
        };
        let word = allowed.err().unwrap_or_else(|| self.leased.word());
        self.leased.decision(word, self.read(now), cost, self.hand, allowed.is_ok())
    }

    /// What [`Lease::take_at`] would answer, without spending or drawing.
    pub fn peek_at(&self, now: u64, cost: u64) -> Decision {
        self.leased.foresee(self.read(now), cost, self.hand)
    }

    /// Permits in hand: what costs nothing but a subtraction.
    #[inline]
    pub const fn in_hand(&self) -> u64 {
        self.hand
    }

    /// Gives what is in hand back to the shared word, for others to draw. Returns how much was in hand.
    ///
    /// What has been earned back in the meantime cannot be given back twice: then the shared word is full without it.
    pub fn return_unused(&mut self) -> u64 {
        let hand = self.hand;
        if hand > 0 {
            self.leased.place.unspend(if seeded(Bug::ReturnMints) { self.leased.batch } else { hand });
            self.hand = if seeded(Bug::UnusedReturnedTwice) { hand } else { 0 };
        }
        hand
    }

    fn read(&self, now: u64) -> u64 {
        now.min(END).max(self.last)
    }

    /// Spends a cost above what is in hand, or says which word denied it.
    #[inline(never)]
    fn draw(&mut self, now: u64, cost: u64) -> Result<(), u64> {
        let (now, missing) = (self.read(now), cost - self.hand);
        if cost > self.leased.max_cost() {
            return Err(self.leased.word());
        }
        let drawn = self.leased.place.draw(now, missing, missing.max(self.leased.batch))?;
        self.last = now;
        // At least what was missing.
        self.hand = drawn - missing;
        Ok(())
    }
}

/// The same verbs at the time of the limiter's own clock.
#[cfg(feature = "std")]
impl Lease<'_> {
    /// As [`Lease::try_acquire_at`]; the clock is read only when permits must be drawn.
    #[inline]
    pub fn try_acquire(&mut self, cost: u64) -> bool {
        if let Some(left) = self.hand.checked_sub(cost) {
            self.hand = left;
            return true;
        }
        self.draw(self.leased.now(), cost).is_ok()
    }

    /// [`Lease::take_at`], now.
    pub fn take(&mut self, cost: u64) -> Decision {
        self.take_at(self.leased.now(), cost)
    }

    /// [`Lease::peek_at`], now.
    pub fn peek(&self, cost: u64) -> Decision {
        self.peek_at(self.leased.now(), cost)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if seeded(Bug::LeaseFreedEarly) {
            self.leased.give_up();
            self.return_unused();
            return;
        }
        self.return_unused();
        self.leased.give_up();
    }
}

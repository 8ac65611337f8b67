//! What a call on a word does once its rule and the word are found: one body a verb for `tidegate_word` and `tidegate_gcra`.
//!
//! The two differ in where the rule comes from, which is what `find` says. It runs inside the guard and before anything is written.

use core::borrow::Borrow;

use tidegate::{Decision, ForeignWord, Word, WordLimiter};

use crate::decision::tidegate_decision;
use crate::guard::{Out, borrow, borrow_mut, guard, guard_bool};
use crate::reservation::tidegate_booking::TIDEGATE_CANCELLED;
use crate::reservation::tidegate_reservation;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_FOREIGN_WORD};

/// A rule, the caller's or made for this call, and the word that C lends.
pub type Found<'a, L> = Result<(L, &'a Word), tidegate_status>;

impl From<ForeignWord> for tidegate_status {
    fn from(_: ForeignWord) -> tidegate_status {
        TIDEGATE_ERROR_FOREIGN_WORD
    }
}

#[inline(always)]
pub fn try_acquire<'a, L: Borrow<WordLimiter>>(find: impl FnOnce() -> Found<'a, L>, now_ns: u64, cost: u64) -> bool {
    guard_bool(|| {
        let (limiter, word) = find()?;
        Ok(limiter.borrow().try_acquire_at(word, now_ns, cost)?)
    })
}

/// The verbs that answer with a decision.
///
/// # Safety
/// `decision` is NULL, misaligned or may be written.
#[inline(always)]
pub unsafe fn decide<'a, L: Borrow<WordLimiter>>(
    find: impl FnOnce() -> Found<'a, L>,
    decision: *mut tidegate_decision,
    verb: impl FnOnce(&WordLimiter, &Word) -> Result<Decision, ForeignWord>,
) -> tidegate_status {
    guard(|| {
        let (limiter, word) = find()?;
        // SAFETY: promised by the caller.
        let out = unsafe { Out::new(decision) }?;
        out.write(verb(limiter.borrow(), word)?.into());
        Ok(())
    })
}

pub fn refund<'a, L: Borrow<WordLimiter>>(
    find: impl FnOnce() -> Found<'a, L>,
    now_ns: u64,
    permits: u64,
) -> tidegate_status {
    guard(|| {
        let (limiter, word) = find()?;
        Ok(limiter.borrow().refund_at(word, now_ns, permits)?)
    })
}

/// # Safety
/// `reservation` is NULL, misaligned or may be written.
pub unsafe fn reserve<'a, L: Borrow<WordLimiter>>(
    find: impl FnOnce() -> Found<'a, L>,
    now_ns: u64,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        let (limiter, word) = find()?;
        // SAFETY: promised by the caller.
        let out = unsafe { Out::new(reservation) }?;
        let answer = limiter.borrow().reserve_at(word, now_ns, cost, max_wait_ns)?;
        out.write(tidegate_reservation::new(now_ns, answer));
        Ok(())
    })
}

/// # Safety
/// `reservation` is NULL, misaligned or a valid one, the caller's alone.
pub unsafe fn cancel<'a, L: Borrow<WordLimiter>>(
    find: impl FnOnce() -> Found<'a, L>,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        let (limiter, word) = find()?;
        // SAFETY: promised by the caller.
        let reservation = unsafe { borrow_mut(reservation) }?;
        if !limiter.borrow().holds(word) {
            return Err(TIDEGATE_ERROR_FOREIGN_WORD);
        }
        Ok(limiter.borrow().cancel_at(word, now_ns, reservation.end(TIDEGATE_CANCELLED)?)?)
    })
}

/// # Safety
/// NULL, misaligned, or eight bytes that live and are changed by this library alone during the call.
pub unsafe fn reset(word: *const Word) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        WordLimiter::reset(unsafe { borrow(word) }?);
        Ok(())
    })
}

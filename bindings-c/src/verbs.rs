//! The verbs: each in two forms, at the time of the limiter's clock and (`_at`) at a time that the caller gives.
//!
//! The clock is asked after the pointers are checked, so that a wrong call does nothing at all.
//!
//! The two calls that servers make most, `try_acquire_at` and `take_at`, go past the guard where one step of the default algorithm decides:
//! that cannot panic (`make exports` finds no panic in the bare library, which has the same step), and it spares a call and its frame.

use tidegate::{Decision, Limiter};

use crate::decision::tidegate_decision;
use crate::guard::{Out, guard, guard_bool};
use crate::handle::lent;
use crate::limiter::tidegate_limiter;
use crate::status::tidegate_status::{self, TIDEGATE_OK};

/// # Safety
/// `limiter` is NULL, misaligned or lives; `decision` is NULL, misaligned or may be written.
#[inline(always)]
unsafe fn both<'a>(
    limiter: *const tidegate_limiter,
    decision: *mut tidegate_decision,
) -> Result<(&'a Limiter, Out<tidegate_decision>), tidegate_status> {
    // SAFETY: promised by the caller. Nothing writes through a limiter's handle but its own atomics.
    unsafe { Ok((lent(limiter)?, Out::new(decision)?)) }
}

/// # Safety
/// As [`both`].
#[inline(always)]
unsafe fn decide(
    limiter: *const tidegate_limiter,
    decision: *mut tidegate_decision,
    verb: impl FnOnce(&Limiter) -> Decision,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (limiter, out) = unsafe { both(limiter, decision) }?;
        out.write(verb(limiter).into());
        Ok(())
    })
}

/// What takes more than one step of the default algorithm. Of the C convention, so that its callers need no frame for its panics: none leaves.
#[allow(improper_ctypes_definitions, reason = "Rust alone calls it")]
#[inline(never)]
extern "C" fn try_acquire_further(limiter: &Limiter, now_ns: u64, cost: u64) -> bool {
    guard_bool(|| Ok(limiter.try_acquire_at(now_ns, cost)))
}

/// As [`try_acquire_further`].
#[allow(improper_ctypes_definitions, reason = "Rust alone calls it")]
#[inline(never)]
extern "C" fn take_further(limiter: &Limiter, now_ns: u64, cost: u64, out: Out<tidegate_decision>) -> tidegate_status {
    guard(|| {
        out.write(limiter.take_at(now_ns, cost).into());
        Ok(())
    })
}

/// # Safety
/// `limiter` is NULL, misaligned or lives.
#[inline(always)]
unsafe fn change(limiter: *const tidegate_limiter, verb: impl FnOnce(&Limiter)) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        verb(unsafe { lent(limiter) }?);
        Ok(())
    })
}

/// Spends `cost` permits if they fit; whether they did. A cost of 0 is always allowed, a cost above the capacity never.
///
/// @return false also for a limiter that is NULL, misaligned or none: a gate that cannot be asked stays shut.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_try_acquire(limiter: *const tidegate_limiter, cost: u64) -> bool {
    // SAFETY: the limiter lives, by contract.
    guard_bool(|| Ok(unsafe { lent(limiter) }?.try_acquire(cost)))
}

/// tidegate_limiter_try_acquire at the time `now_ns`, in nanoseconds since an origin of your choice.
///
/// The time may repeat or run backwards: nothing is refunded or minted. Values above 2^63 - 1 are read as that. Do not mix calls with
/// and without `_at` on one limiter unless `now_ns` is its clock's.
///
/// @return As tidegate_limiter_try_acquire.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_try_acquire_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    cost: u64,
) -> bool {
    // SAFETY: the limiter lives, by contract.
    let Ok(limiter) = (unsafe { lent(limiter) }) else { return false };
    match limiter.try_acquire_at_once(now_ns, cost) {
        Some(granted) => granted,
        None => try_acquire_further(limiter, now_ns, cost),
    }
}

/// Spends `cost` permits if they fit, and says everything about it. A denied call changes nothing.
///
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK, also when denied; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer, and then
/// nothing is spent.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_take(
    limiter: *const tidegate_limiter,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(limiter, decision, |limiter| limiter.take(cost)) }
}

/// tidegate_limiter_take at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_take.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_take_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    let (limiter, out) = match unsafe { both(limiter, decision) } {
        Ok(both) => both,
        Err(status) => return status,
    };
    match limiter.take_at_once(now_ns, cost) {
        Some(decision) => {
            out.write(tidegate_decision::of(&decision));
            TIDEGATE_OK
        }
        None => take_further(limiter, now_ns, cost, out),
    }
}

/// What tidegate_limiter_take would answer, without spending; `remaining` and `reset_after_ns` are those of the limiter as it is.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_take.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_peek(
    limiter: *const tidegate_limiter,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(limiter, decision, |limiter| limiter.peek(cost)) }
}

/// tidegate_limiter_peek at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_take.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_peek_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(limiter, decision, |limiter| limiter.peek_at(now_ns, cost)) }
}

/// Spends `cost` although it does not fit, into a debt of at most one more capacity: for work whose cost is known only afterwards.
///
/// Allowed means spent; then `retry_after_ns` is how long to pause until the debt is paid, 0 if there is none. Denied means that
/// the debt would be too deep; nothing was spent.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_take.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_charge(
    limiter: *const tidegate_limiter,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(limiter, decision, |limiter| limiter.charge(cost)) }
}

/// tidegate_limiter_charge at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_take.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_charge_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(limiter, decision, |limiter| limiter.charge_at(now_ns, cost)) }
}

/// Gives back up to `permits` of what is owed; never lets more than the capacity through later. Nothing is given back while the limiter is
/// in debt. The sliding log gives back its oldest permits.
///
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for the limiter.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_refund(limiter: *const tidegate_limiter, permits: u64) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { change(limiter, |limiter| limiter.refund(permits)) }
}

/// tidegate_limiter_refund at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_limiter_refund.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_refund_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    permits: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { change(limiter, |limiter| limiter.refund_at(now_ns, permits)) }
}

/// Makes the limiter as new and full, whatever its initial fill was.
///
/// @return As tidegate_limiter_refund.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_reset(limiter: *const tidegate_limiter) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { change(limiter, |limiter| limiter.reset()) }
}

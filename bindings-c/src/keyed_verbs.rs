//! The verbs of a keyed limiter: those of a limiter, for one key.
//!
//! A key is borrowed for the call and never kept. With no bytes it may be NULL.

use core::ffi::c_void;

use tidegate::{Decision, KeyedLimiter};

use crate::decision::tidegate_decision;
use crate::guard::{Out, borrow_many, borrow_mut, guard, guard_bool, optional};
use crate::handle::lent;
use crate::keyed::tidegate_keyed;
use crate::reservation::tidegate_booking::{TIDEGATE_CANCELLED, TIDEGATE_SETTLED};
use crate::reservation::tidegate_reservation;
use crate::status::tidegate_status;

/// # Safety
/// `keyed` is NULL, misaligned or lives; `key` is NULL or `key_len` bytes.
#[inline(always)]
unsafe fn both<'a>(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
) -> Result<(&'a KeyedLimiter<[u8]>, &'a [u8]), tidegate_status> {
    // SAFETY: promised by the caller.
    unsafe { Ok((lent(keyed)?, borrow_many(key.cast::<u8>(), key_len)?)) }
}

/// # Safety
/// As [`both`]; `decision` is NULL, misaligned or may be written.
#[inline(always)]
unsafe fn decide(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    decision: *mut tidegate_decision,
    verb: impl FnOnce(&KeyedLimiter<[u8]>, &[u8]) -> Decision,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let ((keyed, key), out) = unsafe { (both(keyed, key, key_len)?, Out::new(decision)?) };
        out.write(verb(keyed, key).into());
        Ok(())
    })
}

/// # Safety
/// As [`both`].
#[inline(always)]
unsafe fn change(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    verb: impl FnOnce(&KeyedLimiter<[u8]>, &[u8]),
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (keyed, key) = unsafe { both(keyed, key, key_len) }?;
        verb(keyed, key);
        Ok(())
    })
}

/// `None` for the time of the limiter's clock, which is asked after the pointers are checked.
///
/// # Safety
/// As [`both`]; `reservation` is NULL, misaligned or may be written.
unsafe fn reserve(
    (keyed, key, key_len): (*const tidegate_keyed, *const c_void, usize),
    now_ns: Option<u64>,
    (cost, max_wait_ns): (u64, u64),
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let ((keyed, key), out) = unsafe { (both(keyed, key, key_len)?, Out::new(reservation)?) };
        let now_ns = now_ns.unwrap_or_else(|| keyed.now());
        out.write(tidegate_reservation::new(now_ns, keyed.reserve_at(key, now_ns, cost, max_wait_ns)));
        Ok(())
    })
}

/// As [`reserve`].
///
/// # Safety
/// As [`both`]; `reservation` is NULL, misaligned or a valid one, the caller's alone.
unsafe fn cancel(
    (keyed, key, key_len): (*const tidegate_keyed, *const c_void, usize),
    now_ns: Option<u64>,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let ((keyed, key), reservation) = unsafe { (both(keyed, key, key_len)?, borrow_mut(reservation)?) };
        let slot = reservation.end(TIDEGATE_CANCELLED)?;
        match now_ns {
            Some(now_ns) => keyed.cancel_at(key, now_ns, slot),
            None => keyed.cancel(key, slot),
        }
        Ok(())
    })
}

/// As [`reserve`].
///
/// # Safety
/// As [`cancel`]; `decision` is NULL, misaligned or may be written.
unsafe fn settle(
    (keyed, key, key_len): (*const tidegate_keyed, *const c_void, usize),
    now_ns: Option<u64>,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let ((keyed, key), reservation) = unsafe { (both(keyed, key, key_len)?, borrow_mut(reservation)?) };
        // SAFETY: promised by the caller.
        let out = unsafe { Out::new(decision) }?;
        let slot = reservation.end(TIDEGATE_SETTLED)?;
        let settled = match now_ns {
            Some(now_ns) => keyed.settle_at(key, now_ns, slot, actual),
            None => keyed.settle(key, slot, actual),
        };
        out.write(settled.into());
        Ok(())
    })
}

/// Spends `cost` permits of a key if they fit; whether they did. A cost of 0 is always allowed, a cost above the capacity never.
///
/// @param key The bytes of the key; may be NULL if there are none.
/// @param key_len Their number.
/// @return false also for a limiter or key that is NULL, or no limiter: a gate that cannot be asked stays shut.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_try_acquire(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
) -> bool {
    guard_bool(|| {
        // SAFETY: the same contract.
        let (keyed, key) = unsafe { both(keyed, key, key_len) }?;
        Ok(keyed.try_acquire(key, cost))
    })
}

/// Spends `cost` permits of a key if they fit, and says everything about it. A denied call changes nothing.
///
/// @param key The bytes of the key; may be NULL if there are none.
/// @param key_len Their number.
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK, also when denied; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_HANDLE or TIDEGATE_ERROR_LENGTH, and then nothing
/// is spent.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_take(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.take(key, cost)) }
}

/// As tidegate_limiter_peek, for a key. One that is not remembered is new, and stays so.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_peek(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.peek(key, cost)) }
}

/// As tidegate_limiter_charge, for a key.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_charge(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.charge(key, cost)) }
}

/// As tidegate_limiter_refund, for a key. One that is not remembered owes nothing.
///
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_refund(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    permits: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { change(keyed, key, key_len, |keyed, key| keyed.refund(key, permits)) }
}

/// As tidegate_limiter_reserve, for a key.
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only. `outcome` says whether it is booked.
/// @return As tidegate_keyed_take; TIDEGATE_OK also when refused.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a reservation of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_reserve(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { reserve((keyed, key, key_len), None, (cost, max_wait_ns), reservation) }
}

/// As tidegate_limiter_cancel, for the key that the reservation was made for.
///
/// @param reservation Not NULL. Afterwards its outcome is TIDEGATE_CANCELLED.
/// @return As tidegate_keyed_take; TIDEGATE_ERROR_NOT_BOOKED if it was refused or has been cancelled.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_cancel(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { cancel((keyed, key, key_len), None, reservation) }
}

/// tidegate_keyed_try_acquire at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_keyed_try_acquire.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_try_acquire_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u64,
) -> bool {
    guard_bool(|| {
        // SAFETY: the same contract.
        let (keyed, key) = unsafe { both(keyed, key, key_len) }?;
        Ok(keyed.try_acquire_at(key, now_ns, cost))
    })
}

/// tidegate_keyed_take at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_take_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.take_at(key, now_ns, cost)) }
}

/// tidegate_keyed_peek at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_peek_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.peek_at(key, now_ns, cost)) }
}

/// tidegate_keyed_charge at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_charge_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(keyed, key, key_len, decision, |keyed, key| keyed.charge_at(key, now_ns, cost)) }
}

/// tidegate_keyed_refund at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_refund_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    permits: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { change(keyed, key, key_len, |keyed, key| keyed.refund_at(key, now_ns, permits)) }
}

/// tidegate_keyed_reserve at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only.
/// @return As tidegate_keyed_take; TIDEGATE_OK also when refused.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a reservation of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_reserve_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { reserve((keyed, key, key_len), Some(now_ns), (cost, max_wait_ns), reservation) }
}

/// tidegate_keyed_cancel at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_keyed_cancel.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_cancel_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { cancel((keyed, key, key_len), Some(now_ns), reservation) }
}

/// As tidegate_limiter_settle, for the key that the reservation was made for.
///
/// @param reservation Not NULL. Afterwards its outcome is TIDEGATE_SETTLED.
/// @param actual Permits; 0 gives all back.
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_cancel.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_settle(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { settle((keyed, key, key_len), None, reservation, actual, decision) }
}

/// tidegate_keyed_settle at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_keyed_cancel.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_settle_at(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { settle((keyed, key, key_len), Some(now_ns), reservation, actual, decision) }
}

/// Forgets a key: it is new and full.
///
/// @param[out] known NULL, or where to write whether the key was remembered.
/// @return As tidegate_keyed_take.
/// @pre `keyed` has not been freed; `key` points at `key_len` bytes.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_reset(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    known: *mut bool,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let ((keyed, key), out) = unsafe { (both(keyed, key, key_len)?, optional(known)?) };
        let known = keyed.reset(key);
        if let Some(out) = out {
            out.write(known);
        }
        Ok(())
    })
}

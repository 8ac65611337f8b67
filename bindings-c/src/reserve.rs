//! Reservations on a limiter: booking an instant, and giving it back.

use crate::decision::tidegate_decision;
use crate::guard::{Out, borrow_mut, guard};
use crate::handle::lent;
use crate::limiter::tidegate_limiter;
use crate::reservation::tidegate_booking::{TIDEGATE_CANCELLED, TIDEGATE_SETTLED};
use crate::reservation::tidegate_reservation;
use crate::status::tidegate_status;

/// `None` for the time of the limiter's clock, which is asked after the pointers are checked.
///
/// # Safety
/// `limiter` is NULL, misaligned or lives; `reservation` is NULL, misaligned or may be written.
unsafe fn reserve(
    limiter: *const tidegate_limiter,
    now_ns: Option<u64>,
    (cost, max_wait_ns): (u64, u64),
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (limiter, out) = unsafe { (lent(limiter)?, Out::new(reservation)?) };
        let now_ns = now_ns.unwrap_or_else(|| limiter.now());
        out.write(tidegate_reservation::new(now_ns, limiter.reserve_at(now_ns, cost, max_wait_ns)));
        Ok(())
    })
}

/// As [`reserve`].
///
/// # Safety
/// `limiter` is NULL, misaligned or lives; `reservation` is NULL, misaligned or a valid one, the caller's alone.
unsafe fn cancel(
    limiter: *const tidegate_limiter,
    now_ns: Option<u64>,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (limiter, reservation) = unsafe { (lent(limiter)?, borrow_mut(reservation)?) };
        let slot = reservation.end(TIDEGATE_CANCELLED)?;
        match now_ns {
            Some(now_ns) => limiter.cancel_at(now_ns, slot),
            None => limiter.cancel(slot),
        }
        Ok(())
    })
}

/// As [`reserve`].
///
/// # Safety
/// As [`cancel`]; `decision` is NULL, misaligned or may be written.
unsafe fn settle(
    limiter: *const tidegate_limiter,
    now_ns: Option<u64>,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (limiter, reservation, out) = unsafe { (lent(limiter)?, borrow_mut(reservation)?, Out::new(decision)?) };
        let slot = reservation.end(TIDEGATE_SETTLED)?;
        let settled = match now_ns {
            Some(now_ns) => limiter.settle_at(now_ns, slot, actual),
            None => limiter.settle(slot, actual),
        };
        out.write(settled.into());
        Ok(())
    })
}

/// Books `cost` permits for the earliest instant at which they fit, at most `max_wait_ns` from now. First come, first served: whoever
/// asks later stands behind. Then sleep for `reservation->delay_ns` and go ahead without asking again.
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only. `outcome` says whether it is booked.
/// @return TIDEGATE_OK, also when refused; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a reservation of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_reserve(
    limiter: *const tidegate_limiter,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { reserve(limiter, None, (cost, max_wait_ns), reservation) }
}

/// tidegate_limiter_reserve at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only.
/// @return As tidegate_limiter_reserve.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, each with a reservation of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_reserve_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { reserve(limiter, Some(now_ns), (cost, max_wait_ns), reservation) }
}

/// Gives a reservation back, as far as nobody else relies on it: those who reserved behind keep their instants.
///
/// @param reservation Not NULL; booked on this limiter. Afterwards its outcome is TIDEGATE_CANCELLED.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NOT_BOOKED if it was refused or has been cancelled, and nothing is given back;
/// TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_cancel(
    limiter: *const tidegate_limiter,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { cancel(limiter, None, reservation) }
}

/// tidegate_limiter_cancel at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_limiter_cancel.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_cancel_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { cancel(limiter, Some(now_ns), reservation) }
}

/// Says what a reservation has really cost, once its work is done: the difference is given back, or charged. Reserve an estimate, go ahead at its
/// instant, then settle, soon: what has been earned back already is not given back. More is charged as by tidegate_limiter_charge.
///
/// Allowed means settled; `retry_after_ns` is then how long to pause until the debt is paid, 0 if there is none. Denied means that the debt would be
/// too deep: what was reserved stays spent, and the rest is not charged.
///
/// @param reservation Not NULL; booked on this limiter. Afterwards its outcome is TIDEGATE_SETTLED.
/// @param actual Permits; 0 gives all back.
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_cancel.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_settle(
    limiter: *const tidegate_limiter,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { settle(limiter, None, reservation, actual, decision) }
}

/// tidegate_limiter_settle at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_limiter_cancel.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_settle_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
    actual: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { settle(limiter, Some(now_ns), reservation, actual, decision) }
}

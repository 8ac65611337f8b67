//! `tidegate_lease`: one worker's hand of permits.

use core::marker::PhantomData;

use tidegate::{Decision, Lease};

use crate::decision::tidegate_decision;
use crate::guard::{Out, guard, guard_bool, optional};
use crate::handle::{self, Handle, lent, lent_alone};
use crate::leased::tidegate_leased;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_ALL_LEASED};

/// The permits in the hand of one worker: a thread, a connection, an event loop.
///
/// Thread safety: one thread at a time, which need not be the same each time.
pub struct tidegate_lease {
    _lease: PhantomData<Lease<'static>>,
}

impl Handle for tidegate_lease {
    type Object = Lease<'static>;
    const MARK: u64 = 0x3c8e_a5d7_6f12_b94b;
}

/// A lease, with nothing in hand yet.
///
/// @param[out] lease Written on success only; free it with tidegate_lease_free, before `leased` or after it.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_ALL_LEASED if as many are out as there are workers; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or
/// TIDEGATE_ERROR_HANDLE for a pointer; TIDEGATE_ERROR_MEMORY.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_new(
    leased: *const tidegate_leased,
    lease: *mut *mut tidegate_lease,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (leased, out) = unsafe { (lent(leased)?, Out::new(lease)?) };
        handle::keep(leased.lease_owned().map_err(|_| TIDEGATE_ERROR_ALL_LEASED)?, out)
    })
}

/// Gives back what is in hand and ends the lease. NULL is fine and does nothing.
///
/// @return As tidegate_limiter_free.
///
/// Thread safety: nobody else may use the lease during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_free(lease: *mut tidegate_lease) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(lease) })
}

/// Spends `cost` permits, out of the hand if it has them, otherwise with one draw of up to a batch; whether it did.
///
/// @return false also for a lease that is NULL, misaligned or none: a gate that cannot be asked stays shut.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_try_acquire(lease: *mut tidegate_lease, cost: u64) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| Ok(unsafe { lent_alone(lease) }?.try_acquire(cost)))
}

/// tidegate_lease_try_acquire at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_lease_try_acquire.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_try_acquire_at(lease: *mut tidegate_lease, now_ns: u64, cost: u64) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| Ok(unsafe { lent_alone(lease) }?.try_acquire_at(now_ns, cost)))
}

/// # Safety
/// `lease` is NULL, misaligned or lives, and is the caller's alone; `decision` is NULL, misaligned or may be written.
unsafe fn decide(
    lease: *mut tidegate_lease,
    decision: *mut tidegate_decision,
    verb: impl FnOnce(&mut Lease<'static>) -> Decision,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (lease, out) = unsafe { (lent_alone(lease)?, Out::new(decision)?) };
        out.write(verb(lease).into());
        Ok(())
    })
}

/// Spends as tidegate_lease_try_acquire does, and says everything about it. `limit` is the largest cost that is ever allowed; what other workers have
/// in hand counts as spent.
///
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK, also when denied; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer, and then nothing is
/// spent.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_take(
    lease: *mut tidegate_lease,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(lease, decision, |lease| lease.take(cost)) }
}

/// tidegate_lease_take at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_lease_take.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_take_at(
    lease: *mut tidegate_lease,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { decide(lease, decision, |lease| lease.take_at(now_ns, cost)) }
}

/// What is in hand.
///
/// @param[out] permits Not NULL; written on success only.
/// @return As tidegate_lease_take.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_in_hand(lease: *mut tidegate_lease, permits: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (lease, out) = unsafe { (lent_alone(lease)?, Out::new(permits)?) };
        out.write(lease.in_hand());
        Ok(())
    })
}

/// Gives back what is in hand: for a worker who pauses.
///
/// @param[out] returned NULL, or where to write how many permits; written on success only.
/// @return As tidegate_lease_take.
/// @pre `lease` has not been freed.
///
/// Thread safety: the lease must be the caller's alone during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_lease_return_unused(
    lease: *mut tidegate_lease,
    returned: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (lease, out) = unsafe { (lent_alone(lease)?, optional(returned)?) };
        let permits = lease.return_unused();
        if let Some(out) = out {
            out.write(permits);
        }
        Ok(())
    })
}

//! `tidegate_concurrency`: at most so many in flight at once.

use core::marker::PhantomData;
use core::time::Duration;

use tidegate::{Concurrency, EnterError};

use crate::guard::{Out, borrow_mut, guard, guard_bool};
use crate::handle::{self, Handle, lent};
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_NEVER, TIDEGATE_ERROR_NOT_BOOKED, TIDEGATE_ERROR_RANGE,
};

/// A limit on how many are in flight at once, whatever the rate: 1 to 2^31 - 1 permits. First come, first served: while anyone waits, nobody who came
/// later passes.
///
/// Thread safety: as tidegate_limiter. What a holder did before it left happens before what those do who enter because of it: a limit of 1 is a lock.
pub struct tidegate_concurrency {
    _concurrency: PhantomData<Concurrency>,
}

impl Handle for tidegate_concurrency {
    type Object = Concurrency;
    const MARK: u64 = 0xe7a9_3bd1_4f60_825d;
}

/// Somebody is in flight: permits that have entered, in memory of the caller's. Give them back with tidegate_concurrency_leave, once; forgotten, they
/// stay in flight for good. Do not copy one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_permit {
    /// The library's own.
    pub mark: u64,
    /// How many permits it holds.
    pub permits: u64,
}

const ENTERED: u64 = 0x51f0_c7d2_9ae4_b863;

/// Makes a limit of permits in flight.
///
/// @param limit 1 to 2^31 - 1.
/// @param[out] concurrency Written on success only; free it with tidegate_concurrency_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for `concurrency`; TIDEGATE_ERROR_MEMORY.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_new(
    limit: u64,
    concurrency: *mut *mut tidegate_concurrency,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let out = unsafe { Out::new(concurrency) }?;
        handle::keep(Concurrency::new(limit).map_err(|_| TIDEGATE_ERROR_RANGE)?, out)
    })
}

/// Ends a limit. NULL is fine and does nothing. Permits in flight cannot be given back any more.
///
/// @return As tidegate_limiter_free.
///
/// Thread safety: nobody else may use the limit during the call or after it; nobody may wait in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_free(concurrency: *mut tidegate_concurrency) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(concurrency) })
}

/// Enters with `permits` permits if they are free now and nobody waits for them; whether it did. 0 permits are always free, more than the
/// limit never.
///
/// @param[out] permit Not NULL; written only if it entered.
/// @return false also for pointers that are NULL or misaligned, or no limit: a gate that cannot be asked stays shut.
/// @pre `concurrency` has not been freed.
///
/// Thread safety: may be called on one limit from any number of threads at once, each with a permit of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_try_enter(
    concurrency: *const tidegate_concurrency,
    permits: u64,
    permit: *mut tidegate_permit,
) -> bool {
    guard_bool(|| {
        // SAFETY: the same contract.
        let (concurrency, out) = unsafe { (lent(concurrency)?, Out::new(permit)?) };
        let entered = concurrency.try_enter_many(permits);
        if let Some(permit) = entered {
            out.write(tidegate_permit { mark: ENTERED, permits: permit.into_raw() });
            return Ok(true);
        }
        Ok(false)
    })
}

/// Enters with `permits` permits, waiting at most `timeout_ns` for them. Blocks the thread.
///
/// @param timeout_ns The longest wait, in nanoseconds of the system's monotonic clock; UINT64_MAX for any, 0 for none.
/// @param[out] permit Not NULL; written only if it entered.
/// @param[out] entered Not NULL; whether it did. Written on success only.
/// @return TIDEGATE_OK, also when the timeout has passed; TIDEGATE_ERROR_NEVER for more permits than the limit; TIDEGATE_ERROR_NULL,
/// TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `concurrency` has not been freed, and is not while this waits.
///
/// Thread safety: may be called on one limit from any number of threads at once, each with a permit of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_enter(
    concurrency: *const tidegate_concurrency,
    permits: u64,
    timeout_ns: u64,
    permit: *mut tidegate_permit,
    entered: *mut bool,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (concurrency, out, entered) = unsafe { (lent(concurrency)?, Out::new(permit)?, Out::new(entered)?) };
        let timeout = if timeout_ns == u64::MAX { Duration::MAX } else { Duration::from_nanos(timeout_ns) };
        match concurrency.enter_many(permits, timeout) {
            Ok(permit) => {
                out.write(tidegate_permit { mark: ENTERED, permits: permit.into_raw() });
                entered.write(true);
                Ok(())
            }
            Err(EnterError::TimedOut) => {
                entered.write(false);
                Ok(())
            }
            Err(EnterError::TooMany { .. }) => Err(TIDEGATE_ERROR_NEVER),
            Err(_) => Err(TIDEGATE_ERROR_INTERNAL),
        }
    })
}

/// Gives a permit back; whoever waits first enters.
///
/// @param permit Not NULL; entered in this limit. Afterwards it holds nothing.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NOT_BOOKED if it has not entered, or has left before; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or
/// TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `concurrency` has not been freed.
///
/// Thread safety: may be called on one limit from any number of threads at once; the permit must be the caller's alone, and may have entered in
/// another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_leave(
    concurrency: *const tidegate_concurrency,
    permit: *mut tidegate_permit,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (concurrency, permit) = unsafe { (lent(concurrency)?, borrow_mut(permit)?) };
        if permit.mark != ENTERED {
            return Err(TIDEGATE_ERROR_NOT_BOOKED);
        }
        let permits = permit.permits;
        *permit = tidegate_permit { mark: 0, permits: 0 };
        drop(concurrency.permit_of_raw(permits));
        Ok(())
    })
}

/// The permits in flight now; more than the limit for a while after it was lowered.
///
/// @param[out] in_flight Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `concurrency` has not been freed.
///
/// Thread safety: may be called on one limit from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_in_flight(
    concurrency: *const tidegate_concurrency,
    in_flight: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (concurrency, out) = unsafe { (lent(concurrency)?, Out::new(in_flight)?) };
        out.write(concurrency.in_flight());
        Ok(())
    })
}

/// The limit in force.
///
/// @param[out] limit Not NULL; written on success only.
/// @return As tidegate_concurrency_in_flight.
/// @pre `concurrency` has not been freed.
///
/// Thread safety: may be called on one limit from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_limit(
    concurrency: *const tidegate_concurrency,
    limit: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (concurrency, out) = unsafe { (lent(concurrency)?, Out::new(limit)?) };
        out.write(concurrency.limit());
        Ok(())
    })
}

/// Changes the limit. Whoever waits and fits under a higher one enters; under a lower one nobody is thrown out, and nobody enters until enough have
/// left.
///
/// @param limit 1 to 2^31 - 1.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for the limit. On any of them
/// nothing has changed.
/// @pre `concurrency` has not been freed.
///
/// Thread safety: may be called on one limit from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_concurrency_set_limit(
    concurrency: *const tidegate_concurrency,
    limit: u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        unsafe { lent(concurrency) }?.set_limit(limit).map_err(|_| TIDEGATE_ERROR_RANGE)
    })
}

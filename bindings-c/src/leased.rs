//! `tidegate_leased`: one hot limiter of which workers draw batches. What a worker does stands in `lease.rs`.

use core::marker::PhantomData;
use core::ptr;
use std::sync::Arc;

use tidegate::{LeaseError, Leased};

use crate::choice::algorithm_code;
use crate::decision::tidegate_decision;
use crate::guard::{Out, guard, guard_bool};
use crate::handle::{self, Handle, lent};
use crate::limiter;
use crate::options::tidegate_limiter_options;
use crate::quota::tidegate_quota;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_BATCH_TOO_LARGE, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_NOT_LEASABLE, TIDEGATE_ERROR_NULL,
    TIDEGATE_ERROR_RANGE,
};

/// One limiter for many cores. A word on which many cores grant is as fast as one cache line; here each worker has a tidegate_lease, draws up to `batch`
/// permits at a time and spends them without touching shared memory or reading a clock.
///
/// All together never exceed the quota: what workers may hold in hand is taken off the burst. The price: up to workers * batch permits may lie
/// unused in the hands of those who do not call, and no call may cost more than burst - workers * batch.
///
/// GCRA and the token bucket with continuous refill only. Nobody waits in line here: a denied worker is told how long to pause.
///
/// Thread safety: as tidegate_limiter.
pub struct tidegate_leased {
    _leased: PhantomData<Leased>,
}

impl Handle for tidegate_leased {
    type Object = Arc<Leased>;
    const MARK: u64 = 0x9d41_f6c8_23ab_7e05;
}

impl From<LeaseError> for tidegate_status {
    fn from(error: LeaseError) -> tidegate_status {
        match error {
            LeaseError::Quota(error) => error.kind().into(),
            LeaseError::Algorithm(_) | LeaseError::IntervalRefill => TIDEGATE_ERROR_NOT_LEASABLE,
            LeaseError::ZeroWorkers | LeaseError::ZeroBatch => TIDEGATE_ERROR_RANGE,
            LeaseError::BurstTooSmall { .. } => TIDEGATE_ERROR_BATCH_TOO_LARGE,
            _ => TIDEGATE_ERROR_INTERNAL,
        }
    }
}

/// Makes a limiter that is leased out to at most `workers` workers, at most `batch` permits to each, on the system's monotonic clock.
///
/// @param workers At least 1.
/// @param batch Permits, at least 1; workers * batch is below the burst.
/// @param[out] leased Written on success only; free it with tidegate_leased_free.
/// @return As tidegate_limiter_new; TIDEGATE_ERROR_RANGE if `workers` or `batch` is 0; TIDEGATE_ERROR_BATCH_TOO_LARGE; TIDEGATE_ERROR_NOT_LEASABLE.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    workers: u64,
    batch: u64,
    leased: *mut *mut tidegate_leased,
) -> tidegate_status {
    // SAFETY: the same contract; no options.
    guard(|| unsafe { new(algorithm, quota, (workers, batch), ptr::null(), leased) })
}

/// Makes one with more to say: refill, initial fill, origin, clock.
///
/// @param options Not NULL; see tidegate_limiter_options. Read during the call only; the clock and its context are kept.
/// @param[out] leased Written on success only; free it with tidegate_leased_free.
/// @return As tidegate_leased_new; also TIDEGATE_ERROR_STRUCT_SIZE, and TIDEGATE_ERROR_UNKNOWN_VALUE for a field of the options.
/// @pre `options` points at `options->struct_size` initialized bytes.
///
/// Thread safety: as tidegate_leased_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_new_with(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    workers: u64,
    batch: u64,
    options: *const tidegate_limiter_options,
    leased: *mut *mut tidegate_leased,
) -> tidegate_status {
    guard(|| {
        if options.is_null() {
            return Err(TIDEGATE_ERROR_NULL);
        }
        // SAFETY: the same contract.
        unsafe { new(algorithm, quota, (workers, batch), options, leased) }
    })
}

/// # Safety
/// The contract of [`tidegate_leased_new_with`]; `options` may be NULL.
unsafe fn new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    (workers, batch): (u64, u64),
    options: *const tidegate_limiter_options,
    leased: *mut *mut tidegate_leased,
) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let (out, (builder, origin)) = unsafe { (Out::new(leased)?, limiter::builder(algorithm, quota, options)?) };
    let leased = match origin {
        Some(origin) => builder.build_leased_at(origin, workers, batch),
        None => builder.build_leased(workers, batch),
    }?;
    handle::keep(Arc::new(leased), out)
}

/// Ends it. NULL is fine and does nothing. Leases that are out stay good, and are freed on their own.
///
/// @return As tidegate_limiter_free.
///
/// Thread safety: nobody else may use `leased` during the call or after it; leases may be used meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_free(leased: *mut tidegate_leased) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(leased) })
}

/// Spends without a lease, from what is not in hands: for callers who come too seldom to be a worker. Whether it did.
///
/// @return false also for a pointer that is NULL, misaligned or none: a gate that cannot be asked stays shut.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_try_acquire(leased: *const tidegate_leased, cost: u64) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| Ok(unsafe { lent(leased) }?.try_acquire(cost)))
}

/// tidegate_leased_try_acquire at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_leased_try_acquire.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_try_acquire_at(
    leased: *const tidegate_leased,
    now_ns: u64,
    cost: u64,
) -> bool {
    // SAFETY: the same contract.
    guard_bool(|| Ok(unsafe { lent(leased) }?.try_acquire_at(now_ns, cost)))
}

/// What a worker with nothing in hand would be told, without spending. What is in hands counts as spent; `limit` is the largest cost that is ever
/// allowed.
///
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_peek(
    leased: *const tidegate_leased,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { peek(leased, None, cost, decision) })
}

/// tidegate_leased_peek at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_leased_peek.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once, each with a decision of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_peek_at(
    leased: *const tidegate_leased,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { peek(leased, Some(now_ns), cost, decision) })
}

/// # Safety
/// The contract of [`tidegate_leased_peek`].
unsafe fn peek(
    leased: *const tidegate_leased,
    now_ns: Option<u64>,
    cost: u64,
    decision: *mut tidegate_decision,
) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let (leased, out) = unsafe { (lent(leased)?, Out::new(decision)?) };
    out.write(leased.peek_at(now_ns.unwrap_or_else(|| leased.now()), cost).into());
    Ok(())
}

/// How many leases are out.
///
/// @param[out] leases Not NULL; written on success only.
/// @return As tidegate_leased_peek.
/// @pre `leased` has not been freed.
///
/// Thread safety: may be called from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_leased_leases(leased: *const tidegate_leased, leases: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (leased, out) = unsafe { (lent(leased)?, Out::new(leases)?) };
        out.write(leased.leases());
        Ok(())
    })
}

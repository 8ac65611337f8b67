//! `tidegate_limiter`: an opaque handle, from `new` to `free`. The verbs on it stand in `verbs.rs`.

use core::marker::PhantomData;
use core::ptr;

use tidegate::{Limiter, LimiterBuilder, Quota};

use crate::choice::{self, algorithm_code};
use crate::guard::{Out, borrow, guard};
use crate::handle::{self, Handle};
use crate::options::{self, tidegate_limiter_options};
use crate::quota::tidegate_quota;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_NULL};

/// A rate limiter: one quota under one algorithm. Made by tidegate_limiter_new or tidegate_limiter_new_with, ended by
/// tidegate_limiter_free.
///
/// Thread safety: a function that takes `const tidegate_limiter *` may be called on one limiter from any number of threads at once; each
/// call is one atomic step, lock-free, and a denied one writes nothing. A function that takes `tidegate_limiter *` needs the limiter for
/// itself. No order is promised for other data: a grant does not publish what was written before it.
pub struct tidegate_limiter {
    _limiter: PhantomData<Limiter>,
}

impl Handle for tidegate_limiter {
    type Object = Limiter;
    const MARK: u64 = 0xb5ad_4ece_da1c_e2a9;
}

/// Makes a limiter on the system's monotonic clock.
///
/// @param[out] limiter Written on success only; free it with tidegate_limiter_free.
/// @return TIDEGATE_OK; a status of a quota (-100 and below) that the algorithm cannot hold; TIDEGATE_ERROR_UNKNOWN_VALUE for the algorithm
/// or a field of the quota; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer; TIDEGATE_ERROR_MEMORY.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    limiter: *mut *mut tidegate_limiter,
) -> tidegate_status {
    // SAFETY: the same contract; no options.
    guard(|| unsafe { new(algorithm, quota, ptr::null(), limiter) })
}

/// Makes a limiter with more to say: anchor, refill, initial fill, origin, clock.
///
/// @param options Not NULL; see tidegate_limiter_options. Read during the call only; the clock and its context are kept.
/// @param[out] limiter Written on success only; free it with tidegate_limiter_free.
/// @return As tidegate_limiter_new; also TIDEGATE_ERROR_STRUCT_SIZE, and TIDEGATE_ERROR_UNKNOWN_VALUE for a field of the options.
/// @pre `options` points at `options->struct_size` initialized bytes.
///
/// Thread safety: as tidegate_limiter_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_new_with(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    options: *const tidegate_limiter_options,
    limiter: *mut *mut tidegate_limiter,
) -> tidegate_status {
    guard(|| {
        if options.is_null() {
            return Err(TIDEGATE_ERROR_NULL);
        }
        // SAFETY: the same contract.
        unsafe { new(algorithm, quota, options, limiter) }
    })
}

/// # Safety
/// The contract of [`tidegate_limiter_new_with`]; `options` may be NULL.
unsafe fn new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    options: *const tidegate_limiter_options,
    limiter: *mut *mut tidegate_limiter,
) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let (out, (builder, origin)) = unsafe { (Out::new(limiter)?, builder(algorithm, quota, options)?) };
    let built = match origin {
        Some(origin) => builder.build_at(origin),
        None => builder.build(),
    };
    let limiter = built.map_err(|error| tidegate_status::from(error.kind()))?;
    handle::keep(limiter, out)
}

/// What the caller says of a limiter, and the time at which it is made if that is said, too.
///
/// # Safety
/// `quota` and `options` (which may be NULL) are as [`tidegate_limiter_new_with`] has them.
pub unsafe fn builder(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    options: *const tidegate_limiter_options,
) -> Result<(LimiterBuilder, Option<u64>), tidegate_status> {
    // SAFETY: the caller lends a quota; any integers in it are valid.
    let quota = Quota::try_from(unsafe { borrow(quota) }?)?;
    let builder = Limiter::builder(choice::algorithm(algorithm)?, quota);
    if options.is_null() {
        return Ok((builder, None));
    }
    // SAFETY: the caller lends as many bytes as `struct_size` says.
    let options = unsafe { tidegate_limiter_options::read(options) }?;
    let mut builder = options.apply(builder)?;
    if let Some(clock) = options::clock(options.clock, options.clock_context) {
        builder = builder.shared_clock(clock);
    }
    Ok((builder, options.origin()))
}

/// Ends a limiter. NULL is fine and does nothing.
///
/// @return TIDEGATE_OK; TIDEGATE_ERROR_HANDLE, and nothing is touched, if this is no limiter that lives: freed before, or of another kind.
/// (An address that was given to a new limiter meanwhile is that limiter.)
///
/// Thread safety: nobody else may use the limiter during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_free(limiter: *mut tidegate_limiter) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(limiter) })
}

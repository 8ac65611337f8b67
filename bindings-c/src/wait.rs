//! Waiting in line: blocking until the permits may be used.

use core::ffi::c_void;
use core::time::Duration;

use tidegate::{Refusal, Refused};

use crate::guard::{Out, borrow_many, guard};
use crate::handle::lent;
use crate::keyed::tidegate_keyed;
use crate::limiter::tidegate_limiter;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_NEVER};

fn timeout(nanos: u64) -> Duration {
    if nanos == u64::MAX { Duration::MAX } else { Duration::from_nanos(nanos) }
}

/// What can never be waited for is an error; a wait that would be too long is an answer.
fn answer(waited: Result<Duration, Refused>) -> Result<bool, tidegate_status> {
    match waited {
        Ok(_) => Ok(true),
        Err(refused) if refused.refusal() == Refusal::Never => Err(TIDEGATE_ERROR_NEVER),
        Err(_) => Ok(false),
    }
}

/// Waits for `cost` permits, at most `timeout_ns`, blocking the thread. First come, first served; one sleep; refused at once if the wait would be
/// longer, and then nothing is spent. To wait in another way: tidegate_limiter_reserve.
///
/// @param timeout_ns The longest wait, in nanoseconds of the limiter's clock; UINT64_MAX for any, 0 for none.
/// @param[out] acquired Not NULL; whether the permits were spent. Written on success only.
/// @return TIDEGATE_OK, also when refused; TIDEGATE_ERROR_NEVER for a cost above the capacity; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or
/// TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `limiter` has not been freed, and is not while this waits. A clock of your own goes on.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_acquire(
    limiter: *const tidegate_limiter,
    cost: u64,
    timeout_ns: u64,
    acquired: *mut bool,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, out) = unsafe { (lent(limiter)?, Out::new(acquired)?) };
        out.write(answer(limiter.acquire(cost, timeout(timeout_ns)))?);
        Ok(())
    })
}

/// As tidegate_limiter_acquire, for a key.
///
/// @param timeout_ns The longest wait, in nanoseconds of the limiter's clock; UINT64_MAX for any, 0 for none.
/// @param[out] acquired Not NULL; whether the permits were spent. Written on success only.
/// @return As tidegate_limiter_acquire; TIDEGATE_ERROR_LENGTH for the key.
/// @pre `keyed` has not been freed, and is not while this waits; `key` points at `key_len` bytes. A clock of your own goes on.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_acquire(
    keyed: *const tidegate_keyed,
    key: *const c_void,
    key_len: usize,
    cost: u64,
    timeout_ns: u64,
    acquired: *mut bool,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (keyed, key, out) = unsafe { (lent(keyed)?, borrow_many(key.cast::<u8>(), key_len)?, Out::new(acquired)?) };
        out.write(answer(keyed.acquire(key, cost, timeout(timeout_ns)))?);
        Ok(())
    })
}

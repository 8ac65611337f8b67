//! A limiter as a whole: another quota, its state across restarts, what it is.

use core::ffi::{CStr, c_char};

use tidegate::{Limiter, Quota, ReconfigureError, RestoreError, Snapshot};

use crate::choice::{self, carry_code};
use crate::guard::{Out, borrow, guard};
use crate::handle::{self, lent};
use crate::limiter::tidegate_limiter;
use crate::quota::tidegate_quota;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_CANNOT_CARRY, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_SNAPSHOT,
    TIDEGATE_ERROR_SNAPSHOT_MISMATCH,
};
use crate::text::Buffer;

impl From<ReconfigureError> for tidegate_status {
    fn from(error: ReconfigureError) -> tidegate_status {
        match error {
            ReconfigureError::Quota(error) => error.kind().into(),
            ReconfigureError::CannotCarry => TIDEGATE_ERROR_CANNOT_CARRY,
            _ => TIDEGATE_ERROR_INTERNAL,
        }
    }
}

impl From<RestoreError> for tidegate_status {
    fn from(error: RestoreError) -> tidegate_status {
        match error {
            RestoreError::Mismatch => TIDEGATE_ERROR_SNAPSHOT_MISMATCH,
            RestoreError::Quota(error) => error.kind().into(),
            _ => TIDEGATE_ERROR_SNAPSHOT,
        }
    }
}

/// Another quota under the same algorithm; `carry` says what becomes of the permits that are used.
///
/// Callers who come meanwhile wait for the change (some hundred nanoseconds) and are answered under the new quota; no spend is lost.
/// Reservations made before keep their instants, but cancelling one gives nothing back any more.
///
/// @return TIDEGATE_OK; a status of a quota (-100 and below); TIDEGATE_ERROR_CANNOT_CARRY; TIDEGATE_ERROR_UNKNOWN_VALUE for `carry` or a field of the
/// quota; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer. On any of them nothing has changed.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once, also while others take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_reconfigure(
    limiter: *const tidegate_limiter,
    quota: *const tidegate_quota,
    carry: carry_code,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { reconfigure(limiter, None, quota, carry) })
}

/// tidegate_limiter_reconfigure at the time `now_ns` (see tidegate_limiter_try_acquire_at).
///
/// @return As tidegate_limiter_reconfigure.
/// @pre `limiter` has not been freed.
///
/// Thread safety: as tidegate_limiter_reconfigure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_reconfigure_at(
    limiter: *const tidegate_limiter,
    now_ns: u64,
    quota: *const tidegate_quota,
    carry: carry_code,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { reconfigure(limiter, Some(now_ns), quota, carry) })
}

/// # Safety
/// The contract of [`tidegate_limiter_reconfigure`].
unsafe fn reconfigure(
    limiter: *const tidegate_limiter,
    now: Option<u64>,
    quota: *const tidegate_quota,
    carry: carry_code,
) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let (limiter, quota) = unsafe { (lent(limiter)?, Quota::try_from(borrow(quota)?)?) };
    let carry = choice::carry(carry)?;
    Ok(limiter.reconfigure_at(now.unwrap_or_else(|| limiter.now()), quota, carry)?)
}

/// The quota in force.
///
/// @param[out] quota Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_quota(
    limiter: *const tidegate_limiter,
    quota: *mut tidegate_quota,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, out) = unsafe { (lent(limiter)?, Out::new(quota)?) };
        out.write(limiter.quota().into());
        Ok(())
    })
}

/// The time of the limiter's clock, in nanoseconds: with the default clock, since 1970 in UTC.
///
/// @param[out] now_ns Not NULL; written on success only.
/// @return As tidegate_limiter_quota.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_now(limiter: *const tidegate_limiter, now_ns: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, out) = unsafe { (lent(limiter)?, Out::new(now_ns)?) };
        out.write(limiter.now());
        Ok(())
    })
}

/// The last nanosecond of its clock that the limiter tells from the one before: time stands still there. 2^63 - 1 (292 years) unless the quota
/// leaves fewer bits for time; never less than ten years after the limiter was made.
///
/// @param[out] horizon_ns Not NULL; written on success only.
/// @return As tidegate_limiter_quota.
/// @pre `limiter` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_horizon(
    limiter: *const tidegate_limiter,
    horizon_ns: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, out) = unsafe { (lent(limiter)?, Out::new(horizon_ns)?) };
        out.write(limiter.horizon());
        Ok(())
    })
}

/// Writes quota and state as text (JSON), to be kept across a restart. Times in it are those of the limiter's clock.
///
/// @param buffer Where to write the text and the NUL that ends it; may be NULL if `capacity` is 0.
/// @param capacity Bytes at `buffer`. 1024 are enough for every algorithm but the sliding log, which has up to 21 bytes a permit.
/// @param[out] length Not NULL. The bytes of the text without its NUL; also written for TIDEGATE_ERROR_BUFFER_TOO_SMALL. (The state
/// may have changed, and be longer, at the next call.)
/// @return TIDEGATE_OK; TIDEGATE_ERROR_BUFFER_TOO_SMALL, and then only `length` was written; TIDEGATE_ERROR_NULL,
/// TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_HANDLE, TIDEGATE_ERROR_LENGTH for the others.
/// @pre `limiter` has not been freed; `buffer` points at `capacity` bytes that may be written.
///
/// Thread safety: may be called on one limiter from any number of threads at once, also while others take; the state is one that was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_snapshot(
    limiter: *const tidegate_limiter,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, buffer) = unsafe { (lent(limiter)?, Buffer::new(buffer, capacity, length)?) };
        let text = serde_json::to_string(&limiter.snapshot()).map_err(|_| TIDEGATE_ERROR_INTERNAL)?;
        buffer.write(&text)
    })
}

/// Goes back to a snapshot of this limiter, or of one like it.
///
/// @param text What tidegate_limiter_snapshot wrote, ended by NUL.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_SNAPSHOT; TIDEGATE_ERROR_SNAPSHOT_MISMATCH; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or
/// TIDEGATE_ERROR_HANDLE for a pointer. On any of them nothing has changed.
/// @pre `limiter` has not been freed; `text` ends with NUL.
///
/// Thread safety: may be called on one limiter from any number of threads at once, also while others take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_restore(
    limiter: *const tidegate_limiter,
    text: *const c_char,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (limiter, snapshot) = unsafe { (lent(limiter)?, read::<Snapshot>(text)?) };
        Ok(limiter.restore(&snapshot)?)
    })
}

/// The limiter that a snapshot was taken of, on the default clock.
///
/// @param text What tidegate_limiter_snapshot wrote, ended by NUL.
/// @param[out] limiter Written on success only; free it with tidegate_limiter_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_SNAPSHOT; a status of a quota (-100 and below); TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer;
/// TIDEGATE_ERROR_MEMORY.
/// @pre `text` ends with NUL.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_limiter_from_snapshot(
    text: *const c_char,
    limiter: *mut *mut tidegate_limiter,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (out, snapshot) = unsafe { (Out::new(limiter)?, read::<Snapshot>(text)?) };
        handle::keep(Limiter::from_snapshot(&snapshot)?, out)
    })
}

/// # Safety
/// `text` is NULL or ends with NUL.
pub unsafe fn read<T: serde::de::DeserializeOwned>(text: *const c_char) -> Result<T, tidegate_status> {
    if text.is_null() {
        return Err(TIDEGATE_ERROR_NULL);
    }
    // SAFETY: not NULL, and it ends with NUL as promised by the caller.
    serde_json::from_slice(unsafe { CStr::from_ptr(text) }.to_bytes()).map_err(|_| TIDEGATE_ERROR_SNAPSHOT)
}

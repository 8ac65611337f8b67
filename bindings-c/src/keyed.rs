//! `tidegate_keyed`: one quota for each of many keys, from `new` to `free`. The verbs on it stand in `keyed_verbs.rs`.

use core::ffi::{c_char, c_void};
use core::marker::PhantomData;
use core::ptr;

use tidegate::{KeyedLimiter, KeyedLimiterBuilder, KeyedLimiterError, KeyedSnapshot, Quota, WhenFull};

use crate::change::read;
use crate::choice::{self, algorithm_code, anchor_code, refill_code};
use crate::guard::{Out, borrow, guard};
use crate::handle::{self, Handle, lent};
use crate::options::{self, TIDEGATE_SET_INITIAL, TIDEGATE_SET_ORIGIN, tidegate_clock_fn};
use crate::quota::tidegate_quota;
use crate::sized::{self, Sized};
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_INTERNAL, TIDEGATE_ERROR_MEMORY, TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_RANGE,
    TIDEGATE_ERROR_SNAPSHOT, TIDEGATE_ERROR_SNAPSHOT_MISMATCH, TIDEGATE_ERROR_UNKNOWN_VALUE,
};
use crate::text::Buffer;

/// A limiter for each key: per API key, per address, per account. A key is bytes and their number; none at all is a key too.
///
/// Memory is taken once, 22 bytes a key: keys are not kept, only their 64-bit hashes, under a secret seed of each table. A key whose state is as
/// good as new makes room for newcomers by itself: no sweep, no timer, no thread. Any algorithm but the sliding log.
///
/// Thread safety: as tidegate_limiter; finding and spending are lock-free.
pub struct tidegate_keyed {
    _keyed: PhantomData<KeyedLimiter<[u8]>>,
}

impl Handle for tidegate_keyed {
    type Object = KeyedLimiter<[u8]>;
    const MARK: u64 = 0xc6bc_2796_92b5_cc83;
}

/// What becomes of a newcomer when all slots in its reach are used by keys that are not as good as new.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_when_full {
    /// Forget the key that would be as new first, which forgives the least, and count it: tidegate_keyed_evictions.
    TIDEGATE_EVICT_NEAREST_IDLE = 0,
    /// Deny the newcomer.
    TIDEGATE_REFUSE = 1,
    /// Let all newcomers share one limiter.
    TIDEGATE_OVERFLOW = 2,
}

/// cbindgen writes it as `tidegate_when_full`.
pub type when_full_code = i32;

/// What a keyed limiter can be told besides algorithm, quota and number of keys. Fill it with zeros, set `struct_size`, then set what you need:
/// zero is the default everywhere.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_keyed_options {
    /// sizeof(tidegate_keyed_options), as the caller was compiled.
    pub struct_size: usize,
    /// TIDEGATE_SET_INITIAL and TIDEGATE_SET_ORIGIN, or'ed.
    pub flags: u32,
    /// Where windows begin; TIDEGATE_ANCHOR_DEFAULT: as the quota says.
    pub anchor: anchor_code,
    /// Nanoseconds; with TIDEGATE_ANCHOR_CLOCK only.
    pub offset_ns: u64,
    /// How a token bucket refills.
    pub refill: refill_code,
    /// What becomes of newcomers when there is no room.
    pub when_full: when_full_code,
    /// As in tidegate_limiter_options.
    pub origin_ns: u64,
    /// As in tidegate_limiter_options.
    pub clock: tidegate_clock_fn,
    /// Passed to `clock`. It must outlive the limiter.
    pub clock_context: *mut c_void,
    /// How many tokens the bucket of a new key holds, if TIDEGATE_SET_INITIAL is in `flags`; full otherwise. Token bucket only.
    pub initial: u64,
}

// SAFETY: begins with `struct_size`; all fields are integers and nullable pointers.
unsafe impl Sized for tidegate_keyed_options {}

impl From<KeyedLimiterError> for tidegate_status {
    fn from(error: KeyedLimiterError) -> tidegate_status {
        match error {
            KeyedLimiterError::Quota(error) => error.kind().into(),
            KeyedLimiterError::NoKeys => TIDEGATE_ERROR_RANGE,
            KeyedLimiterError::TooManyKeys => TIDEGATE_ERROR_MEMORY,
            KeyedLimiterError::Corrupt => TIDEGATE_ERROR_SNAPSHOT,
            KeyedLimiterError::OtherQuota => TIDEGATE_ERROR_SNAPSHOT_MISMATCH,
            _ => TIDEGATE_ERROR_INTERNAL,
        }
    }
}

/// Makes a keyed limiter on the system's monotonic clock.
///
/// @param max_keys The most keys remembered at once. Memory for them, 22 bytes each, is taken now.
/// @param[out] keyed Written on success only; free it with tidegate_keyed_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE if `max_keys` is 0; TIDEGATE_ERROR_MEMORY; otherwise as tidegate_limiter_new.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    max_keys: usize,
    keyed: *mut *mut tidegate_keyed,
) -> tidegate_status {
    // SAFETY: the same contract; no options.
    guard(|| unsafe { new(algorithm, quota, max_keys, ptr::null(), keyed) })
}

/// Makes a keyed limiter with more to say: anchor, refill, origin, clock, what to do when it is full.
///
/// @param max_keys The most keys remembered at once. Memory for them, 22 bytes each, is taken now.
/// @param options Not NULL; see tidegate_keyed_options. Read during the call only; the clock and its context are kept.
/// @param[out] keyed Written on success only; free it with tidegate_keyed_free.
/// @return As tidegate_keyed_new; also TIDEGATE_ERROR_STRUCT_SIZE, and TIDEGATE_ERROR_UNKNOWN_VALUE for a field of the options.
/// @pre `options` points at `options->struct_size` initialized bytes.
///
/// Thread safety: as tidegate_keyed_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_new_with(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    max_keys: usize,
    options: *const tidegate_keyed_options,
    keyed: *mut *mut tidegate_keyed,
) -> tidegate_status {
    guard(|| {
        if options.is_null() {
            return Err(TIDEGATE_ERROR_NULL);
        }
        // SAFETY: the same contract.
        unsafe { new(algorithm, quota, max_keys, options, keyed) }
    })
}

/// # Safety
/// The contract of [`tidegate_keyed_new_with`]; `options` may be NULL.
unsafe fn new(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    max_keys: usize,
    options: *const tidegate_keyed_options,
    keyed: *mut *mut tidegate_keyed,
) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let (out, (builder, origin)) = unsafe { (Out::new(keyed)?, builder(algorithm, quota, max_keys, options)?) };
    let limiter = match origin {
        Some(origin) => builder.build_at(origin),
        None => builder.build(),
    }?;
    handle::keep(limiter, out)
}

/// What the caller says of a keyed limiter, and the time at which it is made if that is said, too.
///
/// # Safety
/// As [`new`].
unsafe fn builder(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    max_keys: usize,
    options: *const tidegate_keyed_options,
) -> Result<(KeyedLimiterBuilder<[u8]>, Option<u64>), tidegate_status> {
    // SAFETY: promised by the caller.
    let quota = Quota::try_from(unsafe { borrow(quota) }?)?;
    let mut builder = KeyedLimiter::builder(choice::algorithm(algorithm)?, quota).max_keys(max_keys);
    if options.is_null() {
        return Ok((builder, None));
    }
    // SAFETY: promised by the caller.
    let options = unsafe { sized::read(options) }?;
    if options.flags & !(TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN) != 0 {
        return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
    }
    if let Some(anchor) = choice::anchor(options.anchor, options.offset_ns)? {
        builder = builder.anchor(anchor);
    }
    builder = builder.refill(choice::refill(options.refill)?).when_full(when_full(options.when_full)?);
    if options.flags & TIDEGATE_SET_INITIAL != 0 {
        builder = builder.initial(options.initial);
    }
    if let Some(clock) = options::clock(options.clock, options.clock_context) {
        builder = builder.shared_clock(clock);
    }
    Ok((builder, (options.flags & TIDEGATE_SET_ORIGIN != 0).then_some(options.origin_ns)))
}

fn when_full(code: when_full_code) -> Result<WhenFull, tidegate_status> {
    use tidegate_when_full::*;
    match code {
        code if code == TIDEGATE_EVICT_NEAREST_IDLE as i32 => Ok(WhenFull::EvictNearestIdle),
        code if code == TIDEGATE_REFUSE as i32 => Ok(WhenFull::Refuse),
        code if code == TIDEGATE_OVERFLOW as i32 => Ok(WhenFull::Overflow),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    }
}

/// Ends a keyed limiter. NULL is fine and does nothing.
///
/// @return As tidegate_limiter_free.
///
/// Thread safety: nobody else may use the limiter during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_free(keyed: *mut tidegate_keyed) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(keyed) })
}

/// How many keys are remembered, idle ones included. At most `max_keys`.
///
/// @param[out] len Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `keyed` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_len(keyed: *const tidegate_keyed, len: *mut usize) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (keyed, out) = unsafe { (lent(keyed)?, Out::new(len)?) };
        out.write(keyed.len());
        Ok(())
    })
}

/// The time of the limiter's clock, in nanoseconds: with the default clock, since 1970 in UTC.
///
/// @param[out] now_ns Not NULL; written on success only.
/// @return As tidegate_keyed_len.
/// @pre `keyed` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_now(keyed: *const tidegate_keyed, now_ns: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (keyed, out) = unsafe { (lent(keyed)?, Out::new(now_ns)?) };
        out.write(keyed.now());
        Ok(())
    })
}

/// How many keys were forgotten although they were not idle, since the limiter was made.
///
/// @param[out] evictions Not NULL; written on success only.
/// @return As tidegate_keyed_len.
/// @pre `keyed` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_evictions(
    keyed: *const tidegate_keyed,
    evictions: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (keyed, out) = unsafe { (lent(keyed)?, Out::new(evictions)?) };
        out.write(keyed.evictions());
        Ok(())
    })
}

/// The bytes that the table takes, all of them since it was made.
///
/// @param[out] bytes Not NULL; written on success only.
/// @return As tidegate_keyed_len.
/// @pre `keyed` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_memory(keyed: *const tidegate_keyed, bytes: *mut usize) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (keyed, out) = unsafe { (lent(keyed)?, Out::new(bytes)?) };
        out.write(keyed.memory());
        Ok(())
    })
}

/// Forgets every key: all are new and full.
///
/// @return As tidegate_keyed_len.
/// @pre `keyed` has not been freed.
///
/// Thread safety: may be called on one limiter from any number of threads at once; keys that come meanwhile may be forgotten or not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_clear(keyed: *const tidegate_keyed) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        unsafe { lent(keyed) }?.clear();
        Ok(())
    })
}

/// Writes the quota and the keys that are not idle by the limiter's clock as text (JSON), to be kept across a restart. It holds the secret seed of the hashes: keep it as
/// you would keep a secret.
///
/// @param buffer Where to write the text and the NUL that ends it; may be NULL if `capacity` is 0.
/// @param capacity Bytes at `buffer`: up to 43 a key, and 512.
/// @param[out] length Not NULL. The bytes of the text without its NUL; also written for TIDEGATE_ERROR_BUFFER_TOO_SMALL. (There may be more
/// keys at the next call.)
/// @return TIDEGATE_OK; TIDEGATE_ERROR_BUFFER_TOO_SMALL, and then only `length` was written; TIDEGATE_ERROR_NULL,
/// TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_HANDLE, TIDEGATE_ERROR_LENGTH for the others.
/// @pre `keyed` has not been freed; `buffer` points at `capacity` bytes that may be written.
///
/// Thread safety: may be called on one limiter from any number of threads at once, also while others take; each key is seen as it was at some instant
/// of the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_snapshot(
    keyed: *const tidegate_keyed,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { snapshot(keyed, None, Buffer::new(buffer, capacity, length)?) })
}

/// tidegate_keyed_snapshot at the time `now_ns` (see tidegate_limiter_try_acquire_at): keys that are idle then are left out.
///
/// @param buffer Where to write the text and the NUL that ends it; may be NULL if `capacity` is 0.
/// @param capacity Bytes at `buffer`: up to 43 a key, and 512.
/// @param[out] length Not NULL. As there.
/// @return As tidegate_keyed_snapshot.
/// @pre `keyed` has not been freed; `buffer` points at `capacity` bytes that may be written.
///
/// Thread safety: as tidegate_keyed_snapshot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_snapshot_at(
    keyed: *const tidegate_keyed,
    now_ns: u64,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { snapshot(keyed, Some(now_ns), Buffer::new(buffer, capacity, length)?) })
}

/// # Safety
/// `keyed` is NULL, misaligned or lives.
unsafe fn snapshot(keyed: *const tidegate_keyed, now_ns: Option<u64>, buffer: Buffer) -> Result<(), tidegate_status> {
    // SAFETY: promised by the caller.
    let keyed = unsafe { lent(keyed) }?;
    let snapshot = keyed.snapshot_at(now_ns.unwrap_or_else(|| keyed.now()));
    buffer.write(&serde_json::to_string(&snapshot).map_err(|_| TIDEGATE_ERROR_INTERNAL)?)
}

/// A keyed limiter with the keys of a snapshot, on the default clock.
///
/// @param text What tidegate_keyed_snapshot wrote, ended by NUL.
/// @param[out] keyed Written on success only; free it with tidegate_keyed_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_SNAPSHOT; a status of a quota (-100 and below); TIDEGATE_ERROR_MEMORY; TIDEGATE_ERROR_NULL or
/// TIDEGATE_ERROR_MISALIGNED for a pointer.
/// @pre `text` ends with NUL.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_from_snapshot(
    text: *const c_char,
    keyed: *mut *mut tidegate_keyed,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (out, snapshot) = unsafe { (Out::new(keyed)?, read::<KeyedSnapshot>(text)?) };
        handle::keep(KeyedLimiter::from_snapshot(&snapshot)?, out)
    })
}

/// Makes a keyed limiter as tidegate_keyed_new_with does, with the keys of a snapshot that was taken under the same algorithm, quota, anchor, refill and
/// initial fill. What to do when it is full, and the clock, may be others; the origin is the snapshot's.
///
/// @param max_keys At least as many as the snapshot holds; 0: as many as it was taken of.
/// @param options NULL, or as for tidegate_keyed_new_with.
/// @param text What tidegate_keyed_snapshot wrote, ended by NUL.
/// @param[out] keyed Written on success only; free it with tidegate_keyed_free.
/// @return As tidegate_keyed_new_with; TIDEGATE_ERROR_SNAPSHOT, also for fewer keys than it holds; TIDEGATE_ERROR_SNAPSHOT_MISMATCH.
/// @pre `options` points at `options->struct_size` initialized bytes; `text` ends with NUL.
///
/// Thread safety: as tidegate_keyed_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_keyed_restore(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    max_keys: usize,
    options: *const tidegate_keyed_options,
    text: *const c_char,
    keyed: *mut *mut tidegate_keyed,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (out, snapshot) = unsafe { (Out::new(keyed)?, read::<KeyedSnapshot>(text)?) };
        // SAFETY: the same contract.
        let (builder, _) = unsafe { builder(algorithm, quota, max_keys, options) }?;
        handle::keep(builder.restore(&snapshot)?, out)
    })
}

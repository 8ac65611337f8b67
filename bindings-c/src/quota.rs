//! `tidegate_quota`: a plain value that C may keep, copy and compare field by field.
//!
//! It is checked anew wherever it comes in, for C may have written anything into it.

use core::ffi::{CStr, c_char};

use tidegate::{Anchor, Quota, QuotaError};

#[cfg(feature = "std")]
use crate::calendar;
use crate::choice::{self, anchor_code, tidegate_anchor};
use crate::guard::{Out, borrow, guard};
use crate::status::text;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_NOT_UTF8, TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_UNKNOWN_VALUE,
};
use crate::text::Buffer;

/// In `position`: the error is not about a place in a text. tests/header.rs writes it to the header as SIZE_MAX, which cbindgen cannot.
pub const TIDEGATE_NO_POSITION: usize = usize::MAX;

/// `limit` permits per `period_ns`, at most `burst` at once. Made by tidegate_quota_make or tidegate_quota_parse; fields may then be read
/// and changed. What an algorithm can hold is narrower than these ranges and checked when a limiter is made.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct tidegate_quota {
    /// Permits per period: 1 to UINT64_MAX.
    pub limit: u64,
    /// Nanoseconds: 1 to 2^62 (146 years).
    pub period_ns: u64,
    /// The most permits at once: 1 to UINT64_MAX. Equal to the limit for windows and the sliding log.
    pub burst: u64,
    /// Nanoseconds after the multiples of the period at which windows begin, taken modulo the period. 0 unless the anchor is the clock.
    pub offset_ns: u64,
    /// Where windows begin.
    pub anchor: anchor_code,
    /// With TIDEGATE_ANCHOR_CALENDAR the unit and the time zone, by a number that this process alone knows; else 0. Write a quota as text to
    /// keep it elsewhere.
    pub calendar: u32,
    /// Must be 0.
    pub reserved: [u32; 6],
}

/// Why a text is no quota.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct tidegate_quota_error {
    /// What tidegate_quota_parse returned.
    pub status: tidegate_status,
    /// The byte of the text, from 0, at which something else was expected; TIDEGATE_NO_POSITION if it is not about the text.
    pub position: usize,
    /// What was expected, in English: tidegate_status_message(status). Static; do not free it.
    pub message: *const c_char,
}

impl From<Quota> for tidegate_quota {
    fn from(quota: Quota) -> tidegate_quota {
        let (anchor, offset_ns, calendar) = match quota.anchored() {
            Anchor::Offset(offset) => (tidegate_anchor::TIDEGATE_ANCHOR_CLOCK, offset, 0),
            Anchor::FirstUse => (tidegate_anchor::TIDEGATE_ANCHOR_FIRST_USE, 0, 0),
            #[cfg(feature = "std")]
            Anchor::Calendar(calendar) => (tidegate_anchor::TIDEGATE_ANCHOR_CALENDAR, 0, calendar::number(calendar)),
            _ => (tidegate_anchor::TIDEGATE_ANCHOR_CLOCK, 0, 0),
        };
        tidegate_quota {
            limit: quota.limit(),
            period_ns: quota.period_nanos(),
            burst: quota.capacity(),
            offset_ns,
            anchor: anchor as i32,
            calendar,
            reserved: [0; 6],
        }
    }
}

impl TryFrom<&tidegate_quota> for Quota {
    type Error = tidegate_status;

    fn try_from(quota: &tidegate_quota) -> Result<Quota, tidegate_status> {
        if quota.reserved != [0; 6] {
            return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
        }
        #[cfg(feature = "std")]
        if quota.anchor == tidegate_anchor::TIDEGATE_ANCHOR_CALENDAR as i32 && quota.offset_ns == 0 {
            let anchor = Anchor::Calendar(calendar::numbered(quota.calendar)?);
            return make(quota.limit, quota.period_ns, quota.burst).map(|quota| quota.anchor(anchor));
        }
        if quota.calendar != 0 {
            return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
        }
        let anchor = choice::anchor(quota.anchor, quota.offset_ns)?.unwrap_or_default();
        make(quota.limit, quota.period_ns, quota.burst).map(|quota| quota.anchor(anchor))
    }
}

fn make(limit: u64, period_ns: u64, burst: u64) -> Result<Quota, tidegate_status> {
    Quota::from_nanos(limit, period_ns).and_then(|quota| quota.burst(burst)).map_err(|error| error.kind().into())
}

/// Makes a quota of `limit` permits per `period_ns` nanoseconds with at most `burst` at once.
///
/// @param[out] quota Written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_ZERO_LIMIT, TIDEGATE_ERROR_ZERO_PERIOD, TIDEGATE_ERROR_PERIOD_TOO_LONG (above 2^62 ns),
/// TIDEGATE_ERROR_ZERO_BURST; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for `quota`.
///
/// Thread safety: may be called from any thread; `quota` must not be used by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_quota_make(
    limit: u64,
    period_ns: u64,
    burst: u64,
    quota: *mut tidegate_quota,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the caller lends memory for a quota.
        let out = unsafe { Out::new(quota) }?;
        out.write(make(limit, period_ns, burst)?.into());
        Ok(())
    })
}

/// Reads a quota from its text: "300/min", "150/10s", "1 per 2 hours", "300/min burst 50", "50/h from first use", "10/h offset 5min",
/// "1000 per calendar day in Europe/Paris" (not in libtidegate_bare). Units: ns us ms s min h d w and their long names; of the calendar hour day
/// week month year.
///
/// @param text A string ended by NUL, in UTF-8.
/// @param[out] quota Written on success only.
/// @param[out] error NULL, or where to write what is wrong with the text; written on failure only.
/// @return TIDEGATE_OK; a status of a quota (-100 and below); TIDEGATE_ERROR_NOT_UTF8; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for
/// a pointer (and if `error` itself is misaligned, it is not written).
/// @pre `text` ends with NUL.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_quota_parse(
    text: *const c_char,
    quota: *mut tidegate_quota,
    error: *mut tidegate_quota_error,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the caller lends memory for an error, or passes NULL.
        let error = if error.is_null() { None } else { Some(unsafe { Out::new(error) }?) };
        // SAFETY: `text` ends with NUL and `quota` is memory for one, by contract.
        unsafe { parse(text, quota) }.map_err(|(status, position)| {
            if let Some(error) = error {
                let message = self::text(status as i32).as_ptr();
                error.write(tidegate_quota_error { status, position, message });
            }
            status
        })
    })
}

/// Writes a quota as text that tidegate_quota_parse reads, in the largest unit that keeps it whole: "300/min burst 50".
///
/// @param buffer Where to write the text and the NUL that ends it; may be NULL if `capacity` is 0.
/// @param capacity Bytes at `buffer`. 128 are enough for every quota.
/// @param[out] length Not NULL. The bytes of the text without its NUL; also written for TIDEGATE_ERROR_BUFFER_TOO_SMALL.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_BUFFER_TOO_SMALL, and then only `length` was written; what tidegate_limiter_new says of a quota that
/// is none; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_LENGTH for the others.
/// @pre `buffer` points at `capacity` bytes that may be written.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be used by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_quota_format(
    quota: *const tidegate_quota,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let buffer = unsafe { Buffer::new(buffer, capacity, length) }?;
        // SAFETY: the caller lends a quota; any integers in it are valid.
        let quota = Quota::try_from(unsafe { borrow(quota) }?)?;
        buffer.write(&quota)
    })
}

/// # Safety
/// `text` is NULL or ends with NUL; `quota` is memory for a quota if it is neither NULL nor misaligned.
unsafe fn parse(text: *const c_char, quota: *mut tidegate_quota) -> Result<(), (tidegate_status, usize)> {
    // SAFETY: promised by the caller.
    let out = unsafe { Out::new(quota) }.map_err(|status| (status, TIDEGATE_NO_POSITION))?;
    if text.is_null() {
        return Err((TIDEGATE_ERROR_NULL, TIDEGATE_NO_POSITION));
    }
    // SAFETY: not NULL, and it ends with NUL as promised by the caller.
    let text = unsafe { CStr::from_ptr(text) };
    let text = text.to_str().map_err(|error| (TIDEGATE_ERROR_NOT_UTF8, error.valid_up_to()))?;
    let parsed: Result<Quota, QuotaError> = text.parse();
    let parsed = parsed.map_err(|error| (error.kind().into(), error.position().unwrap_or(TIDEGATE_NO_POSITION)))?;
    out.write(parsed.into());
    Ok(())
}

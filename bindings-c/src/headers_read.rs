//! Rate-limit headers of HTTP responses, read for a client.

use core::ffi::c_char;

use tidegate_policy::headers::{Observed, ObservedLimit};

use crate::guard::{Out, borrow_many, guard};
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_LENGTH, TIDEGATE_ERROR_MISALIGNED, TIDEGATE_ERROR_NULL};

/// In the fields of tidegate_observed and tidegate_observed_limit: the response did not say.
pub const TIDEGATE_NOT_SAID: u64 = u64::MAX;

/// A header of a response. Neither text needs to end with NUL; a text of no bytes may be NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_header {
    /// The name, in any case.
    pub name: *const c_char,
    /// Its bytes.
    pub name_len: usize,
    /// The value.
    pub value: *const c_char,
    /// Its bytes.
    pub value_len: usize,
}

/// What a response said about its limits, whatever its dialect.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct tidegate_observed {
    /// How long to wait before the next request, in nanoseconds: what the server asked for; otherwise until the limits of which nothing remains are
    /// reset; otherwise 0.
    pub wait_ns: u64,
    /// What the server asked for (Retry-After), in nanoseconds, or TIDEGATE_NOT_SAID.
    pub retry_after_ns: u64,
    /// How many limits were told: at most 16. They may be more than were written.
    pub limits: usize,
    /// The one of them that binds, from 0; TIDEGATE_NO_POSITION if none told what remains.
    pub binding: usize,
    /// How many recognized fields were malformed, too long or too many, and were left out.
    pub ignored: u32,
    /// Whether the server says that the limit holds for all that the client does.
    pub global: bool,
}

/// One limit as a response told it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_observed_limit {
    /// The capacity, or TIDEGATE_NOT_SAID.
    pub limit: u64,
    /// What remains, rounded down, or TIDEGATE_NOT_SAID.
    pub remaining: u64,
    /// Nanoseconds until it is reset, rounded up, or TIDEGATE_NOT_SAID.
    pub reset_after_ns: u64,
    /// The period in nanoseconds, or TIDEGATE_NOT_SAID.
    pub window_ns: u64,
    /// Its name, ended by NUL; empty if it has none. Printable ASCII.
    pub name: [c_char; 72],
    /// Whom it counts, in the server's words, ended by NUL; empty if not said. Printable ASCII.
    pub scope: [c_char; 72],
}

fn array(text: Option<&str>) -> [c_char; 72] {
    let mut array = [0; 72];
    // At most 64 bytes, by the promise of the parser; one is left for the NUL in any case.
    for (place, byte) in array.iter_mut().take(71).zip(text.unwrap_or_default().bytes()) {
        *place = byte as c_char;
    }
    array
}

impl From<&ObservedLimit> for tidegate_observed_limit {
    fn from(limit: &ObservedLimit) -> tidegate_observed_limit {
        let said = |number: Option<u64>| number.unwrap_or(TIDEGATE_NOT_SAID);
        tidegate_observed_limit {
            limit: said(limit.limit()),
            remaining: said(limit.remaining()),
            reset_after_ns: said(limit.reset_after()),
            window_ns: said(limit.window()),
            name: array(limit.name()),
            scope: array(limit.scope()),
        }
    }
}

/// Reads the rate-limit headers of a response: Retry-After, X-RateLimit-*, the drafts 06 to 11, and what large providers send. Other headers are passed
/// over. What cannot be read is left out and counted; the work and the memory are bounded whatever the server sends.
///
/// @param headers The headers of the response. May be NULL if `count` is 0.
/// @param count Their number.
/// @param now_ns Nanoseconds since 1970-01-01T00:00Z.
/// @param[out] observed Not NULL; written on success only.
/// @param[out] limits Where to write the limits; may be NULL if `capacity` is 0. Written on success only.
/// @param capacity How many fit at `limits`; there are at most 16.
/// @return TIDEGATE_OK, also if nothing was said; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_LENGTH for pointers and lengths.
/// @pre `headers` points at `count` of them, whose texts are as long as they say; `limits` points at memory for `capacity` of them.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_headers_parse(
    headers: *const tidegate_header,
    count: usize,
    now_ns: u64,
    observed: *mut tidegate_observed,
    limits: *mut tidegate_observed_limit,
    capacity: usize,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (out, headers) = unsafe { (Out::new(observed)?, borrow_many(headers, count)?) };
        if capacity > 0 {
            if limits.is_null() {
                return Err(TIDEGATE_ERROR_NULL);
            }
            if !limits.is_aligned() {
                return Err(TIDEGATE_ERROR_MISALIGNED);
            }
            if capacity > isize::MAX as usize / size_of::<tidegate_observed_limit>() {
                return Err(TIDEGATE_ERROR_LENGTH);
            }
        }
        let mut texts = Vec::new();
        for header in headers {
            // SAFETY: the same contract.
            let (name, value) = unsafe {
                (
                    borrow_many(header.name.cast::<u8>(), header.name_len)?,
                    borrow_many(header.value.cast::<u8>(), header.value_len)?,
                )
            };
            // A name that is no text is the name of nothing that is looked for.
            if let Ok(name) = core::str::from_utf8(name) {
                texts.push((name, value));
            }
        }
        let read = Observed::parse(texts, now_ns);
        let binding = read.binding().and_then(|binding| read.limits().iter().position(|limit| limit == binding));
        for (index, limit) in read.limits().iter().enumerate().take(capacity) {
            // SAFETY: index < capacity, and the caller lends memory for so many; checked above for NULL and alignment.
            unsafe { limits.add(index).write(limit.into()) };
        }
        out.write(tidegate_observed {
            wait_ns: read.wait(),
            retry_after_ns: read.retry_after().unwrap_or(TIDEGATE_NOT_SAID),
            limits: read.limits().len(),
            binding: binding.unwrap_or(usize::MAX),
            ignored: read.ignored(),
            global: read.is_global(),
        });
        Ok(())
    })
}

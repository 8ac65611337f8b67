//! Rate-limit headers of HTTP responses, written into the caller's buffer.

use core::ffi::{CStr, c_char};
use core::fmt;

use tidegate_policy::headers::{Dialect, EncodeError, Fields, Outcome, Report, ResetStyle, ServiceLimit};

use crate::decision::tidegate_decision;
use crate::guard::{borrow_many, guard};
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_NAME, TIDEGATE_ERROR_NOT_UTF8, TIDEGATE_ERROR_UNKNOWN_VALUE,
};
use crate::text::Buffer;

/// How limits are written as headers. Waits are rounded up, never down.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_dialect {
    /// X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset in seconds since 1970; Retry-After on a refusal, as in all dialects but mailiam's.
    TIDEGATE_HEADERS_X_RATELIMIT = 0,
    /// The same with the reset in seconds from now.
    TIDEGATE_HEADERS_X_RATELIMIT_DELTA = 1,
    /// The same with the reset as 2024-01-15T12:00:00Z.
    TIDEGATE_HEADERS_X_RATELIMIT_ISO8601 = 2,
    /// mailiam's: X-RateLimit-RetryAfter on every response, X-RateLimit-Scope.
    TIDEGATE_HEADERS_MAILIAM = 3,
    /// draft-ietf-httpapi-ratelimit-headers-06: RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy.
    TIDEGATE_HEADERS_DRAFT_06 = 4,
    /// Draft 07: RateLimit: limit=, remaining=, reset=.
    TIDEGATE_HEADERS_DRAFT_07 = 5,
    /// Drafts 08 to 11: RateLimit: "name";r=;t= and RateLimit-Policy: "name";q=;w=.
    TIDEGATE_HEADERS_DRAFT_08 = 6,
    /// Retry-After on a refusal, and nothing else.
    TIDEGATE_HEADERS_RETRY_AFTER = 7,
}

/// cbindgen writes it as `tidegate_dialect`.
pub type dialect_code = i32;

/// One limit that applied to a request. Fill it with zeros, then set what you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_header_limit {
    /// The name of the policy, ended by NUL; NULL for none.
    pub name: *const c_char,
    /// Whom it counts, such as "api-key", ended by NUL; NULL for not said.
    pub scope: *const c_char,
    /// The period of its quota in nanoseconds; 0 for not said.
    pub window_ns: u64,
    /// What its limiter answered.
    pub decision: tidegate_decision,
    /// Must be 0.
    pub reserved: u64,
}

/// All lines, each ended by CR LF.
struct Lines<'a>(Fields<'a>);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().try_for_each(|(name, value)| write!(f, "{name}: {value}\r\n"))
    }
}

/// # Safety
/// `text` is NULL or ends with NUL.
unsafe fn text<'a>(text: *const c_char) -> Result<Option<&'a str>, tidegate_status> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and it ends with NUL as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|_| TIDEGATE_ERROR_NOT_UTF8)
}

/// # Safety
/// The texts are NULL or end with NUL.
unsafe fn service_limit<'a>(limit: &tidegate_header_limit) -> Result<ServiceLimit<'a>, tidegate_status> {
    if limit.reserved != 0 {
        return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
    }
    let d = &limit.decision;
    let outcome = match d.retry_after_ns {
        _ if d.allowed => Outcome::Allowed,
        u64::MAX => Outcome::Never,
        wait => Outcome::After(wait),
    };
    // SAFETY: promised by the caller.
    let (name, scope) = unsafe { (text(limit.name)?.unwrap_or_default(), text(limit.scope)?) };
    let mut service = ServiceLimit::new(name, d.limit, d.remaining, d.reset_after_ns).outcome(outcome);
    if let Some(scope) = scope {
        service = service.scope(scope);
    }
    if limit.window_ns != 0 {
        service = service.window(limit.window_ns);
    }
    Ok(service)
}

fn dialect(code: dialect_code) -> Result<Dialect, tidegate_status> {
    use tidegate_dialect::*;
    Ok(match code {
        code if code == TIDEGATE_HEADERS_X_RATELIMIT as i32 => Dialect::XRateLimit { reset: ResetStyle::Unix },
        code if code == TIDEGATE_HEADERS_X_RATELIMIT_DELTA as i32 => Dialect::XRateLimit { reset: ResetStyle::Delta },
        code if code == TIDEGATE_HEADERS_X_RATELIMIT_ISO8601 as i32 => {
            Dialect::XRateLimit { reset: ResetStyle::Iso8601 }
        }
        code if code == TIDEGATE_HEADERS_MAILIAM as i32 => Dialect::Mailiam,
        code if code == TIDEGATE_HEADERS_DRAFT_06 as i32 => Dialect::Draft06,
        code if code == TIDEGATE_HEADERS_DRAFT_07 as i32 => Dialect::Draft07,
        code if code == TIDEGATE_HEADERS_DRAFT_08 as i32 => Dialect::Draft08,
        code if code == TIDEGATE_HEADERS_RETRY_AFTER as i32 => Dialect::RetryAfter,
        _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    })
}

/// Writes the rate-limit headers of a response: lines of "Name: value", each ended by CR LF, and a NUL after the last. The dialects that speak of one limit
/// speak of the one that binds: refused, the one with the longest wait; allowed, the one of which the least share is left.
///
/// @param now_ns Nanoseconds since 1970-01-01T00:00Z.
/// @param limits The limits that applied to the request; none gives no headers. May be NULL if `count` is 0.
/// @param count Their number.
/// @param buffer Where to write; may be NULL if `capacity` is 0.
/// @param capacity Bytes at `buffer`. 512 are enough for one limit with short names.
/// @param[out] length Not NULL. The bytes of the lines without the NUL; also written for TIDEGATE_ERROR_BUFFER_TOO_SMALL.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_BUFFER_TOO_SMALL, and then only `length` was written; TIDEGATE_ERROR_NAME for a name or scope that no header can
/// hold; TIDEGATE_ERROR_NOT_UTF8; TIDEGATE_ERROR_UNKNOWN_VALUE for the dialect or a reserved field; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED,
/// TIDEGATE_ERROR_LENGTH for the others.
/// @pre `limits` points at `count` of them, whose texts end with NUL; `buffer` points at `capacity` bytes that may be written.
///
/// Thread safety: may be called from any thread; what the pointers point at must not be written by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_headers_format(
    dialect: dialect_code,
    now_ns: u64,
    limits: *const tidegate_header_limit,
    count: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (buffer, limits) = unsafe { (Buffer::new(buffer, capacity, length)?, borrow_many(limits, count)?) };
        let dialect = self::dialect(dialect)?;
        // SAFETY: the same contract.
        let limits = limits.iter().map(|limit| unsafe { service_limit(limit) });
        let limits = limits.collect::<Result<Vec<_>, _>>()?;
        let fields = dialect.encode(&Report::new(now_ns, &limits)).map_err(|error| match error {
            EncodeError::Name | EncodeError::Scope => TIDEGATE_ERROR_NAME,
            _ => TIDEGATE_ERROR_UNKNOWN_VALUE,
        })?;
        buffer.write(&Lines(fields))
    })
}

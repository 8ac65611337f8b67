//! The enums that C programs pass in: algorithm, anchor, refill, carry.
//!
//! C may pass any `int32_t` where the header says enum, and an unknown value in a Rust enum would be undefined behaviour. So functions and
//! structs take the `…_code` types, plain integers that cbindgen writes as the enums, and parse them here.

#[cfg(feature = "std")]
use tidegate::Carry;
use tidegate::{Algorithm, Anchor, Refill};

use crate::status::tidegate_status::{self, TIDEGATE_ERROR_UNKNOWN_VALUE};

/// Which limiter.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_algorithm {
    /// Generic cell rate algorithm: one permit every period / limit, with bursts up to the quota's burst.
    TIDEGATE_GCRA = 0,
    /// A bucket of `burst` tokens, refilled continuously (then it decides as GCRA does) or at whole intervals.
    TIDEGATE_TOKEN_BUCKET = 1,
    /// A count that starts anew in each window; up to twice the limit around a boundary.
    TIDEGATE_FIXED_WINDOW = 2,
    /// The count of this window plus the last one's, weighted by how much of it still lies within the period.
    TIDEGATE_SLIDING_WINDOW = 3,
    /// An exact rolling window: never more than the limit in any period. 8 bytes a permit, at most 2^18 - 1 permits.
    TIDEGATE_SLIDING_LOG = 4,
}

/// Where the windows of a fixed window, a sliding window or an interval refill begin.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_anchor {
    /// In a quota: as TIDEGATE_ANCHOR_CLOCK. In options: as the quota says.
    TIDEGATE_ANCHOR_DEFAULT = 0,
    /// `offset_ns` after the multiples of the period on the limiter's clock (with the default clock: of Unix time in UTC).
    TIDEGATE_ANCHOR_CLOCK = 1,
    /// At the first call that spends after everything spent before has been paid back. Fixed window and interval refill only.
    TIDEGATE_ANCHOR_FIRST_USE = 2,
    /// At local hours, days, weeks, months or years of a time zone. In a quota only; see tidegate_quota_make_calendar.
    TIDEGATE_ANCHOR_CALENDAR = 3,
}

/// How a token bucket gets its tokens back.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_refill {
    /// One token every period / limit.
    TIDEGATE_REFILL_CONTINUOUS = 0,
    /// `limit` tokens at once at the end of each whole period. Token bucket only.
    TIDEGATE_REFILL_INTERVAL = 1,
}

/// How the permits that are used pass to a new quota.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_carry {
    /// The time in which they are earned back stays.
    TIDEGATE_CARRY_TIME = 0,
    /// Their number stays.
    TIDEGATE_CARRY_PERMITS = 1,
    /// Their share of the capacity stays.
    TIDEGATE_CARRY_PROPORTIONAL = 2,
    /// Nothing: the limiter is as new and full.
    TIDEGATE_CARRY_RESET = 3,
}

/// cbindgen writes it as `tidegate_carry`.
#[cfg(feature = "std")]
pub type carry_code = i32;
/// cbindgen writes it as `tidegate_algorithm`.
pub type algorithm_code = i32;
/// cbindgen writes it as `tidegate_anchor`.
pub type anchor_code = i32;
/// cbindgen writes it as `tidegate_refill`.
pub type refill_code = i32;

pub fn algorithm(code: algorithm_code) -> Result<Algorithm, tidegate_status> {
    use tidegate_algorithm::*;
    Ok(match code {
        code if code == TIDEGATE_GCRA as i32 => Algorithm::Gcra,
        code if code == TIDEGATE_TOKEN_BUCKET as i32 => Algorithm::TokenBucket,
        code if code == TIDEGATE_FIXED_WINDOW as i32 => Algorithm::FixedWindow,
        code if code == TIDEGATE_SLIDING_WINDOW as i32 => Algorithm::SlidingWindow,
        code if code == TIDEGATE_SLIDING_LOG as i32 => Algorithm::SlidingLog,
        _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    })
}

/// `None` for the default. An offset belongs to the clock; elsewhere it is refused rather than ignored.
pub fn anchor(code: anchor_code, offset_ns: u64) -> Result<Option<Anchor>, tidegate_status> {
    use tidegate_anchor::*;
    match (code, offset_ns) {
        (code, 0) if code == TIDEGATE_ANCHOR_DEFAULT as i32 => Ok(None),
        (code, 0) if code == TIDEGATE_ANCHOR_CLOCK as i32 => Ok(Some(Anchor::Clock)),
        (code, offset) if code == TIDEGATE_ANCHOR_CLOCK as i32 => Ok(Some(Anchor::Offset(offset))),
        (code, 0) if code == TIDEGATE_ANCHOR_FIRST_USE as i32 => Ok(Some(Anchor::FirstUse)),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    }
}

pub fn refill(code: refill_code) -> Result<Refill, tidegate_status> {
    use tidegate_refill::*;
    match code {
        code if code == TIDEGATE_REFILL_CONTINUOUS as i32 => Ok(Refill::Continuous),
        code if code == TIDEGATE_REFILL_INTERVAL as i32 => Ok(Refill::Interval),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    }
}

#[cfg(feature = "std")]
pub fn carry(code: carry_code) -> Result<Carry, tidegate_status> {
    use tidegate_carry::*;
    match code {
        code if code == TIDEGATE_CARRY_TIME as i32 => Ok(Carry::Time),
        code if code == TIDEGATE_CARRY_PERMITS as i32 => Ok(Carry::Permits),
        code if code == TIDEGATE_CARRY_PROPORTIONAL as i32 => Ok(Carry::Proportional),
        code if code == TIDEGATE_CARRY_RESET as i32 => Ok(Carry::Reset),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    }
}

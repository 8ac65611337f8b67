//! Calendar quotas: windows of local hours, days, weeks, months and years.
//!
//! A quota in C is a plain value without room for the name of a time zone, so each calendar gets a number when it is first met.

use core::ffi::{CStr, c_char};
use std::sync::{Mutex, PoisonError};

use tidegate::{Calendar, CalendarUnit, Quota};

use crate::guard::{Out, guard};
use crate::quota::tidegate_quota;
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_NOT_UTF8, TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_UNKNOWN_VALUE,
};

/// A unit of the calendar.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_calendar_unit {
    /// From the top of the local hour.
    TIDEGATE_CALENDAR_HOUR = 0,
    /// From local midnight.
    TIDEGATE_CALENDAR_DAY = 1,
    /// From Monday's midnight.
    TIDEGATE_CALENDAR_WEEK = 2,
    /// From the midnight of the first of the month.
    TIDEGATE_CALENDAR_MONTH = 3,
    /// From the midnight of 1 January.
    TIDEGATE_CALENDAR_YEAR = 4,
}

/// cbindgen writes it as `tidegate_calendar_unit`.
pub type calendar_unit_code = i32;

/// The calendars met so far; the first has the number 1. At most five for each zone of the database, kept for the life of the process as
/// the core keeps them.
static MET: Mutex<Vec<Calendar>> = Mutex::new(Vec::new());

pub fn number(calendar: Calendar) -> u32 {
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let index = met.iter().position(|known| *known == calendar).unwrap_or_else(|| {
        met.push(calendar);
        met.len() - 1
    });
    // Some thousands at most.
    u32::try_from(index).unwrap_or(u32::MAX - 1) + 1
}

pub fn numbered(number: u32) -> Result<Calendar, tidegate_status> {
    let met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| met.get(index).copied()).ok_or(TIDEGATE_ERROR_UNKNOWN_VALUE)
}

/// Makes a quota of `limit` permits in each local hour, day, week, month or year of a time zone. Fixed windows only. Time is then nanoseconds since
/// 1970-01-01T00:00Z.
///
/// Days of 23 and 25 hours, midnights that do not exist or exist twice, and leap days are taken care of.
///
/// @param zone A name of the IANA database, such as "Europe/Paris" or "UTC", ended by NUL; in either case.
/// @param[out] quota Written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_UNKNOWN_ZONE; TIDEGATE_ERROR_UNKNOWN_VALUE for the unit; TIDEGATE_ERROR_ZERO_LIMIT; TIDEGATE_ERROR_NOT_UTF8;
/// TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer.
/// @pre `zone` ends with NUL.
///
/// Thread safety: may be called from any thread; `quota` must not be used by another one meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_quota_make_calendar(
    limit: u64,
    unit: calendar_unit_code,
    zone: *const c_char,
    quota: *mut tidegate_quota,
) -> tidegate_status {
    use tidegate_calendar_unit::*;
    guard(|| {
        // SAFETY: the same contract.
        let out = unsafe { Out::new(quota) }?;
        let unit = match unit {
            code if code == TIDEGATE_CALENDAR_HOUR as i32 => CalendarUnit::Hour,
            code if code == TIDEGATE_CALENDAR_DAY as i32 => CalendarUnit::Day,
            code if code == TIDEGATE_CALENDAR_WEEK as i32 => CalendarUnit::Week,
            code if code == TIDEGATE_CALENDAR_MONTH as i32 => CalendarUnit::Month,
            code if code == TIDEGATE_CALENDAR_YEAR as i32 => CalendarUnit::Year,
            _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
        };
        if zone.is_null() {
            return Err(TIDEGATE_ERROR_NULL);
        }
        // SAFETY: not NULL, and it ends with NUL by contract.
        let zone = unsafe { CStr::from_ptr(zone) }.to_str().map_err(|_| TIDEGATE_ERROR_NOT_UTF8)?;
        let quota = Calendar::new(unit, zone).and_then(|calendar| Quota::per_calendar(limit, calendar));
        out.write(quota.map_err(|error| tidegate_status::from(error.kind()))?.into());
        Ok(())
    })
}

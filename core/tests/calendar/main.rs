//! Windows of the calendar: civil cases with exact instants, windows that part time without gap or overlap, and every verb on them.
#![cfg(feature = "calendar")]

mod civil;
#[path = "../common/mod.rs"]
mod common;
mod partition;
mod quotas;
mod twin;
mod verbs;

use tidegate::{Calendar, CalendarUnit};

/// Nanoseconds of an instant in RFC 3339.
fn at(instant: &str) -> u64 {
    let instant: jiff::Timestamp = instant.parse().expect(instant);
    u64::try_from(instant.as_nanosecond()).expect("from 1970 on")
}

fn calendar(unit: CalendarUnit, zone: &str) -> Calendar {
    Calendar::new(unit, zone).unwrap_or_else(|error| panic!("{zone}: {error}"))
}

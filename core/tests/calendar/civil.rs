//! What clocks on walls have done, with the instants at which windows begin.

use tidegate::CalendarUnit::{self, Day, Hour, Month, Week, Year};

use crate::{at, calendar};

/// What it shows, the windows, and where they begin one after another.
const CASES: [(&str, CalendarUnit, &str, &[&str]); 32] = [
    ("a day in UTC", Day, "UTC", &["2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"]),
    ("a day of 23 hours", Day, "Europe/Paris", &["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]),
    ("a day of 25 hours", Day, "Europe/Paris", &["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]),
    (
        "a midnight that does not exist: the day begins at 01:00",
        Day,
        "America/Sao_Paulo",
        &["2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"],
    ),
    ("the same in Asia", Day, "Asia/Beirut", &["2022-03-25T22:00:00Z", "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z"]),
    (
        "a midnight that exists twice, 01:00 set back to 00:00: the first",
        Day,
        "America/Havana",
        &["2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"],
    ),
    (
        "set back over midnight, 00:01 to 23:01: the first midnight",
        Day,
        "America/St_Johns",
        &["2006-10-28T02:30:00Z", "2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"],
    ),
    (
        "set back at midnight to 23:00: midnight exists once, an hour later",
        Day,
        "America/Sao_Paulo",
        &["2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"],
    ),
    (
        "set back at midnight by half an hour",
        Day,
        "Asia/Pyongyang",
        &["2015-08-13T15:00:00Z", "2015-08-14T15:30:00Z", "2015-08-15T15:30:00Z"],
    ),
    (
        "a date that the zone skipped, 2011-12-30: no window",
        Day,
        "Pacific/Apia",
        &["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"],
    ),
    (
        "a date that the zone skipped, 1993-08-21",
        Day,
        "Pacific/Kwajalein",
        &["1993-08-20T12:00:00Z", "1993-08-21T12:00:00Z", "1993-08-22T12:00:00Z"],
    ),
    (
        "an offset with seconds",
        Day,
        "Africa/Monrovia",
        &["1971-12-31T00:44:30Z", "1972-01-01T00:44:30Z", "1972-01-02T00:44:30Z"],
    ),
    (
        "the same, and its end: a midnight that does not exist",
        Day,
        "Africa/Monrovia",
        &["1972-01-06T00:44:30Z", "1972-01-07T00:44:30Z", "1972-01-08T00:00:00Z"],
    ),
    ("a leap day", Day, "UTC", &["2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"]),
    ("a February with a leap day", Month, "UTC", &["2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"]),
    ("2100 has none", Day, "UTC", &["2100-02-28T00:00:00Z", "2100-03-01T00:00:00Z"]),
    ("the month without a day", Month, "Pacific/Apia", &["2011-12-01T10:00:00Z", "2011-12-31T10:00:00Z"]),
    ("the week without a Friday", Week, "Pacific/Apia", &["2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z"]),
    (
        "the year without a last day",
        Year,
        "Pacific/Kiritimati",
        &["1994-01-01T10:00:00Z", "1994-12-31T10:00:00Z", "1995-12-31T10:00:00Z"],
    ),
    (
        "an ISO week over the new year, and one with summer time",
        Week,
        "Europe/Paris",
        &["2025-12-28T23:00:00Z", "2026-01-04T23:00:00Z"],
    ),
    ("a week of 167 hours", Week, "Europe/Paris", &["2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"]),
    ("a month of 31 days less an hour", Month, "Europe/Paris", &["2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"]),
    ("a period from 2026-01-01 to 2026-01-31", Month, "UTC", &["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
    (
        "a leap year",
        Year,
        "America/New_York",
        &["2024-01-01T05:00:00Z", "2025-01-01T05:00:00Z", "2026-01-01T05:00:00Z"],
    ),
    (
        "the hour that summer time takes away has no window",
        Hour,
        "Europe/Paris",
        &["2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"],
    ),
    (
        "the hour that comes twice is one window",
        Hour,
        "Europe/Paris",
        &["2026-10-24T23:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"],
    ),
    ("the top of the hour, half an hour off", Hour, "Asia/Kolkata", &["2026-01-01T00:30:00Z", "2026-01-01T01:30:00Z"]),
    ("and three quarters", Hour, "Asia/Kathmandu", &["2026-01-01T00:15:00Z", "2026-01-01T01:15:00Z"]),
    (
        "set back by half an hour, 02:00 to 01:30: an hour of 90 minutes",
        Hour,
        "Australia/Lord_Howe",
        &["2026-04-04T13:00:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z", "2026-04-04T16:30:00Z"],
    ),
    (
        "put forward by half an hour, 02:00 to 02:30: an hour of 30 minutes",
        Hour,
        "Australia/Lord_Howe",
        &["2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z"],
    ),
    (
        "set back by two hours, 03:00 to 01:00: the hours 01 and 02 are one window",
        Hour,
        "Antarctica/Troll",
        &["2026-10-24T22:00:00Z", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z", "2026-10-25T04:00:00Z"],
    ),
    (
        "set back over midnight, 00:01 to 23:01: the hours 23 and 00 are one window",
        Hour,
        "America/St_Johns",
        &["2006-10-29T00:30:00Z", "2006-10-29T01:30:00Z", "2006-10-29T04:30:00Z", "2006-10-29T05:30:00Z"],
    ),
];

#[test]
fn windows_begin_where_the_clock_on_the_wall_says() {
    for (what, unit, zone, starts) in CASES {
        let calendar = calendar(unit, zone);
        for pair in starts.windows(2) {
            let (start, end) = (at(pair[0]), at(pair[1]));
            for now in [start, start + 1, start + (end - start) / 2, end - 1] {
                assert_eq!(calendar.window_at(now), start..end, "{what}: {unit} in {zone} from {}", pair[0]);
            }
        }
    }
}

#[test]
fn a_minute_of_an_hour_put_forward_is_a_window_of_its_own() {
    // 00:01 becomes 01:01.
    let hours = calendar(Hour, "America/St_Johns");
    assert_eq!(hours.window_at(at("2006-04-02T03:30:30Z")), at("2006-04-02T03:30:00Z")..at("2006-04-02T03:31:00Z"));
    assert_eq!(hours.window_at(at("2006-04-02T03:31:00Z")), at("2006-04-02T03:31:00Z")..at("2006-04-02T04:30:00Z"));
}

#[test]
fn the_first_window_begins_with_the_clock_and_the_last_one_ends_after_it() {
    let end = (1 << 63) - 1;
    for zone in ["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Africa/Monrovia"] {
        for unit in CalendarUnit::ALL {
            let calendar = calendar(unit, zone);
            assert_eq!(calendar.window_at(0).start, 0, "{calendar}");
            let last = calendar.window_at(end);
            assert_eq!(calendar.window_at(u64::MAX), last);
            assert!(last.contains(&end) && last.end < u64::MAX, "{calendar}: {last:?}");
            assert_eq!(calendar.window_at(last.start - 1).end, last.start, "{calendar}");
        }
    }
    // 2262-04-11T23:47:16Z.
    assert_eq!(calendar(Year, "UTC").window_at(end), at("2262-01-01T00:00:00Z")..at("2263-01-01T00:00:00Z"));
    assert_eq!(calendar(Year, "Europe/Paris").window_at(end), at("2261-12-31T23:00:00Z")..at("2262-12-31T23:00:00Z"));
    assert_eq!(calendar(Hour, "America/New_York").window_at(0), 0..3_600_000_000_000);
    assert_eq!(calendar(Year, "America/New_York").window_at(0), 0..5 * 3_600_000_000_000);
}

#[test]
fn one_calendar_for_each_unit_and_zone_whatever_the_case() {
    assert_eq!(calendar(Day, "europe/PARIS"), calendar(Day, "Europe/Paris"));
    assert_ne!(calendar(Day, "Europe/Paris"), calendar(Week, "Europe/Paris"));
    assert_ne!(calendar(Day, "Europe/Paris"), calendar(Day, "Europe/Brussels"));
    assert_eq!(calendar(Day, "europe/paris").zone(), "Europe/Paris");
    assert_eq!(calendar(Day, "Asia/Kolkata").unit(), Day);
}

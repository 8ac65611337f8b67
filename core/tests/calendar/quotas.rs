//! Calendar quotas as text and as values; who takes them and who does not.

use tidegate::CalendarUnit::{Day, Hour, Month};
use tidegate::QuotaErrorKind as Kind;
use tidegate::{Algorithm, Anchor, KeyedLimiter, Limiter, Quota, Refill, parse_list};

use crate::calendar;

#[test]
fn text_reads_as_its_calendar_and_is_written_back() {
    let day = Quota::per_calendar(1_000, calendar(Day, "Europe/Paris")).expect("legal");
    for text in [
        "1000 per calendar day in Europe/Paris",
        "1000/calendar day in europe/paris",
        "1_000 PER CALENDAR DAY IN EUROPE/PARIS",
        " 1000 \t per  calendar\nday in  Europe/Paris  ",
    ] {
        assert_eq!(text.parse(), Ok(day), "{text:?}");
    }
    assert_eq!(day.to_string(), "1000 per calendar day in Europe/Paris");
    assert_eq!(day.period().as_secs(), 86_400);
    assert_eq!(day.anchored(), Anchor::Calendar(calendar(Day, "Europe/Paris")));

    let utc: Quota = "5 per calendar month".parse().expect("UTC if nothing is said");
    assert_eq!(utc, Quota::per_calendar(5, calendar(Month, "UTC")).expect("legal"));
    assert_eq!(utc.to_string(), "5 per calendar month in UTC");
    assert_eq!(utc.burst(7).expect("legal").to_string().parse(), utc.burst(7));

    // Names with every character that a name may have.
    for zone in ["America/Port-au-Prince", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "GB-Eire", "EST5EDT"] {
        let quota: Quota = format!("7 per calendar hour in {zone}").parse().expect(zone);
        assert_eq!(quota.to_string().parse(), Ok(quota));
        assert!(quota.to_string().ends_with(zone));
    }

    let list: Vec<_> = parse_list("10/s; 100 per calendar hour in Asia/Kolkata;1000 per calendar day").collect();
    assert!(list.len() == 3 && list.iter().all(Result::is_ok), "{list:?}");
}

#[test]
fn bad_text_is_an_error_with_its_position() {
    let cases = [
        ("5 per calendar", Kind::ExpectedCalendarUnit, 14),
        ("5 per calendar moon", Kind::ExpectedCalendarUnit, 15),
        ("5 per calendar minute", Kind::ExpectedCalendarUnit, 15),
        ("5 per calendar days", Kind::ExpectedCalendarUnit, 15),
        ("5 per 2 calendar day", Kind::ExpectedUnit, 8),
        ("5 per calendar day in", Kind::ExpectedZone, 21),
        ("5 per calendar day in ;", Kind::ExpectedZone, 22),
        ("5 per calendar day in \u{e9}", Kind::ExpectedZone, 22),
        ("5 per calendar day in Europe/Atlantis", Kind::UnknownZone, 22),
        ("5 per calendar day in ../../etc/passwd", Kind::ExpectedZone, 22),
        ("5 per calendar day in /etc/localtime", Kind::UnknownZone, 22),
        ("5 per calendar day in localtime", Kind::UnknownZone, 22),
        ("5 per calendar day Europe/Paris", Kind::TrailingText, 19),
        ("5 per calendar day in UTC in UTC", Kind::TrailingText, 26),
        ("5 per calendar day in UTC offset 1h", Kind::Repeated, 26),
        ("5 per calendar day from first use", Kind::Repeated, 19),
        ("0 per calendar day", Kind::ZeroLimit, 0),
        ("5 per calendar day burst 0", Kind::ZeroBurst, 25),
    ];
    for (text, kind, position) in cases {
        let error = text.parse::<Quota>().expect_err(text);
        assert_eq!((error.kind(), error.position()), (kind, Some(position)), "{text:?}: {error}");
    }
}

#[test]
fn an_unknown_zone_is_told_of_one_that_is_near() {
    let cases = [
        ("Europe/Pari", Some("Europe/Paris")),
        ("europe/londn", Some("Europe/London")),
        ("Paris", Some("Europe/Paris")),
        ("America/NewYork", Some("America/New_York")),
        ("Asia/Calcuta", Some("Asia/Calcutta")),
        ("Kiev", Some("Europe/Kiev")),
        ("zzzzzz", None),
        ("+02:00", None),
    ];
    for (name, near) in cases {
        let error = tidegate::Calendar::new(Day, name).expect_err(name);
        assert_eq!((error.kind(), error.suggestion()), (Kind::UnknownZone, near), "{name}");
    }
    let error = "9 per calendar day in Europe/Pari".parse::<Quota>().expect_err("unknown");
    assert_eq!(error.to_string(), "at position 22: there is no such time zone; did you mean \"Europe/Paris\"?");
    for hostile in [String::new(), "x".repeat(1 << 20), "\0".into(), "Europe\u{0}/Paris".into(), "../Paris".into()] {
        let error = tidegate::Calendar::new(Day, &hostile).expect_err("unknown");
        assert_eq!(error.kind(), Kind::UnknownZone);
    }
}

#[test]
fn only_a_fixed_window_takes_a_calendar() {
    let quota: Quota = "10 per calendar day in Europe/Paris".parse().expect("legal");
    for algorithm in Algorithm::ALL {
        let limiter = Limiter::new(algorithm, quota);
        let keyed: Result<KeyedLimiter<str>, _> = KeyedLimiter::builder(algorithm, quota).max_keys(10).build();
        if algorithm == Algorithm::FixedWindow {
            assert!(limiter.is_ok() && keyed.is_ok());
        } else {
            assert_eq!(limiter.expect_err("refused").kind(), Kind::CalendarNeedsWindow, "{algorithm}");
            assert!(keyed.is_err());
        }
    }
    let interval = Limiter::builder(Algorithm::TokenBucket, quota).refill(Refill::Interval).build_at(0);
    assert_eq!(interval.expect_err("refused").kind(), Kind::CalendarNeedsWindow);
    let burst = Limiter::new(Algorithm::FixedWindow, quota.burst(11).expect("legal"));
    assert_eq!(burst.expect_err("refused").kind(), Kind::BurstUnsupported);
}

/// What the bits beside the number of the window hold, and one more.
#[test]
fn the_largest_limits() {
    for (text, bits) in [("hour", 22), ("day", 17), ("week", 14), ("month", 12), ("year", 9)] {
        let largest = (1u64 << (63 - bits)) - 1;
        for zone in ["UTC", "Pacific/Kiritimati", "America/New_York"] {
            let quota =
                |limit: u64| -> Quota { format!("{limit} per calendar {text} in {zone}").parse().expect("legal") };
            let limiter = Limiter::builder(Algorithm::FixedWindow, quota(largest)).build_at(0).expect("held");
            assert!(limiter.charge_at(5, largest).is_allowed() && limiter.charge_at(5, largest).is_allowed());
            assert!(!limiter.charge_at(5, 1).is_allowed());
            let error =
                Limiter::builder(Algorithm::FixedWindow, quota(largest + 1)).build_at(0).expect_err("too large");
            assert_eq!(error.kind(), Kind::LimitTooLarge, "{text}");
        }
    }
    let error = Limiter::new(Algorithm::FixedWindow, "18446744073709551615 per calendar year".parse().expect("text"));
    assert_eq!(error.expect_err("too large").kind(), Kind::LimitTooLarge);
}

#[test]
fn windows_of_other_quotas() {
    let quota = |text: &str| text.parse::<Quota>().expect(text);
    assert_eq!(quota("5/10ns").window_at(25), Some(20..30));
    assert_eq!(quota("5/10ns offset 3ns").window_at(25), Some(23..33));
    assert_eq!(quota("5/10ns offset 3ns").window_at(22), Some(13..23));
    assert_eq!(quota("5/10ns offset 3ns").window_at(2), Some(0..3));
    assert_eq!(quota("5/10ns from first use").window_at(2), None);
    let widest = Quota::from_nanos(1, 1 << 62).expect("legal").anchor(Anchor::Offset(u64::MAX));
    assert!(widest.window_at(u64::MAX).expect("a window").contains(&((1 << 63) - 1)));
    let hour = quota("5 per calendar hour in Asia/Kolkata");
    assert_eq!(hour.window_at(7), Some(calendar(Hour, "Asia/Kolkata").window_at(7)));
    // The windows are those of the limiter.
    for text in ["3/7ns", "3/7ns offset 5ns", "3/7ns offset 900ns"] {
        let limiter = Limiter::builder(Algorithm::FixedWindow, quota(text)).build_at(0).expect("held");
        for now in 0..100 {
            let end = quota(text).window_at(now).expect("windows").end;
            limiter.reset();
            assert!(limiter.try_acquire_at(now, 3));
            assert_eq!(limiter.take_at(now, 1).retry_after_nanos(), Some(end - now), "{text} at {now}");
        }
    }
}

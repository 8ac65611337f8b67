//! Every verb on windows of the calendar, in one limiter and one a key.

use std::sync::Arc;
use std::time::Duration;

use tidegate::{Algorithm, Carry, KeyedLimiter, Limiter, LimiterGroup, ManualClock, Quota, Refusal, WhenFull};

use crate::at;

const HOUR: u64 = 3_600_000_000_000;

fn quota(text: &str) -> Quota {
    text.parse().expect(text)
}

fn limiter(text: &str) -> Limiter {
    Limiter::builder(Algorithm::FixedWindow, quota(text)).build_at(0).expect(text)
}

/// 2026-10-25 in Paris has 25 hours: from 22:00Z the day before to 23:00Z.
const PARIS: &str = "10 per calendar day in Europe/Paris";

#[test]
fn a_day_of_25_hours_passes_its_limit_once() {
    let limiter = limiter(PARIS);
    let (start, end) = (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"));
    assert!(limiter.try_acquire_at(start - 1, 10));
    assert!(limiter.try_acquire_at(start, 4) && limiter.try_acquire_at(start + 24 * HOUR + HOUR / 2, 6));
    let denied = limiter.take_at(end - HOUR, 1);
    assert_eq!((denied.is_allowed(), denied.remaining(), denied.limit()), (false, 0, 10));
    assert_eq!(denied.retry_after_nanos(), Some(HOUR));
    assert_eq!(denied.reset_after_nanos(), HOUR);
    assert_eq!(limiter.take_at(end - 1, 1).retry_after_nanos(), Some(1));
    assert!(!limiter.try_acquire_at(end - 1, 1));
    let next = limiter.take_at(end, 10);
    assert!(next.is_allowed());
    assert_eq!(next.reset_after_nanos(), 24 * HOUR);
    assert!(limiter.take_at(end, 11).is_never());
}

#[test]
fn time_that_runs_back_mints_nothing() {
    let limiter = limiter(PARIS);
    let midnight = at("2026-10-24T22:00:00Z");
    assert!(limiter.try_acquire_at(midnight + 1, 10));
    for late in [midnight - 1, midnight - 30 * HOUR, 0] {
        let denied = limiter.take_at(late, 1);
        assert!(!denied.is_allowed());
        // Judged in the later window, so the wait ends with that one.
        assert_eq!(denied.retry_after_nanos(), Some(at("2026-10-25T23:00:00Z") - late));
    }
    assert!(limiter.try_acquire_at(at("2026-10-25T23:00:00Z"), 10));
}

#[test]
fn no_clock_brings_it_out_of_order() {
    for text in ["10 per calendar hour in Asia/Kolkata", PARIS, "10 per calendar year in America/New_York"] {
        let limiter = limiter(text);
        assert!(limiter.try_acquire_at(0, 10) && !limiter.try_acquire_at(1, 1));
        assert!(limiter.try_acquire_at(u64::MAX, 10));
        let denied = limiter.take_at(u64::MAX, 1);
        // The window in which the clock ends has no next one on it.
        assert_eq!((denied.retry_after_nanos(), denied.reset_after_nanos()), (None, u64::MAX));
        assert!(!limiter.try_acquire_at(0, 1));
        assert_eq!(limiter.horizon(), (1 << 63) - 1);
    }
}

#[test]
fn reservations_stand_in_line_for_the_next_windows() {
    let limiter = limiter(PARIS);
    let now = at("2026-10-24T12:00:00Z");
    let (first, second, third) = (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"), at("2026-10-26T23:00:00Z"));
    let booked = |cost| limiter.reserve_at(now, cost, u64::MAX).ok().map(|slot| slot.at_nanos());
    assert_eq!(booked(8), Some(now));
    // What is left of today is closed: it waits at the head of the line.
    assert_eq!(booked(5), Some(first));
    assert!(!limiter.try_acquire_at(now, 1));
    assert_eq!(booked(6), Some(second));
    assert_eq!(booked(4), Some(second));
    assert_eq!(booked(1), Some(third));
    let refused = limiter.reserve_at(now, 10, third - now).expect_err("the day after");
    assert_eq!(refused.refusal(), Refusal::WaitTooLong);
    // They run; nobody else gets in between.
    assert_eq!(limiter.peek_at(first, 1).retry_after_nanos(), Some(third - first));
    assert_eq!(limiter.peek_at(third, 1).remaining(), 9);
}

/// Permits booked for a day that the zone skips would meet those of the next one.
#[test]
fn a_date_that_was_skipped_takes_no_reservation_and_pays_no_debt() {
    let text = "10 per calendar day in Pacific/Apia";
    let now = at("2011-12-30T09:00:00Z"); // the 29th, 23:00
    let (after, next) = (at("2011-12-30T10:00:00Z"), at("2011-12-31T10:00:00Z"));
    let line = limiter(text);
    let booked: Vec<u64> = (0..3).map(|_| line.reserve_at(now, 10, u64::MAX).expect("booked").at_nanos()).collect();
    assert_eq!(booked, [now, after, next], "the 29th, the 31st, the 1st");

    let debt = limiter(text);
    assert!(debt.charge_at(now, 20).is_allowed());
    assert_eq!(debt.take_at(now, 1).retry_after_nanos(), Some(next - now));
    assert!(!debt.try_acquire_at(after, 1), "the 30th paid nothing");
    assert!(debt.try_acquire_at(next, 10));
}

#[test]
fn a_group_waits_for_midnight_together() {
    let second = Limiter::builder(Algorithm::Gcra, quota("2/s")).build_at(0).expect("held");
    let group = LimiterGroup::new([("second", second), ("day", limiter(PARIS))]).expect("a group");
    let (now, midnight) = (at("2026-10-24T21:59:59Z"), at("2026-10-24T22:00:00Z"));
    for earlier in (0..5).rev() {
        assert!(group.try_acquire_at(now - earlier * HOUR, 2));
    }
    let denied = group.take_at(now, 1);
    assert_eq!((denied.binding(), denied.retry_after_nanos()), (Some("day"), Some(midnight - now)));
    let slot = group.reserve_at(now, 2, u64::MAX).expect("booked");
    assert_eq!(slot.at_nanos(), midnight);
    // The second keeps its permits for midnight, too.
    assert!(!group.get("second").expect("there").try_acquire_at(midnight, 1));
    assert_eq!(group.get("day").expect("there").peek_at(midnight, 1).remaining(), 8);
    group.cancel_at(now, slot);
    assert_eq!(group.peek_at(midnight, 1).remaining(), 2);
}

#[test]
fn refund_charge_cancel_and_reset() {
    let limiter = limiter(PARIS);
    let (now, midnight) = (at("2026-10-24T12:00:00Z"), at("2026-10-24T22:00:00Z"));
    assert!(limiter.try_acquire_at(now, 10));
    limiter.refund_at(now, 3);
    assert_eq!(limiter.peek_at(now, 1).remaining(), 3);
    limiter.refund_at(midnight, 3);
    assert_eq!(limiter.peek_at(midnight, 1).remaining(), 10, "a refund after its window has passed changes nothing");

    limiter.reset();
    let charged = limiter.charge_at(now, 15);
    assert_eq!((charged.is_allowed(), charged.retry_after_nanos()), (true, Some(midnight - now)));
    assert_eq!(limiter.charge_at(now, 6).retry_after_nanos(), Some(midnight - now));
    assert_eq!(limiter.peek_at(midnight, 1).remaining(), 5);
    limiter.reset();
    assert!(limiter.try_acquire_at(now, 9));
    let slot = limiter.reserve_at(now, 5, u64::MAX).expect("booked");
    assert_eq!(slot.at_nanos(), midnight);
    limiter.cancel_at(now, slot);
    assert_eq!(limiter.peek_at(now, 1).remaining(), 1);
}

#[test]
fn another_quota_and_another_calendar() {
    let limiter = limiter(PARIS);
    let now = at("2026-10-24T12:00:00Z");
    assert!(limiter.try_acquire_at(now, 8));
    limiter.reconfigure_at(now, quota("20 per calendar day in Europe/Paris"), Carry::Proportional).expect("carried");
    assert_eq!(limiter.peek_at(now, 1).remaining(), 4);
    limiter.reconfigure_at(now, quota("100 per calendar month in Asia/Tokyo"), Carry::Permits).expect("carried");
    assert_eq!(limiter.peek_at(now, 1).remaining(), 84);
    assert_eq!(limiter.peek_at(now, 1).reset_after_nanos(), at("2026-10-31T15:00:00Z") - now);
    limiter.reconfigure_at(now, quota("50/h"), Carry::Permits).expect("carried");
    assert_eq!((limiter.peek_at(now, 1).remaining(), limiter.peek_at(now, 1).reset_after_nanos()), (34, HOUR));
    // The time in which it is earned back: 16 of 50 an hour are 7.68 of 24 an hour.
    limiter.reconfigure_at(now, quota("24 per calendar hour in UTC"), Carry::Time).expect("carried");
    assert_eq!(limiter.peek_at(now, 1).remaining(), 16);
    let refused = limiter.reconfigure_at(now, quota("18446744073709551615 per calendar year"), Carry::Reset);
    assert!(refused.is_err() && limiter.quota() == quota("24 per calendar hour"));
}

/// What is used is carried over by time to one permit a second of each unit's mean length.
#[test]
fn lengths_that_a_change_of_quota_goes_by() {
    for (unit, mean) in
        [("hour", 3_600), ("day", 86_400), ("week", 604_800), ("month", 2_629_746), ("year", 31_556_952)]
    {
        let limiter = limiter("50/h");
        let now = at("2026-02-14T12:00:00Z");
        assert!(limiter.try_acquire_at(now, 16));
        limiter
            .reconfigure_at(now, quota(&format!("{mean} per calendar {unit} in UTC")), Carry::Time)
            .expect("carried");
        // 16 of 50 an hour are 1,152 seconds.
        assert_eq!(limiter.peek_at(now, 1).remaining(), mean - 1_152, "{unit}");
    }
}

#[test]
fn a_snapshot_goes_on_in_its_window() {
    let before = limiter(PARIS);
    let now = at("2026-10-24T12:00:00Z");
    assert!(before.try_acquire_at(now, 10));
    let after = Limiter::from_snapshot(&before.snapshot()).expect("its own");
    assert_eq!(after.take_at(now, 1), before.take_at(now, 1));
    assert!(after.restore(&limiter("10 per calendar day in Europe/Brussels").snapshot()).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_travels_as_text() {
    let before = limiter(PARIS);
    let now = at("2026-10-24T12:00:00Z");
    assert!(before.try_acquire_at(now, 7));
    let text = serde_json::to_string(&before.snapshot()).expect("text");
    assert!(text.contains("\"10 per calendar day in Europe/Paris\""), "{text}");
    let kept: tidegate::Snapshot = serde_json::from_str(&text).expect("read back");
    assert_eq!(kept, before.snapshot());
    assert_eq!(Limiter::from_snapshot(&kept).expect("its own").peek_at(now, 1).remaining(), 3);
    let elsewhere = text.replace("Europe/Paris", "Europe/Atlantis");
    let error = serde_json::from_str::<tidegate::Snapshot>(&elsewhere).expect_err("no such zone").to_string();
    assert!(error.contains("no such time zone"), "{error}");

    let keyed: KeyedLimiter<str> =
        KeyedLimiter::builder(Algorithm::FixedWindow, quota(PARIS)).max_keys(100).build_at(now).expect("held");
    assert!(keyed.try_acquire_at("a", now, 10));
    let text = serde_json::to_string(&keyed.snapshot_at(now)).expect("text");
    let after = KeyedLimiter::<str>::from_snapshot(&serde_json::from_str(&text).expect("read back")).expect("its own");
    assert!(!after.try_acquire_at("a", now, 1) && after.try_acquire_at("b", now, 10));
}

#[test]
fn each_key_has_its_day() {
    let (now, midnight) = (at("2026-10-24T12:00:00Z"), at("2026-10-24T22:00:00Z"));
    let clock = Arc::new(ManualClock::new(now));
    let keyed: KeyedLimiter<u32> = KeyedLimiter::builder(Algorithm::FixedWindow, quota(PARIS))
        .max_keys(1_000)
        .shared_clock(clock.clone())
        .build()
        .expect("held");
    for key in 0..500 {
        assert!(keyed.try_acquire(&key, 10) && !keyed.try_acquire(&key, 1), "{key}");
    }
    assert_eq!(keyed.take(&0, 1).retry_after(), Some(Duration::from_nanos(midnight - now)));
    let slot = keyed.reserve(&1, 10, Duration::from_secs(86_400)).expect("booked");
    assert_eq!(slot.at_nanos(), midnight);
    keyed.refund(&2, 4);
    assert_eq!(keyed.peek(&2, 1).remaining(), 4);
    assert!(keyed.charge(&3, 10).is_allowed() && !keyed.charge(&3, 1).is_allowed());
    clock.set(midnight);
    assert!(keyed.try_acquire(&0, 10) && !keyed.try_acquire(&1, 1), "who reserved has tomorrow's");
    keyed.cancel(&1, slot.into_slot());
    // Idle keys make room; nobody is evicted.
    for key in 500..1_400 {
        assert!(keyed.try_acquire(&key, 10), "{key}");
    }
    assert_eq!(keyed.evictions(), 0);
}

/// A key that was forgotten as idle just after midnight is not new again for a clock that is still before it, even if the table was made
/// in the last moments of a window.
#[test]
fn a_forgotten_key_is_not_new_to_a_late_clock() {
    let midnight = at("2026-10-24T22:00:00Z");
    for text in [PARIS, "10 per calendar hour in Asia/Tokyo", "10 per calendar month in UTC", "10/h", "10/d offset 22h"]
    {
        let start = quota(text).window_at(midnight - 1).expect("windows").start;
        let end = quota(text).window_at(midnight - 1).expect("windows").end;
        let keyed: KeyedLimiter<u32> = KeyedLimiter::builder(Algorithm::FixedWindow, quota(text))
            .max_keys(1)
            .when_full(WhenFull::Refuse)
            .build_at(end - 1)
            .expect("held");
        assert!(keyed.try_acquire_at(&1, start, 10));
        // Idle now, and forgotten for a newcomer, who leaves again.
        assert!(keyed.try_acquire_at(&2, end, 10));
        assert!(keyed.reset(&2));
        let late = keyed.take_at(&1, start + 5, 10);
        assert!(
            !late.is_allowed() || keyed.take_at(&1, end, 1).remaining() == 0,
            "{text}: it counts in the window after"
        );
        let again = keyed.take_at(&1, end, 10);
        assert!(!(late.is_allowed() && again.is_allowed()), "{text}: ten in all after the first ten");
    }
}

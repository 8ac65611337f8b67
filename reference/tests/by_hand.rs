//! Each family on examples small enough to be worked out on paper; the arithmetic stands beside them.

use tidegate_reference::{Algorithm, Anchor, Carry, Config, Decision, END, Model, Refill, State};

fn model(algorithm: Algorithm, limit: u64, period: u64, burst: u64) -> Model {
    Model::new(Config::new(algorithm, limit, period, burst)).unwrap()
}

fn decision(allowed: bool, limit: u64, remaining: u64, retry_after: Option<u64>, reset_after: u64) -> Decision {
    Decision { allowed, limit, remaining, retry_after, reset_after }
}

#[test]
fn gcra() {
    // L = 3 per W = 10 ns, B = 2. floor(10 / 3) = 3, k = 1, T = 2 ticks; tick(t) = floor(t * 3 * 2 / 10) = floor(0.6 t).
    // cap = 2 * 2 = 4.
    let mut m = model(Algorithm::Gcra, 3, 10, 2);
    assert_eq!((m.span(), m.tick(9), m.tick(10)), (2, 5, 6));
    // At 0: tat = 2. remaining = (4 - 2) / 2 = 1. As new at tick 2: 0.6 t >= 2, t = 4 (2.4).
    assert_eq!(m.take(0, 1), decision(true, 2, 1, Some(0), 4));
    // tat = 4: as new at tick 4, t = 7 (4.2).
    assert_eq!(m.take(0, 1), decision(true, 2, 0, Some(0), 7));
    // 4 + 2 - 4 = tick 2: t = 4. Two permits: 4 + 4 - 4 = tick 4: t = 7.
    assert_eq!(m.take(0, 1), decision(false, 2, 0, Some(4), 7));
    assert_eq!(m.take(0, 2), decision(false, 2, 0, Some(7), 7));
    assert_eq!(m.take(0, 3), decision(false, 2, 0, None, 7));
    // At 3 the tick is 1: level 3, (4 - 3) / 2 = 0. One nanosecond to go.
    assert_eq!(m.take(3, 1), decision(false, 2, 0, Some(1), 4));
    // At 4 the tick is 2: level 2 + 2 <= 4. tat = 6, as new at t = 10.
    assert_eq!(m.take(4, 1), decision(true, 2, 0, Some(0), 6));
    // A refund of 1 at 4: tat = 4, remaining 1; of many: tat = 2, remaining 2.
    m.refund(4, 1);
    assert_eq!(m.peek(4, 0), decision(true, 2, 1, Some(0), 3));
    m.refund(4, u64::MAX);
    assert_eq!(m.peek(4, 2), decision(true, 2, 2, Some(0), 0));
}

#[test]
fn token_bucket_with_a_fill() {
    // L = 1 per 8 ns, B = 4, f = 1, made at 16: T = 8 ticks, tick = t. tat = 16 + 3 * 8 = 40.
    let config = Config { initial: Some(1), origin: 16, ..Config::new(Algorithm::TokenBucket, 1, 8, 4) };
    let mut m = Model::new(config).unwrap();
    assert_eq!(*m.state(), State::Arrival { tat: 40 });
    assert_eq!(m.peek(16, 1), decision(true, 4, 1, Some(0), 24));
    assert_eq!(m.take(16, 2), decision(false, 4, 1, Some(8), 24));
    m.reset();
    assert_eq!(m.peek(16, 4), decision(true, 4, 4, Some(0), 0));
}

#[test]
fn gcra_charge_and_reserve() {
    // L = 1 per 8 ns, B = 2: T = 8, cap = 16.
    let mut m = model(Algorithm::Gcra, 1, 8, 2);
    // 3 * 8 = 24 <= 32: spent. Within capacity again when tat - n = 24 - n <= 16: at 8.
    assert_eq!(m.charge(0, 3), decision(true, 2, 0, Some(8), 24));
    // 24 + 16 = 40 > 32: at 8 it is 16 + 16. 5 > 2B: never.
    assert_eq!(m.charge(0, 2), decision(false, 2, 0, Some(8), 24));
    assert_eq!(m.charge(0, 5), decision(false, 2, 0, None, 24));
    // In debt a refund gives nothing.
    m.refund(0, 1);
    assert_eq!(*m.state(), State::Arrival { tat: 24 });
    // 24 + 8 - 16 = 16.
    assert_eq!(m.reserve(0, 1, 15).unwrap_err(), decision(false, 2, 0, Some(16), 24));
    let first = m.reserve(0, 1, 16).unwrap();
    let second = m.reserve(0, 1, u64::MAX).unwrap();
    assert_eq!((first.at, second.at), (16, 24));
    // The second one waits behind the first: nothing. The last in line gives all back: 32.
    m.cancel(0, first);
    assert_eq!(*m.state(), State::Arrival { tat: 40 });
    m.cancel(0, second);
    assert_eq!(*m.state(), State::Arrival { tat: 32 });
}

#[test]
fn two_cancellations_do_not_free_an_instant_that_somebody_waits_for() {
    // B = 2, T = 1. Two run at 0, one waits for 1. Both that ran are given back at 0: 2 more may not run at 1.
    let mut m = model(Algorithm::Gcra, 1, 1, 2);
    let first = m.reserve(0, 1, 0).unwrap();
    let second = m.reserve(0, 1, 0).unwrap();
    assert_eq!(m.reserve(0, 1, 9).unwrap().at, 1);
    m.cancel(0, second);
    m.cancel(0, first);
    assert_eq!(m.reserve(0, 2, 9).unwrap().at, 3);
    // When nobody waits any more, what has not been earned back comes back: A = 2, n = 1, 1 tick of 2.
    let mut m = model(Algorithm::Gcra, 1, 1, 3);
    let slot = m.reserve(0, 2, 0).unwrap();
    assert!(m.take(0, 1).allowed);
    m.cancel(1, slot);
    assert_eq!(*m.state(), State::Arrival { tat: 2 });
}

#[test]
fn a_bucket_filled_by_intervals_is_no_larger_for_who_waits() {
    // B = L = 5: 1 used, 5 wait for the next interval. There the bucket is full and they take all of it.
    let config = Config { refill: Refill::Interval, ..Config::new(Algorithm::TokenBucket, 5, 10, 5) };
    let mut m = Model::new(config).unwrap();
    assert!(m.take(0, 1).allowed);
    assert_eq!(m.reserve(0, 5, 10).unwrap().at, 10);
    assert_eq!(m.take(10, 1), decision(false, 5, 0, Some(10), 10));
}

#[test]
fn fixed_window_by_the_clock() {
    // 2 per 10 ns, windows begin at 3, 13, 23: tick(t) = floor((t + 7) / 10).
    let config = Config { anchor: Anchor::Clock { offset: 23 }, ..Config::new(Algorithm::FixedWindow, 2, 10, 2) };
    let mut m = Model::new(config).unwrap();
    assert_eq!((m.tick(2), m.tick(3), m.tick(12), m.tick(13)), (0, 1, 1, 2));
    assert_eq!(m.take(2, 2), decision(true, 2, 0, Some(0), 1));
    assert_eq!(m.take(3, 1), decision(true, 2, 1, Some(0), 10));
    assert_eq!(m.take(3, 2), decision(false, 2, 1, Some(10), 10));
    // The reservation closes what is left of the window: u = max(1, 1 * 2) + 2 = 4.
    let slot = m.reserve(3, 2, 10).unwrap();
    assert_eq!((slot.at, m.state().clone()), (13, State::Interval { s: 1, u: 4 }));
    assert_eq!(m.take(3, 1), decision(false, 2, 0, Some(20), 20));
    m.cancel(3, slot);
    assert_eq!(m.peek(3, 1), decision(true, 2, 1, Some(0), 10));
    // Clocks that run back are judged in the window that was seen last.
    assert_eq!(m.take(13, 2), decision(true, 2, 0, Some(0), 10));
    assert_eq!(m.take(0, 1), decision(false, 2, 0, Some(23), 23));
}

#[test]
fn fixed_window_of_a_calendar() {
    // L = 3 in windows [0, 5), [5, 15), [15, 16), [16, end).
    let starts: &'static [u64] = &[0, 5, 15, 16];
    let config = |starts| Config { anchor: Anchor::Starts(starts), ..Config::new(Algorithm::FixedWindow, 3, 7, 3) };
    let mut m = Model::new(config(starts)).unwrap();
    assert_eq!([0, 4, 5, 14, 15, 16, END].map(|t| m.tick(t)), [0, 0, 1, 1, 2, 3, 3]);
    assert_eq!(m.take(4, 2), decision(true, 3, 1, Some(0), 1));
    // 2 + 2 > 3: the next window, in 1 ns.
    assert_eq!(m.take(4, 2), decision(false, 3, 1, Some(1), 1));
    // 2 + 4 = 6 <= 2 * 3. Within the limit when one window has given 3 back (5), as new when two have (15).
    assert_eq!(m.charge(4, 4), decision(true, 3, 0, Some(1), 11));
    // At 5: 3 used. The next permit at 15.
    assert_eq!(m.take(5, 1), decision(false, 3, 0, Some(10), 10));
    // Booked for [15, 16), the next three for [16, end); after that there is no window.
    assert_eq!(m.reserve(5, 3, END).unwrap().at, 15);
    assert_eq!(m.reserve(5, 3, END).unwrap().at, 16);
    assert_eq!(m.take(5, 1), decision(false, 3, 0, None, u64::MAX));
    // Other algorithms have no such windows, and the first one begins at 0.
    assert!(Model::new(Config { algorithm: Algorithm::Gcra, ..config(starts) }).is_err());
    assert!(Model::new(config(&[])).is_err() && Model::new(config(&[1, 2])).is_err());
}

#[test]
fn fixed_window_from_first_use() {
    // L = 1: bits(32) = 6, tb = 58, W = 4096 = 2^12: j = 12 - 1 = 11, a tick is 2 ns, J = 2048.
    let config = Config { anchor: Anchor::FirstUse, ..Config::new(Algorithm::FixedWindow, 1, 4096, 1) };
    let mut m = Model::new(config).unwrap();
    assert_eq!((m.span(), m.tick(5)), (2048, 2));
    // Tick 2 opens; 2 + 2048 is reached at 4100.
    assert_eq!(m.take(5, 1), decision(true, 1, 0, Some(0), 4095));
    assert_eq!(m.take(4099, 1), decision(false, 1, 0, Some(1), 1));
    // The next one opens when it is used, not when the last one ended: tick 2500, until 2 * (2500 + 2048).
    assert_eq!(m.take(5000, 1), decision(true, 1, 0, Some(0), 4096));
    assert_eq!(m.peek(4100, 1), decision(false, 1, 0, Some(4996), 4996));
    // 2^58 ticks of 2 ns from tick 0: the horizon.
    assert_eq!(m.horizon(), (1 << 59) - 1);
}

#[test]
fn token_bucket_by_intervals() {
    // 2 each 10 ns, B = 5.
    let config = Config { refill: Refill::Interval, ..Config::new(Algorithm::TokenBucket, 2, 10, 5) };
    let mut m = Model::new(config.clone()).unwrap();
    // u = 5: three intervals until it is paid, at 30; one permit after the next.
    assert_eq!(m.take(4, 5), decision(true, 5, 0, Some(0), 26));
    assert_eq!(m.take(9, 3), decision(false, 5, 0, Some(11), 21));
    // At 10: u' = 3, then 5 again.
    assert_eq!(m.take(10, 2), decision(true, 5, 0, Some(0), 30));
    // A reservation of 3 waits ceil(3 / 2) = 2 intervals: 30; u = 8.
    let slot = m.reserve(10, 3, 20).unwrap();
    assert_eq!((slot.at, m.state().clone()), (30, State::Interval { s: 1, u: 8 }));
    // Another one stands behind it: ceil((8 + 1 - 5) / 2) = 2.
    assert_eq!(m.reserve(10, 1, 20).unwrap().at, 30);
    // A = 8 and c = 9 reach into the second interval, 6 would not, and one still waits for it: nothing.
    m.cancel(10, slot.clone());
    assert_eq!(*m.state(), State::Interval { s: 1, u: 9 });
    // When both have run, nobody waits: at 30, A = 8 - 4 and c = 9 - 4, all 3 come back.
    m.cancel(30, slot);
    assert_eq!(*m.state(), State::Interval { s: 3, u: 2 });
    // Half full at 25: s = 2, u = 3; at 30: u' = 1.
    let mut m = Model::new(Config { initial: Some(2), origin: 25, ..config }).unwrap();
    assert_eq!(m.peek(25, 3), decision(false, 5, 2, Some(5), 15));
    assert_eq!(m.take(30, 4), decision(true, 5, 0, Some(0), 30));
}

#[test]
fn sliding_window() {
    // 4 per 10 ns.
    let mut m = model(Algorithm::SlidingWindow, 4, 10, 4);
    // w = 0: cur = 4. As new at the start of window 2.
    assert_eq!(m.take(5, 4), decision(true, 4, 0, Some(0), 15));
    // In window 1: 4 * (10 - e) + 10 <= 40 from e = 3 (28 + 10): at 13.
    assert_eq!(m.take(5, 1), decision(false, 4, 0, Some(8), 15));
    assert_eq!(m.take(13, 1), decision(true, 4, 0, Some(0), 17));
    // 4 * (10 - e) + 20 <= 40 from e = 5. 4 permits: 4 * (10 - e) + 50 never, in window 2 cur = 1 becomes prev:
    // (10 - e) + 40 <= 40 never before window 3 starts at 30.
    assert_eq!(m.take(13, 1), decision(false, 4, 0, Some(2), 17));
    assert_eq!(m.take(13, 4), decision(false, 4, 0, Some(17), 17));
    // Reserved for 15, in the window seen: cur = 2.
    let slot = m.reserve(13, 1, 2).unwrap();
    assert_eq!((slot.at, m.state().clone()), (15, State::Window { w: 1, prev: 4, cur: 2 }));
    // 4 at once: at 30, the window moves there, and who is early is judged at its start.
    let far = m.reserve(13, 4, 100).unwrap();
    assert_eq!((far.at, m.state().clone()), (30, State::Window { w: 3, prev: 0, cur: 4 }));
    assert_eq!(m.take(13, 1), decision(false, 4, 0, Some(30), 37));
    // Booked in window 1, seen in window 3: nothing. The other one is what was done last: all of it.
    m.cancel(13, slot);
    assert_eq!(*m.state(), State::Window { w: 3, prev: 0, cur: 4 });
    m.cancel(13, far);
    assert_eq!(*m.state(), State::Window { w: 1, prev: 4, cur: 2 });
}

#[test]
fn sliding_window_charge() {
    // 4 per 10 ns: up to cur = 8. Paid when 8 * (10 - e) <= 40 in window 1: e = 5.
    let mut m = model(Algorithm::SlidingWindow, 4, 10, 4);
    assert_eq!(m.charge(0, 9), decision(false, 4, 4, None, 0));
    assert_eq!(m.charge(0, 8), decision(true, 4, 0, Some(15), 20));
    // One more: 8 * (10 - e) + 10 <= 80 from e = 2 (64 + 10; e = 1 is 82).
    assert_eq!(m.charge(0, 1), decision(false, 4, 0, Some(12), 20));
}

#[test]
fn sliding_log() {
    // 3 per 10 ns.
    let mut m = model(Algorithm::SlidingLog, 3, 10, 3);
    assert_eq!(m.take(1, 2), decision(true, 3, 1, Some(0), 10));
    assert_eq!(m.take(4, 1), decision(true, 3, 0, Some(0), 10));
    // The two of 1 leave at 11, the one of 4 at 14.
    assert_eq!(m.take(4, 1), decision(false, 3, 0, Some(7), 10));
    assert_eq!(m.take(4, 3), decision(false, 3, 0, Some(10), 10));
    // Late and not held: judged at 4, waiting counted from 2.
    assert_eq!(m.take(2, 2), decision(false, 3, 0, Some(9), 12));
    // Reserved for 11; until then nobody passes, then one is free.
    let slot = m.reserve(4, 1, 7).unwrap();
    assert_eq!((slot.at, m.tick(slot.at)), (11, 11));
    assert_eq!(m.take(10, 1), decision(false, 3, 0, Some(1), 11));
    assert_eq!(m.peek(11, 2), decision(false, 3, 1, Some(3), 10));
    // A refund gives nothing while it waits, a cancellation does, and the hold stays.
    m.refund(5, 3);
    m.cancel(5, slot);
    assert_eq!(*m.state(), State::Log { permits: vec![(4, 1)], last: 11, held: true });
    assert_eq!(m.take(5, 1), decision(false, 3, 0, Some(6), 9));
    // Oldest first: of (4, 1), (11, 2) two go.
    assert!(m.take(11, 2).allowed);
    m.refund(11, 2);
    assert_eq!(*m.state(), State::Log { permits: vec![(11, 1)], last: 11, held: false });
}

#[test]
fn sliding_log_charge() {
    let mut m = model(Algorithm::SlidingLog, 3, 10, 3);
    assert!(m.take(0, 3).allowed);
    // It would fit at 10: logged there, held.
    assert_eq!(m.charge(0, 2), decision(true, 3, 0, Some(10), 20));
    // 2 more would fit at 20: a whole period from 10, too far from 0.
    assert_eq!(m.charge(0, 2), decision(false, 3, 0, Some(10), 20));
    assert_eq!(m.charge(0, 4), decision(false, 3, 0, None, 20));
    assert_eq!(m.take(10, 1), decision(true, 3, 0, Some(0), 10));
}

#[test]
fn a_late_caller_never_turns_the_log_back() {
    let mut m = model(Algorithm::SlidingLog, 3, 10, 3);
    assert!(m.take(20, 1).allowed);
    let slot = m.reserve(5, 1, 0).unwrap();
    assert_eq!(slot.at, 5);
    assert_eq!(m.charge(5, 1).retry_after, Some(0));
    assert_eq!(*m.state(), State::Log { permits: vec![(20, 3)], last: 20, held: false });
}

#[test]
fn a_refund_cannot_free_a_waiting_reservation_of_the_log() {
    let mut m = model(Algorithm::SlidingLog, 5, 10, 5);
    assert!(m.take(0, 5).allowed);
    assert_eq!(m.reserve(0, 5, 10).unwrap().at, 10);
    m.refund(1, 5);
    assert!(!m.take(10, 1).allowed);
}

#[test]
fn a_window_denser_than_a_permit_in_2_ns_is_refused() {
    // 7 per 5 ns: a reservation that skips a window could leave room at the start of the next one for those who come now.
    assert!(Model::new(Config::new(Algorithm::SlidingWindow, 7, 5, 7)).is_err());
    assert!(Model::new(Config::new(Algorithm::SlidingWindow, 3, 5, 3)).is_err());
    assert!(Model::new(Config::new(Algorithm::SlidingWindow, 2, 5, 2)).is_ok());
}

#[test]
fn nothing_is_left_before_a_window_that_was_skipped() {
    // 7 per 14 ns, the densest that there is. In debt (14 used), 14 * (14 - e) + 6 * 14 <= 98 from e = 13 of the next
    // window on; who comes before is judged at its start.
    let mut m = model(Algorithm::SlidingWindow, 7, 14, 7);
    assert!(m.charge(0, 14).allowed);
    for q in [6, 7, 1, 6, 5, 2, 7] {
        let slot = m.reserve(0, q, u64::MAX).unwrap();
        assert!(!m.take(0, 1).allowed && !m.take(slot.at - 1, 1).allowed);
    }
}

#[test]
fn the_end_of_the_clock() {
    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog] {
        let mut m = model(algorithm, 1, 1 << 40, 1);
        assert!(m.take(u64::MAX, 1).allowed);
        assert_eq!(m.take(END, 1), decision(false, 1, 0, None, u64::MAX), "{algorithm:?}");
        assert_eq!(m.reserve(END, 1, u64::MAX).unwrap_err().retry_after, None);
    }
}

#[test]
fn carry() {
    // 4 per 8 ns, B = 4: T = 2. After 3 permits level = 6, used 3.
    let spent = || {
        let mut m = model(Algorithm::Gcra, 4, 8, 4);
        assert!(m.take(0, 3).allowed);
        m
    };
    // To 2 per 8 ns, B = 8: T' = 4, tick = t.
    let after = |carry| {
        let mut m = spent();
        m.reconfigure(0, 2, 8, 8, carry).unwrap();
        m.state().clone()
    };
    assert_eq!(after(Carry::Permits), State::Arrival { tat: 12 });
    // 3 of 4 is 6 of 8.
    assert_eq!(after(Carry::Proportional), State::Arrival { tat: 24 });
    // 3 permits of 2 ns are 6 ns, in which 1.5 permits of 4 ns are earned.
    assert_eq!(after(Carry::Time), State::Arrival { tat: 6 });
    assert_eq!(after(Carry::Reset), State::Arrival { tat: 0 });

    // The log: 3 of 4 used, now 2 per 5 ns: 2 at 1 and 1 at 6.
    let mut m = model(Algorithm::SlidingLog, 4, 10, 4);
    assert!(m.take(1, 3).allowed);
    m.reconfigure(1, 2, 5, 2, Carry::Permits).unwrap();
    assert_eq!(*m.state(), State::Log { permits: vec![(6, 1)], last: 6, held: true });

    // A quota or a debt that cannot be held changes nothing.
    let mut m = spent();
    let before = m.clone();
    assert!(m.reconfigure(0, 9, 8, 4, Carry::Reset).is_err());
    assert!(m.reconfigure(0, 1, 1 << 61, 1, Carry::Permits).is_ok());
    let mut m = before.clone();
    assert!(m.reconfigure(0, 1, 1 << 62, 1, Carry::Permits).is_err());
    assert_eq!(m, before);
}

#[test]
fn snapshots() {
    let mut m = model(Algorithm::SlidingWindow, 4, 10, 4);
    assert!(m.take(5, 3).allowed);
    let snapshot = m.snapshot();
    m.reset();
    m.restore(&snapshot).unwrap();
    assert_eq!(m.peek(5, 0).remaining, 1);
    assert!(model(Algorithm::SlidingWindow, 5, 10, 5).restore(&snapshot).is_err());
    assert!(model(Algorithm::FixedWindow, 4, 10, 4).restore(&snapshot).is_err());
}

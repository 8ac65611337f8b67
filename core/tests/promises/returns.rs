//! What is given back is there again, and no more.

use tidegate::{Algorithm, Limiter, Quota};

use crate::check;
use crate::every::{LOG, SLIDING};
use crate::lives::*;

/// At one instant, whatever was taken and returned in between: what is there is what was there, less what was kept.
#[test]
fn a_refund_gives_back_what_was_taken_and_no_more() {
    fn holds(Any(setup): Any, steps: Vec<Step>, calls: Vec<(bool, u64)>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        // (A sliding window gives a caller who comes before its window less back than he took in it.)
        let (limiter, now) = (&life.limiter, life.latest);
        let before = limiter.peek_at(now, 0).remaining();
        let mut kept = 0;
        for (take, raw) in calls {
            if take {
                let cost = raw % (before - kept + 2);
                if limiter.try_acquire_at(now, cost) {
                    kept += cost;
                }
            } else {
                let back = raw % (kept + 1);
                limiter.refund_at(now, back);
                kept -= back;
            }
            assert_eq!(limiter.peek_at(now, 0).remaining(), before - kept, "{setup:?} at {now}");
        }
        // Of whatever else is given back, at most a capacity is there.
        limiter.refund_at(now, u64::MAX);
        let all = limiter.peek_at(now, 0).remaining();
        assert!(all <= life.quota.capacity() && limiter.try_acquire_at(now, all) && !limiter.try_acquire_at(now, 1));
    }
    check(holds as fn(Any, Vec<Step>, Vec<(bool, u64)>));
}

/// Whoever waits has an instant that was computed with everything before it: a refund does not put a newcomer beside him, nor into
/// the time before a window that he waits for.
#[test]
fn a_refund_lets_nobody_in_beside_who_waits() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step, back: u64) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let (limiter, now) = (&life.limiter, life.latest);
        let (cost, capacity) = (next.cost(&life.quota), life.quota.capacity());
        // Used up, or nobody would have to wait.
        let all = limiter.peek_at(now, 0).remaining();
        assert!(limiter.try_acquire_at(now, all));
        let Ok(slot) = limiter.reserve_at(now, cost, u64::MAX) else { return };
        let at = slot.at_nanos();
        if cost == 0 || at <= now {
            return;
        }
        for back in [1, cost, back, u64::MAX] {
            if setup.rule == SLIDING {
                // What is used of this window may go; what waits for a later one keeps all out until then.
                let (period, offset) = (life.quota.period_nanos(), offset(&life.quota));
                let start = |at: u64| (u128::from(at) + u128::from(period - offset)) / u128::from(period);
                if start(at) > start(now) {
                    limiter.refund_at(now, back);
                    assert!(!limiter.peek_at(now, 1).is_allowed(), "{setup:?} at {now}, one waits for {at}");
                }
            } else {
                limiter.refund_at(now, back);
                let beside = limiter.peek_at(at, 1).remaining();
                assert!(beside + cost <= capacity, "{setup:?} at {now}: {beside} beside {cost} that wait for {at}");
            }
        }
    }
    check(holds as fn(Any, Vec<Step>, Step, u64));
}

/// A reservation that is cancelled at once was never made.
#[test]
fn a_cancelled_reservation_leaves_no_trace() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let (limiter, now) = (&life.limiter, life.now);
        let costs = [1, life.quota.capacity(), next.cost(&life.quota)];
        let look = || costs.map(|cost| limiter.peek_at(now, cost));
        let before = (limiter.snapshot(), look());
        if let Ok(slot) = limiter.reserve_at(now, next.cost(&life.quota), u64::MAX) {
            let (waits, at) = (slot.at_nanos() > now, slot.at_nanos());
            limiter.cancel_at(now, slot);
            // The log's `last` stays where a waiting reservation set it: nobody is served before, and nothing is minted.
            if setup.rule != LOG {
                assert_eq!((limiter.snapshot(), look()), before, "{setup:?} at {now}, booked for {at}");
            } else if !waits {
                assert_eq!(look(), before.1, "{setup:?} at {now}");
            } else {
                assert_eq!(limiter.peek_at(at, 1).is_allowed(), life.quota.capacity() > 0, "{setup:?} at {now}");
            }
        }
    }
    check(holds as fn(Any, Vec<Step>, Step));
}

/// A cancelled reservation comes back also when all is in use, but for nobody's wait.
#[test]
fn a_cancellation_at_the_brim_gives_back() {
    let quota = tidegate::Quota::from_nanos(2, 1_000_000).unwrap();
    let limiter = tidegate::Limiter::builder(tidegate::Algorithm::Gcra, quota).build_at(0).unwrap();
    let slot = limiter.reserve_at(0, 1, 0).unwrap();
    assert!(limiter.try_acquire_at(0, 1) && !limiter.try_acquire_at(0, 1));
    limiter.cancel_at(0, slot);
    assert_eq!(limiter.peek_at(0, 1).remaining(), 1);
}

/// What the longest log can tell apart at one instant: 1,023 changes by something else than a spend.
#[test]
fn so_many_refunds_count_at_one_instant() {
    const LONGEST: u64 = (1 << 18) - 1;
    let log = Limiter::new(Algorithm::SlidingLog, Quota::per_hour(LONGEST).expect("legal")).expect("legal");
    let left = |now| log.peek_at(now, 1).remaining();
    assert!(log.try_acquire_at(5, 2_000));
    for refunds in 1..=1_023 {
        log.refund_at(5, 1);
        assert_eq!(left(5), LONGEST - 2_000 + refunds);
    }
    let slot = log.reserve_at(5, 1, 0).expect("it fits");
    log.refund_at(5, 1);
    log.cancel_at(5, slot);
    assert_eq!(left(5), LONGEST - 2_000 + 1_022, "no more at this instant");
    log.refund_at(6, 1);
    assert_eq!(left(6), LONGEST - 2_000 + 1_023);
    log.reset();
    assert_eq!(left(6), LONGEST);
}

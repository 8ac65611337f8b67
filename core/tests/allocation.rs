//! No verb allocates after construction, under any rule.
//!
//! The allocator counts what this thread asks of it. What must keep something beside the state is named and counted too: another quota
//! or a restored state (the one that follows), and the snapshot of a sliding log (its permits).

mod every;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use every::{EVERY, LOG, Rule};
use tidegate::{
    Carry, Group, KeyedLimiter, Limiter, LimiterGroup, ManualClock, Member, MonotonicClock, Quota, SlidingLog,
};

const SECOND: u64 = 1_000_000_000;

/// Asserts that `run` asks for no memory.
#[track_caller]
fn needs_none(what: &str, run: impl FnOnce()) {
    let AllocationInfo { count_total, bytes_total, .. } = measure(run);
    assert_eq!((count_total, bytes_total), (0, 0), "{what}");
}

/// Every verb that is told the time, at times and costs that grant, deny, wait, owe and never fit.
fn every_verb(limiter: &Limiter, from: u64) {
    let quota = limiter.quota();
    let capacity = quota.capacity();
    for round in 0..20 {
        let now = from + round * quota.period_nanos() / 7;
        for cost in [0, 1, capacity / 2, capacity, capacity + 1, u64::MAX] {
            black_box(limiter.try_acquire_at(now, cost));
            let said = [limiter.take_at(now, cost), limiter.peek_at(now, cost), limiter.charge_at(now, cost)];
            for decision in said {
                // The figures are worked out when they are asked for.
                black_box((decision.remaining(), decision.retry_after(), decision.reset_after(), decision == said[0]));
            }
            limiter.refund_at(now.saturating_sub(round), 1);
            for max_wait in [0, u64::MAX] {
                if let Ok(slot) = limiter.reserve_at(now, cost, max_wait)
                    && round % 2 == 0
                {
                    limiter.cancel_at(now, slot);
                }
            }
        }
        if round % 5 == 4 {
            limiter.reset();
        }
        black_box((limiter.quota(), limiter.algorithm(), limiter.horizon()));
    }
}

/// The same, at the time of its clock.
fn every_plain_verb(limiter: &Limiter) {
    for cost in [0, 1, 5, 10, 11, u64::MAX] {
        black_box(limiter.try_acquire(cost));
        for decision in [limiter.take(cost), limiter.peek(cost), limiter.charge(cost)] {
            black_box((decision.remaining(), decision.retry_after(), decision.reset_after()));
        }
        limiter.refund(1);
        for max_wait in [Duration::ZERO, Duration::MAX] {
            if let Ok(reservation) = limiter.reserve(cost, max_wait) {
                black_box(reservation.delay());
                reservation.cancel();
            }
        }
    }
    black_box(limiter.now());
}

#[test]
fn the_counter_counts() {
    let counted = measure(|| drop(black_box(vec![1u64, 2, 3])));
    assert_eq!((counted.count_total, counted.bytes_total), (1, 24));
}

#[test]
fn no_verb_allocates() {
    for rule in EVERY {
        for limit in [1, 10, 1_000] {
            let limiter = rule.make(limit, SECOND);
            needs_none(rule.name, || every_verb(&limiter, 0));
        }
    }
}

#[test]
fn no_plain_verb_allocates() {
    let ten = Quota::per_second(10).expect("10");
    for rule in EVERY {
        // The default clock is set when the limiter is made.
        let limiter = rule.builder(ten).build().expect("legal");
        needs_none(rule.name, || every_plain_verb(&limiter));
        let limiter = rule.builder(ten).shared_clock(Arc::new(ManualClock::new(SECOND))).build().expect("legal");
        needs_none(rule.name, || every_plain_verb(&limiter));
        let limiter = rule.builder(ten).clock(&MonotonicClock).build().expect("legal");
        needs_none(rule.name, || every_plain_verb(&limiter));
    }
}

#[test]
fn no_verb_of_a_group_allocates() {
    let mut limiters: Vec<(String, Limiter)> =
        EVERY.iter().map(|rule| (rule.name.to_owned(), rule.make(10, SECOND))).collect();
    let changed = limiters[0].1.reconfigure_at(0, Quota::per_second(9).expect("9"), Carry::Time);
    assert!(changed.is_ok());
    let keyed: KeyedLimiter<str> = KeyedLimiter::builder(limiters[1].1.algorithm(), Quota::per_second(10).expect("10"))
        .max_keys(99)
        .build_at(0)
        .expect("legal");
    let single = limiters.pop().expect("eight").1;
    let group = LimiterGroup::new(limiters).expect("seven names");
    needs_none("group", || {
        for round in 0..20 {
            let now = round * SECOND / 7;
            for cost in [0, 1, 5, 10, 11, u64::MAX] {
                black_box(group.try_acquire_at(now, cost));
                for decision in [group.take_at(now, cost), group.peek_at(now, cost)] {
                    black_box((
                        decision.binding(),
                        decision.remaining(),
                        decision.retry_after(),
                        decision.reset_after(),
                    ));
                    assert!(decision.members().all(|member| black_box(member).1.limit() > 0));
                }
                for actual in [0, cost / 2, cost.saturating_add(3)] {
                    if let Ok(slot) = group.reserve_at(now, cost, u64::MAX) {
                        black_box(group.settle_at(now, slot, actual).is_allowed());
                    }
                }
                if let Ok(slot) = group.reserve_at(now, cost, 0) {
                    group.cancel_at(now, slot);
                }
                let members = [Member::limiter("one", &single, cost), Member::key("key", keyed.key("k"), 1)];
                let borrowed = Group::new(&members).expect("two names");
                black_box((borrowed.try_acquire_at(now), borrowed.take_at(now).binding()));
                if let Ok(slot) = borrowed.reserve_at(now, u64::MAX) {
                    borrowed.cancel_at(now, slot);
                }
            }
            group.reset();
        }
    });
}

#[test]
fn no_verb_of_a_log_in_an_array_allocates() {
    let mut log = None;
    needs_none("made", || log = SlidingLog::<100>::new(Duration::from_secs(1)).ok());
    let log = log.expect("legal");
    needs_none("asked", || {
        for round in 0..20 {
            let now = round * SECOND / 7;
            for cost in [0, 1, 50, 100, 101, u64::MAX] {
                black_box(log.try_acquire_at(now, cost));
                for decision in [log.take_at(now, cost), log.peek_at(now, cost), log.charge_at(now, cost)] {
                    black_box((decision.remaining(), decision.retry_after(), decision.reset_after()));
                }
                log.refund_at(now, 3);
                if let Ok(slot) = log.reserve_at(now, cost, u64::MAX) {
                    log.cancel_at(now, slot);
                }
            }
        }
        log.reset();
    });
}

/// A limiter of one word needs no heap to be made either; the log takes a word a permit, once.
#[test]
fn construction_takes_what_the_state_takes() {
    for rule in EVERY {
        let (mut made, quota) = (None, Quota::from_nanos(1_000, SECOND).expect("legal"));
        let counted = measure(|| made = rule.builder(quota).build_at(0).ok());
        let expected = if rule == LOG { (1, 8_000) } else { (0, 0) };
        assert_eq!((counted.count_total, counted.bytes_total), expected, "{}", rule.name);
        assert!(made.is_some());
    }
}

/// Errors carry what they say by value.
#[test]
fn no_refusal_allocates() {
    needs_none("texts", || {
        for text in ["", "5", "0/s", "5/fortnight", "99999999999999999999/s", "300/min burst 50", "5/s burst 0"] {
            black_box(text.parse::<Quota>()).ok();
        }
        black_box(tidegate::parse_list("10/s; 100/min; x").count());
    });
    needs_none("quotas", || {
        let quota = Quota::from_nanos(u64::MAX, 1).expect("numbers alone");
        for Rule { algorithm, .. } in EVERY {
            assert!(black_box(Limiter::builder(algorithm, quota).build_at(0)).is_err());
        }
    });
}

/// What allocates, and what it leaves behind: after a change of quota the verbs still need nothing.
#[test]
fn a_change_of_quota_allocates_once_and_the_verbs_after_it_do_not() {
    for rule in EVERY {
        let limiter = rule.make(10, SECOND);
        let other = rule.make(20, SECOND).quota();
        let changed = measure(|| assert!(limiter.reconfigure_at(0, other, Carry::Time).is_ok()));
        // The one that follows; of a log also its permits and what they were, and a guard of each thread's first change.
        let most = if rule == LOG { 5 } else { 2 };
        assert!((1..=most).contains(&changed.count_total), "{}: {changed:?}", rule.name);
        needs_none(rule.name, || every_verb(&limiter, 0));
        // A thread that meets a limiter so changed for the first time takes a mark of its own, once and for all such limiters.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let first =
                    measure(|| assert!(limiter.try_acquire_at(SECOND, 0) && limiter.take_at(SECOND, 0).is_allowed()));
                assert!(first.count_total <= 1 && first.bytes_total <= 128, "{}: {first:?}", rule.name);
                needs_none(rule.name, || every_verb(&limiter, 0));
            });
        });
        // Changed again and again, one block is kept.
        let again = measure(|| {
            for round in 0..50 {
                let quota = if round % 2 == 0 { rule.make(10, SECOND).quota() } else { other };
                assert!(limiter.reconfigure_at(SECOND, quota, Carry::Reset).is_ok());
            }
        });
        assert!(again.bytes_current.unsigned_abs() <= 512, "{}: {again:?}", rule.name);
    }
}

#[test]
fn a_snapshot_of_a_word_does_not_allocate() {
    for rule in EVERY {
        let limiter = rule.make(10, SECOND);
        assert!(limiter.try_acquire_at(5, 3));
        let mut kept = None;
        let counted = measure(|| kept = Some(limiter.snapshot()));
        if rule == LOG {
            assert!(counted.count_total > 0 && counted.bytes_max <= 128, "{counted:?}");
        } else {
            assert_eq!(counted.count_total, 0, "{}", rule.name);
        }
        let kept = kept.expect("taken");
        let mut back = None;
        let restored = measure(|| back = Limiter::from_snapshot(&kept).ok());
        assert_eq!(restored.count_total, u64::from(rule == LOG), "{}", rule.name);
        assert!(back.is_some_and(|back| back.snapshot() == kept));
    }
}

/// What a table says that it takes is what it takes, to the byte.
#[test]
fn a_table_takes_the_memory_that_it_says() {
    for max_keys in [1, 2, 50, 1_000, 100_000] {
        let mut keyed = None;
        let quota = Quota::per_second(1).unwrap();
        let counted = measure(|| {
            keyed = KeyedLimiter::<u64>::builder(tidegate::Algorithm::Gcra, quota).max_keys(max_keys).build_at(0).ok();
        });
        let said = keyed.expect("built").memory();
        assert_eq!(counted.bytes_current, said as i64, "{max_keys} keys");
    }
}

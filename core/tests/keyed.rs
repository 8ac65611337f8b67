//! The key table: against a plain map of reference limiters, under attack, and at its edges.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use common::{Numbers, reference_algorithm};
use tidegate::{
    Algorithm, Anchor, Carry, Group, KeyedLimiter, KeyedLimiterBuilder, KeyedLimiterError, ManualClock, Member, Quota,
    Refill, Refusal, WhenFull,
};
use tidegate_reference as reference;

const ALGORITHMS: [(Algorithm, Refill); 5] = [
    (Algorithm::Gcra, Refill::Continuous),
    (Algorithm::TokenBucket, Refill::Continuous),
    (Algorithm::TokenBucket, Refill::Interval),
    (Algorithm::FixedWindow, Refill::Continuous),
    (Algorithm::SlidingWindow, Refill::Continuous),
];

fn keyed(algorithm: Algorithm, limit: u64, max_keys: usize, when_full: WhenFull) -> KeyedLimiter<u64> {
    let quota = Quota::from_nanos(limit, 1_000_000).unwrap();
    KeyedLimiter::builder(algorithm, quota).max_keys(max_keys).when_full(when_full).build_at(0).unwrap()
}

/// Thousands of keys on a table that is always full: whoever has a slot is judged as the reference judges it, and whoever has none is
/// refused, never let through beyond its limit.
#[test]
fn a_full_table_agrees_with_a_map_of_reference_limiters() {
    let (mut refused, mut granted, mut denied) = (0, 0, 0);
    for (n, (algorithm, refill)) in ALGORITHMS.into_iter().enumerate() {
        for seed in 0..20u64 {
            let mut numbers = Numbers::new(seed * 8 + n as u64 + 7);
            let limit = 1 + numbers.below(6);
            let period = 1 + numbers.log(20).max(2 * limit);
            let max_keys = 1 + numbers.below(200) as usize;
            let quota = Quota::from_nanos(limit, period).unwrap();
            let keyed: KeyedLimiter<u64> = KeyedLimiter::builder(algorithm, quota)
                .refill(refill)
                .max_keys(max_keys)
                .when_full(WhenFull::Refuse)
                .build_at(0)
                .unwrap();
            let mut config = reference::Config::new(reference_algorithm(algorithm), limit, period, limit);
            if refill == Refill::Interval {
                config.refill = reference::Refill::Interval;
            }
            let mut map: HashMap<u64, reference::Model> = HashMap::new();
            let mut now = numbers.log(60);
            for _ in 0..3_000 {
                now += numbers.log(period.ilog2() / 2);
                // Few keys again and again, among thousands once.
                let key =
                    if numbers.below(2) == 0 { numbers.below(max_keys as u64) } else { 1_000 + numbers.below(5_000) };
                let cost = 1 + numbers.below(limit + 1);
                let ours = keyed.take_at(&key, now, cost);
                let model = map.entry(key).or_insert_with(|| reference::Model::new(config.clone()).unwrap());
                let expected = model.peek(now, cost);
                assert!(keyed.len() <= max_keys);
                if ours.is_allowed() {
                    let before = model.state().clone();
                    common::same(ours, &model.take(now, cost)).unwrap_or_else(|e| {
                        panic!("{algorithm} {refill:?} {limit}/{period} at {now} cost {cost}: {e} {before:?}")
                    });
                    granted += 1;
                } else if expected.allowed {
                    // Refused for want of room: it says when to come back, and the key still is as it was.
                    assert_eq!(ours.remaining(), 0);
                    assert!(ours.retry_after_nanos().is_some_and(|wait| wait > 0), "{ours:?}");
                    assert_eq!(model.peek(now, 1).remaining, limit, "only a newcomer can be refused");
                    refused += 1;
                } else {
                    common::same(ours, &expected).unwrap_or_else(|error| {
                        panic!("{algorithm} {refill:?} {quota} at {now} for {cost}: {error} {:?}", model.state())
                    });
                    denied += 1;
                }
            }
            assert_eq!(keyed.evictions(), 0);
        }
    }
    assert!(refused > 1_000 && granted > 10_000 && denied > 1_000, "{refused} {granted} {denied}");
}

/// With room for all, every verb of a key is that of a limiter of its own.
#[test]
fn every_verb_of_a_key_is_that_of_a_limiter() {
    let initial = |(algorithm, refill)| [None, Some(0), Some(3)].map(|initial| (algorithm, refill, initial));
    for (algorithm, refill, initial) in ALGORITHMS.into_iter().flat_map(initial) {
        if initial.is_some() && algorithm != Algorithm::TokenBucket {
            continue;
        }
        let quota = Quota::from_nanos(10, 1_000_000).unwrap();
        let mut many = KeyedLimiter::<str>::builder(algorithm, quota).refill(refill).max_keys(1_000);
        let mut one = tidegate::Limiter::builder(algorithm, quota).refill(refill);
        if let Some(initial) = initial {
            (many, one) = (many.initial(initial), one.initial(initial));
        }
        let keyed = many.build_at(0).unwrap();
        let mut alone: HashMap<String, tidegate::Limiter> = HashMap::new();
        let mut slots = Vec::new();
        let mut numbers = Numbers::new(3);
        let mut now = 0;
        for _ in 0..20_000 {
            now += numbers.log(18);
            let name = format!("key {}", numbers.below(50));
            let limiter = alone.entry(name.clone()).or_insert_with(|| one.clone().build_at(0).unwrap());
            let cost = numbers.below(13);
            match numbers.below(8) {
                0..=2 => assert_eq!(keyed.take_at(&name, now, cost), limiter.take_at(now, cost)),
                3 => assert_eq!(keyed.try_acquire_at(&name, now, cost), limiter.try_acquire_at(now, cost)),
                4 => assert_eq!(keyed.charge_at(&name, now, cost), limiter.charge_at(now, cost)),
                5 => {
                    keyed.refund_at(&name, now, cost);
                    limiter.refund_at(now, cost);
                }
                6 => match (keyed.reserve_at(&name, now, cost, 3_000_000), limiter.reserve_at(now, cost, 3_000_000)) {
                    (Ok(ours), Ok(theirs)) => {
                        assert_eq!(ours.at_nanos(), theirs.at_nanos());
                        slots.push((name.clone(), ours, theirs));
                    }
                    (Err(ours), Err(theirs)) => assert_eq!(ours, theirs),
                    (ours, theirs) => panic!("{ours:?} {theirs:?}"),
                },
                _ => {
                    if let Some((name, ours, theirs)) = slots.pop() {
                        keyed.cancel_at(&name, now, ours);
                        alone[&name].cancel_at(now, theirs);
                    }
                }
            }
            assert_eq!(keyed.peek_at(&name, now, 1), alone[&name].peek_at(now, 1));
        }
        assert_eq!((keyed.len(), keyed.evictions()), (50, 0));
    }
}

/// Reservations for later instants than the earliest, which a word need not show: nothing is refunded to a key beside who waits.
#[test]
fn who_waits_for_a_key_waits_as_at_a_limiter() {
    for (n, (algorithm, refill)) in ALGORITHMS.into_iter().enumerate() {
        let quota = Quota::from_nanos(10, 1_000_000).unwrap();
        let keyed =
            KeyedLimiter::<u64>::builder(algorithm, quota).refill(refill).max_keys(1).build_at(0).expect("one key");
        let limiter = tidegate::Limiter::builder(algorithm, quota).refill(refill).build_at(0).unwrap();
        let (key, mut slots, mut numbers, mut now) = (keyed.key(&1), Vec::new(), Numbers::new(n as u64), 0);
        for _ in 0..10_000 {
            now += numbers.log(18);
            let cost = numbers.below(13);
            match numbers.below(4) {
                0 => assert_eq!(key.take_at(now, cost), limiter.take_at(now, cost)),
                1 => {
                    key.refund_at(now, cost);
                    limiter.refund_at(now, cost);
                }
                2 => {
                    let from = now + numbers.log(21);
                    let ours = key.reserve_from_at(now, from, cost, 3_000_000);
                    let theirs = limiter.reserve_from_at(now, from, cost, 3_000_000);
                    assert_eq!(ours.as_ref().err(), theirs.as_ref().err());
                    if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                        assert_eq!(ours.at_nanos(), theirs.at_nanos());
                        slots.push((ours, theirs));
                    }
                }
                _ => {
                    if let Some((ours, theirs)) = slots.pop() {
                        key.cancel_at(now, ours);
                        limiter.cancel_at(now, theirs);
                    }
                }
            }
            assert_eq!(key.peek_at(now, 1), limiter.peek_at(now, 1), "{algorithm} {refill:?}");
        }
    }
}

/// Every verb at the time of a table's own clock is its `_at` twin at that time: of the limiter, of a key, of a reservation.
#[test]
fn every_plain_verb_is_that_of_the_clock() {
    let clock = Arc::new(ManualClock::new(0));
    let quota = Quota::from_nanos(10, 1_000_000).unwrap();
    let builder = KeyedLimiter::<u64>::builder(Algorithm::Gcra, quota).max_keys(100).shared_clock(clock.clone());
    let (plain, told) = (builder.clone().build().unwrap(), builder.build_at(0).unwrap());
    let mut numbers = Numbers::new(5);
    let (mut slots, mut now) = (Vec::new(), 0);
    for _ in 0..20_000 {
        now += numbers.log(18);
        clock.set(now);
        assert_eq!(plain.now(), now);
        let (name, cost, by_key) = (numbers.below(50), numbers.below(13), numbers.below(2) == 0);
        let key = plain.key(&name);
        match numbers.below(9) {
            0 => {
                let granted = if by_key { key.try_acquire(cost) } else { plain.try_acquire(&name, cost) };
                assert_eq!(granted, told.try_acquire_at(&name, now, cost));
            }
            1 => {
                let taken = if by_key { key.take(cost) } else { plain.take(&name, cost) };
                assert_eq!(taken, told.take_at(&name, now, cost));
            }
            2 => {
                let charged = if by_key { key.charge(cost) } else { plain.charge(&name, cost) };
                assert_eq!(charged, told.charge_at(&name, now, cost));
            }
            3 => {
                if by_key {
                    key.refund(cost)
                } else {
                    plain.refund(&name, cost)
                };
                told.refund_at(&name, now, cost);
            }
            4 | 5 => {
                let wait = Duration::from_nanos(3_000_000);
                let booked = if by_key { key.reserve(cost, wait) } else { plain.reserve(&name, cost, wait) };
                match (booked, told.reserve_at(&name, now, cost, 3_000_000)) {
                    (Ok(ours), Ok(theirs)) => {
                        assert_eq!((ours.at_nanos(), ours.key().into_raw()), (theirs.at_nanos(), key.into_raw()));
                        assert_eq!(ours.delay(), Duration::from_nanos(theirs.at_nanos() - now));
                        slots.push((name, ours, theirs));
                    }
                    (Err(ours), Err(theirs)) => assert_eq!(ours, theirs),
                    (ours, theirs) => panic!("{ours:?} {theirs:?}"),
                }
            }
            6 if !slots.is_empty() => {
                let (name, ours, theirs) = slots.swap_remove(0);
                match numbers.below(3) {
                    0 => ours.cancel(),
                    1 => ours.key().cancel(ours.into_slot()),
                    _ => plain.cancel(&name, ours.into_slot()),
                }
                told.cancel_at(&name, now, theirs);
            }
            7 if !slots.is_empty() => {
                let (name, ours, theirs) = slots.swap_remove(0);
                let settled = match numbers.below(3) {
                    0 => ours.settle(cost),
                    1 => ours.key().settle(ours.into_slot(), cost),
                    _ => plain.settle(&name, ours.into_slot(), cost),
                };
                assert_eq!(settled, told.settle_at(&name, now, theirs, cost));
            }
            _ => {
                let names = [name, numbers.below(50), name];
                let names = names.each_ref();
                assert_eq!(plain.take_many(&names, cost), told.take_many_at(&names, now, cost));
            }
        }
        let peeked = if by_key { key.peek(1) } else { plain.peek(&name, 1) };
        assert_eq!(peeked, told.peek_at(&name, now, 1));
        if numbers.below(100) == 0 {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            plain.for_each(|key, decision| ours.push((key.into_raw(), decision)));
            plain.for_each_at(now, |key, decision| theirs.push((key.into_raw(), decision)));
            assert_eq!((ours.len(), plain.snapshot()), (theirs.len(), plain.snapshot_at(now)));
            assert!(ours == theirs && !ours.is_empty() && !plain.snapshot_at(now).is_empty());
        }
    }
    // Whoever is as good as new is not come to, though there.
    now += 10_000_000;
    plain.for_each_at(now, |_, decision| panic!("{decision:?}"));
    assert!(plain.snapshot_at(now).is_empty() && plain.len() > 40);
}

/// Ten million strangers (a tenth of that in debug) on a table of 100,000: its memory stays as it was made, and those who were at their limit stay
/// there.
#[test]
fn a_flood_of_strangers_frees_nobody_and_takes_no_memory() {
    let strangers: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
    for algorithm in [Algorithm::Gcra, Algorithm::SlidingWindow, Algorithm::FixedWindow] {
        let keyed = keyed(algorithm, 5, 100_000, WhenFull::EvictNearestIdle);
        let memory = keyed.memory();
        assert!(memory <= 100_000 * 223 / 10 + 8 * 1024, "{memory}");
        let limited = 0..100u64;
        for key in limited.clone() {
            assert!(keyed.try_acquire_at(&key, 10, 5));
        }
        for key in 1_000..1_000 + strangers {
            let _ = keyed.try_acquire_at(&key, 11, 1);
        }
        let freed = limited.filter(|key| keyed.try_acquire_at(key, 12, 1)).count();
        assert_eq!(freed, 0, "{algorithm}");
        assert_eq!((keyed.memory(), keyed.len()), (memory, 100_000));
        assert!(keyed.evictions() > 0);
    }
}

/// Half of a table at its limit, and a flood through the other half: there is always somebody with less in use among those looked at.
#[test]
fn a_flood_through_half_a_table_frees_nobody_in_the_other() {
    for table in 0..200u64 {
        let algorithm = ALGORITHMS[table as usize % ALGORITHMS.len()].0;
        let keyed = keyed(algorithm, 5, 2_000, WhenFull::EvictNearestIdle);
        assert!((0..1_000).all(|key| keyed.try_acquire_at(&key, 10, 5)));
        for key in 1_000..6_000 {
            let _ = keyed.try_acquire_at(&key, 11, 1);
        }
        let freed = (0..1_000u64).filter(|key| keyed.try_acquire_at(key, 12, 1)).count();
        assert_eq!(freed, 0, "{algorithm}, table {table}");
        assert!(keyed.evictions() > 0);
    }
}

/// Newcomers that spend all at once drive out those with little in use, not others who have as much in use: in a table where half has
/// spent one permit, nobody of the other half goes. (They look until they find one, at some fifty keys at the least: all of them of the
/// other half, that is one time in a billion even at the end.)
#[test]
fn newcomers_that_spend_all_drive_out_those_with_little_in_use() {
    for table in 0..50u64 {
        let algorithm = ALGORITHMS[table as usize % ALGORITHMS.len()].0;
        let keyed = keyed(algorithm, 5, 2_000, WhenFull::EvictNearestIdle);
        assert!((0..1_000).all(|key| keyed.try_acquire_at(&key, 10, 5)));
        assert!((1_000..2_000).all(|key| keyed.try_acquire_at(&key, 10, 1)));
        assert!((2_000..2_200).all(|key| keyed.try_acquire_at(&key, 11, 5)));
        let freed = (0..1_000u64).filter(|key| keyed.try_acquire_at(key, 12, 1)).count();
        assert_eq!(freed, 0, "{algorithm}, table {table}");
        assert!(keyed.evictions() >= 200);
    }
}

/// Refusing keeps everybody who is limited so, whatever the algorithm.
#[test]
fn refusing_frees_nobody() {
    for (algorithm, _) in ALGORITHMS {
        let keyed = keyed(algorithm, 5, 1_000, WhenFull::Refuse);
        for key in 0..100 {
            assert!(keyed.try_acquire_at(&key, 10, 5));
        }
        for key in 1_000..100_000 {
            let _ = keyed.try_acquire_at(&key, 11, 1);
        }
        assert!((0..100).all(|key| !keyed.try_acquire_at(&key, 12, 1)));
        assert_eq!(keyed.evictions(), 0);
        let refused = keyed.reserve_at(&5_000_000, 12, 1, u64::MAX).unwrap_err();
        assert_eq!(refused.refusal(), Refusal::NoRoom);
        // And it says when there will be room.
        let denied = keyed.take_at(&5_000_000, 12, 1);
        let wait = denied.retry_after_nanos().unwrap();
        assert!(keyed.take_at(&5_000_000, 12 + wait, 1).is_allowed());
    }
}

#[test]
fn newcomers_share_when_the_table_overflows() {
    let keyed = keyed(Algorithm::Gcra, 5, 10, WhenFull::Overflow);
    let mut granted = 0;
    for key in 0..10_000 {
        granted += u64::from(keyed.try_acquire_at(&key, 10, 1));
    }
    // The ten who have a slot have one each; all others five together.
    assert_eq!(granted, 10 + 5);
    // In a group, too: one permit that is shared comes back in 200 us, when nobody who has a slot is idle.
    let of_group = |key: u64, now| {
        let members = [Member::key("key", keyed.key(&key), 1)];
        Group::new(&members).expect("one member").take_at(now).is_allowed()
    };
    assert_eq!((20_000..20_100).filter(|&key| of_group(key, 10)).count(), 0);
    assert!((0..10).all(|key| keyed.try_acquire_at(&key, 10, 4)));
    assert_eq!((20_000..20_100).filter(|&key| of_group(key, 200_010)).count(), 1);
}

/// Idle keys are reclaimed by those who come, and nobody has to sweep.
#[test]
fn idle_keys_make_room() {
    for (algorithm, _) in ALGORITHMS {
        let keyed = keyed(algorithm, 2, 1_000, WhenFull::Refuse);
        let mut granted = 0;
        for round in 0..20u64 {
            // Two periods on, everybody of the round before is as good as new.
            for key in 0..500 {
                granted += u64::from(keyed.try_acquire_at(&(round * 1_000 + key), 1 + round * 3_000_000, 1));
            }
        }
        assert_eq!((granted, keyed.evictions()), (10_000, 0), "{algorithm}");
        assert!(keyed.len() <= 1_000);
    }
}

/// The cap holds to the key, and the table fills to it before anybody is evicted.
#[test]
fn the_cap_is_hard_and_reached() {
    for max_keys in [1, 2, 3, 4, 5, 17, 100, 1_000, 50_000] {
        let keyed = keyed(Algorithm::Gcra, 1, max_keys, WhenFull::EvictNearestIdle);
        for key in 0..max_keys as u64 {
            assert!(keyed.try_acquire_at(&key, 5, 1));
        }
        assert!(keyed.len() + keyed.evictions() as usize == max_keys);
        // Six blocks of eight slots are in reach, and more than a quarter of all slots stays free.
        assert!(keyed.evictions() as usize * 1_000 <= max_keys, "{} of {max_keys} evicted early", keyed.evictions());
        for key in 0..max_keys as u64 {
            let _ = keyed.try_acquire_at(&(1 << 40 | key), 5, 1);
        }
        assert!(keyed.len() <= max_keys);
    }
}

/// A key that was forgotten as idle is new as of then, also for those whose clock is late.
#[test]
fn a_late_clock_does_not_meet_a_fresh_bucket() {
    let keyed = keyed(Algorithm::Gcra, 1, 1, WhenFull::Refuse);
    assert!(keyed.try_acquire_at(&1, 0, 1));
    // At 2 ms key 1 is idle, and key 2 takes its slot; at 4 ms key 1 has it back.
    assert!(keyed.try_acquire_at(&2, 2_000_000, 1));
    assert!(!keyed.try_acquire_at(&1, 500_000, 1), "no room: key 2 is not idle");
    assert!(keyed.try_acquire_at(&1, 4_000_000, 1));
    keyed.reset(&1);
    // Judged as at 4 ms, however early it claims to be: one permit, not one for 3.5 ms and one for 4.5 ms.
    assert!(keyed.try_acquire_at(&1, 3_500_000, 1));
    assert!(!keyed.try_acquire_at(&1, 4_500_000, 1));
    assert!(keyed.try_acquire_at(&1, 5_000_000, 1));
    // So is who reserves: the next permit is due at 7 ms, as after 6 ms, not at 6.5.
    assert!(keyed.try_acquire_at(&2, 6_000_000, 1) && keyed.reset(&2));
    assert!(keyed.reserve_at(&1, 5_500_000, 1, 0).is_ok());
    assert!(!keyed.try_acquire_at(&1, 6_500_000, 1));
    assert!(keyed.try_acquire_at(&1, 7_000_000, 1));
}

/// One caller with a clock far ahead does not hold up all newcomers: at most as long as a spend is remembered.
#[test]
fn a_clock_far_ahead_holds_up_nobody_for_long() {
    let keyed = keyed(Algorithm::Gcra, 1, 1, WhenFull::EvictNearestIdle);
    assert!(keyed.try_acquire_at(&1, 0, 1));
    assert!(keyed.try_acquire_at(&2, 1 << 60, 1));
    assert!(keyed.try_acquire_at(&3, 5, 1));
    let wait = keyed.peek_at(&3, 5, 1).retry_after_nanos().unwrap();
    assert!((1_000_000..=2_000_000).contains(&wait), "{wait}");
    assert!(keyed.try_acquire_at(&3, 5 + wait, 1));
}

#[test]
fn keys_chosen_against_one_table_do_not_collide_in_another() {
    // Keys that share a home block in one table of few blocks are spread in the next: each table has its own seed. What can be seen
    // of it from outside is who is evicted.
    let crowd = |keys: &[u64]| {
        let keyed = keyed(Algorithm::Gcra, 1, 1_000, WhenFull::Refuse);
        keys.iter().filter(|key| !keyed.try_acquire_at(key, 5, 1)).count()
    };
    let first = keyed(Algorithm::Gcra, 1, 1_000, WhenFull::Refuse);
    // Fill the first table beyond its brim and note who found no room: the attacker's oracle.
    let refused: Vec<u64> = (0..20_000u64).filter(|key| !first.try_acquire_at(key, 5, 1)).take(900).collect();
    assert_eq!(refused.len(), 900);
    assert_eq!(crowd(&refused), 0, "900 keys that the first table refused all fit into the second");
    let second = keyed(Algorithm::Gcra, 1, 1_000, WhenFull::Refuse);
    let alike = |key: &u64| first.key(key).into_raw() == second.key(key).into_raw();
    assert_eq!(refused.iter().filter(|key| alike(key)).count(), 0, "each table has a seed of its own");
}

#[test]
fn empty_and_megabyte_keys_work() {
    let quota = Quota::per_second(1).unwrap();
    let keyed: KeyedLimiter<[u8]> = KeyedLimiter::builder(Algorithm::Gcra, quota).max_keys(4).build_at(0).unwrap();
    let large = vec![7u8; 1 << 20];
    let mut larger = large.clone();
    larger.push(7);
    for key in [&b""[..], &large, &larger] {
        assert!(keyed.try_acquire_at(key, 0, 1));
        assert!(!keyed.try_acquire_at(key, 0, 1));
    }
    assert_eq!(keyed.len(), 3);
}

/// A hash may be any number, also one that means something else within the table.
#[test]
fn hashes_of_the_callers_own_may_be_any() {
    let keyed = keyed(Algorithm::Gcra, 2, 100, WhenFull::Refuse);
    let hashes = [0, 1, 1 << 32, u64::MAX - 1, u64::MAX];
    for (others, hash) in hashes.into_iter().enumerate() {
        let key = keyed.key_of_hash(hash);
        assert_eq!(keyed.len(), others);
        assert_eq!((0..5).filter(|_| key.try_acquire_at(7, 1)).count(), 2, "{hash}");
        assert!(!keyed.key_from_raw(key.into_raw()).try_acquire_at(7, 1));
    }
    assert!(
        !hashes.into_iter().any(|hash| keyed.key_of_hash(hash).try_acquire_at(7, 1)),
        "nobody took another's place"
    );
    let raw = hashes.map(|hash| keyed.key_of_hash(hash).into_raw());
    assert!((1..raw.len()).all(|n| !raw[..n].contains(&raw[n])), "{raw:?}");
    assert!(hashes.into_iter().all(|hash| keyed.key_of_hash(hash).reset()) && keyed.is_empty());
}

#[test]
fn bad_configurations_are_refused() {
    let quota = Quota::per_second(1).unwrap();
    let build = |algorithm, max| KeyedLimiter::<str>::builder(algorithm, quota).max_keys(max).build_at(0).map(|_| ());
    assert_eq!(build(Algorithm::Gcra, 0), Err(KeyedLimiterError::NoKeys));
    assert_eq!(build(Algorithm::Gcra, usize::MAX), Err(KeyedLimiterError::TooManyKeys));
    assert_eq!(build(Algorithm::Gcra, 1 << 40), Err(KeyedLimiterError::TooManyKeys));
    assert!(matches!(build(Algorithm::SlidingLog, 10), Err(KeyedLimiterError::Quota(_))));
    let window =
        KeyedLimiter::<str>::builder(Algorithm::FixedWindow, quota).anchor(Anchor::FirstUse).max_keys(10).build_at(0);
    assert!(window.unwrap().try_acquire_at("a", 5, 1));
}

/// What is printed says what it is, and nothing from which the seed or a key's hash could be learnt.
#[test]
fn nothing_secret_is_printed() {
    let quota: Quota = "5/s".parse().unwrap();
    let builder = KeyedLimiter::<str>::builder(Algorithm::SlidingWindow, quota).max_keys(77);
    assert!(format!("{builder:?}").starts_with("KeyedLimiterBuilder { ") && format!("{builder:?}").contains("77"));
    let (one, other) = (builder.clone().build_at(0).unwrap(), builder.build_at(0).unwrap());
    assert_eq!((one.algorithm(), one.quota(), one.max_keys()), (Algorithm::SlidingWindow, quota, 77));
    let key = one.key("a");
    let reservation = key.reserve(1, Duration::ZERO).unwrap();
    let (printed, snapshot) = (format!("{one:?}"), format!("{:?}", one.snapshot()));
    assert!(printed.starts_with("KeyedLimiter { ") && printed.contains("SlidingWindow") && printed.contains("len: 1"));
    assert!(snapshot.starts_with("KeyedSnapshot { ") && snapshot.contains("len: 1"));
    assert!(format!("{reservation:?}").starts_with("KeyedReservation { slot: "));
    assert!(other.try_acquire("a", 1));
    // Two tables differ in their seeds alone.
    assert_eq!(printed, format!("{other:?}"));
    assert_eq!(snapshot, format!("{:?}", other.snapshot()));
    assert_eq!((format!("{key:?}"), format!("{:?}", other.key("b"))), ("Key { .. }".into(), "Key { .. }".into()));
    for (error, says) in [
        (KeyedLimiterError::NoKeys, "max_keys"),
        (KeyedLimiterError::TooManyKeys, "memory"),
        (KeyedLimiterError::OtherQuota, "another"),
        (KeyedLimiterError::Corrupt, "entries"),
        (KeyedLimiterError::Quota("0/s".parse::<Quota>().unwrap_err()), "at least 1"),
    ] {
        assert!(error.to_string().contains(says), "{error:?}: {error}");
    }
}

#[test]
fn snapshots_clearing_and_walking() {
    let before = keyed(Algorithm::SlidingWindow, 3, 500, WhenFull::EvictNearestIdle);
    for key in 0..400u64 {
        assert!(before.try_acquire_at(&key, 5, 1 + key % 3));
    }
    assert!(!before.is_empty());
    let kept = before.snapshot_at(6);
    assert_eq!(kept.len(), 400);
    let after = KeyedLimiter::<u64>::from_snapshot(&kept).unwrap();
    for key in 0..400u64 {
        assert_eq!(after.take_at(&key, 6, 1), before.take_at(&key, 6, 1));
    }
    let mut seen = 0;
    before.for_each_at(7, |key, decision| {
        seen += 1;
        assert_eq!(key.peek_at(7, 1), decision);
    });
    assert_eq!(seen, 400);
    before.clear();
    assert!(before.is_empty());
    assert!((0..400).all(|key| before.peek_at(&key, 7, 3).is_allowed()));
    assert!((0..400).all(|key| before.try_acquire_at(&key, 7, 3)));
}

#[test]
fn restoring_on_a_clock_of_ones_own() {
    let clock = Arc::new(ManualClock::new(7));
    let quota = Quota::from_nanos(2, 1_000_000).unwrap();
    let builder = KeyedLimiter::<u64>::builder(Algorithm::TokenBucket, quota).initial(1).shared_clock(clock.clone());
    let before = builder.clone().max_keys(20).build().unwrap();
    assert!(before.try_acquire(&1, 1));
    assert!(before.try_acquire(&2, 1) && !before.try_acquire(&2, 1));
    let kept = before.snapshot();
    assert_eq!(kept.len(), 2);

    let after = builder.clone().restore(&kept).unwrap();
    assert_eq!((after.len(), after.max_keys()), (2, 20));
    for key in 1..=3 {
        assert_eq!(after.peek(&key, 1), before.peek(&key, 1));
    }
    clock.set(7 + 500_000);
    assert!(after.try_acquire(&1, 1) && !after.try_acquire(&1, 1));
    // As if it had been there all the while.
    assert!(after.try_acquire(&3, 2) && !after.try_acquire(&3, 1));

    assert_eq!(builder.clone().max_keys(50).restore(&kept).unwrap().max_keys(), 50);
    let failed = |builder: KeyedLimiterBuilder<u64>| builder.restore(&kept).unwrap_err();
    assert_eq!(failed(builder.clone().max_keys(1)), KeyedLimiterError::Corrupt);
    assert_eq!(failed(builder.clone().initial(2)), KeyedLimiterError::OtherQuota);
    assert_eq!(failed(KeyedLimiter::builder(Algorithm::Gcra, quota)), KeyedLimiterError::OtherQuota);
    let initial = KeyedLimiter::<u64>::builder(Algorithm::Gcra, quota).initial(1).max_keys(1).build_at(0);
    assert!(matches!(initial.unwrap_err(), KeyedLimiterError::Quota(_)));
}

/// Buckets that are still filling go on filling under another quota, those of keys that nobody has seen too.
/// Newcomers drive others out while the snapshot is taken: it has no more keys than there may be, and none twice.
#[test]
fn a_snapshot_under_load_can_be_restored() {
    let keyed = keyed(Algorithm::Gcra, 5, 2_000, WhenFull::EvictNearestIdle);
    for key in 0..2_000u64 {
        assert!(keyed.try_acquire_at(&key, 5, 1 + key % 5));
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for key in (10_000u64..).take_while(|_| !stop.load(Relaxed)) {
                let _ = keyed.try_acquire_at(&key, 5, 1 + key % 5);
                keyed.reset(&(key - 7));
            }
        });
        let refused = (0..500).filter(|_| KeyedLimiter::<u64>::from_snapshot(&keyed.snapshot_at(5)).is_err()).count();
        stop.store(true, Relaxed);
        assert_eq!(refused, 0);
    });
}

/// Keys that were idle are not in the snapshot, nor under the next quota; a late clock does not meet fresh buckets there either.
#[test]
fn keys_left_out_as_idle_are_not_new_to_a_late_clock() {
    const PERIOD: u64 = 1_000_000;
    let quota = Quota::from_nanos(1, PERIOD).unwrap();
    let before = KeyedLimiter::<u64>::builder(Algorithm::Gcra, quota).max_keys(10).build_at(0).unwrap();
    assert!(before.try_acquire_at(&1, 0, 1));
    let restored = KeyedLimiter::<u64>::from_snapshot(&before.snapshot_at(PERIOD)).unwrap();
    let changed = before.reconfigured_at(PERIOD, quota, 10, Carry::Permits).unwrap();
    for after in [restored, changed] {
        let granted = [1, PERIOD + 1].map(|now| after.try_acquire_at(&1, now, 1));
        assert_eq!(granted, [true, false], "two within a period");
    }
}

/// More keys away from one home than are counted: each is found, at its limit, and gone when it is forgotten.
#[test]
fn more_keys_of_one_home_than_are_counted() {
    // Homes follow from the high bits, strides from the low ones.
    let raw = |n: u64| ((n * 0x9e37_79b9) & 0xffff_ffff) | (n << 33) | (1 << 20);
    let keyed = keyed(Algorithm::Gcra, 1, 4_000, WhenFull::Refuse);
    let keys = || (1..1_500).map(|n| keyed.key_from_raw(raw(n)));
    for round in 0..2 {
        let came: Vec<_> = keys().filter(|key| key.try_acquire_at(0, 1)).collect();
        assert!(came.len() > 300, "round {round}: {} of one home", came.len());
        assert!(came.iter().all(|key| !key.try_acquire_at(0, 1)), "found, and at its limit");
        assert_eq!(keyed.len(), came.len());
        assert!(came.iter().all(|key| key.reset()) && keyed.is_empty());
    }
}

#[test]
fn a_change_of_quota_goes_on_filling() {
    let quota = |limit| Quota::from_nanos(limit, 1_000_000).unwrap();
    let builder = KeyedLimiter::<u64>::builder(Algorithm::TokenBucket, quota(4)).initial(0).max_keys(10);
    let before = builder.build_at(0).unwrap();
    assert!(before.try_acquire_at(&1, 500_000, 2));
    let after = before.reconfigured_at(500_000, quota(8), 10, Carry::Permits).unwrap();
    let left = |key, now| after.peek_at(&key, now, 1).remaining();
    assert_eq!((left(1, 500_000), left(2, 500_000)), (4, 6));
    assert_eq!((left(1, 750_000), left(2, 750_000)), (6, 8));
    // Once full, all are as new ever after.
    let later = before.reconfigured_at(5_000_000, quota(2), 10, Carry::Permits).unwrap();
    assert_eq!(later.peek_at(&2, 5_000_000, 1).remaining(), 2);
}

/// A reservation is held with its key, and given back to it alone.
#[test]
fn reservations_are_held_with_their_key() {
    let clock = Arc::new(ManualClock::new(0));
    let quota = Quota::from_nanos(1, 1_000).unwrap();
    let keyed: KeyedLimiter<str> =
        KeyedLimiter::builder(Algorithm::Gcra, quota).max_keys(4).shared_clock(clock.clone()).build().unwrap();
    let wait = Duration::from_nanos(1_000);
    let first = keyed.reserve("a", 1, wait).unwrap();
    let held = keyed.reserve("a", 1, wait).unwrap();
    assert_eq!((first.delay(), held.delay(), held.at_nanos()), (Duration::ZERO, wait, 1_000));
    assert_eq!(keyed.reserve("a", 1, wait).unwrap_err().refusal(), Refusal::WaitTooLong);
    assert!(keyed.try_acquire("b", 1));
    assert!(!held.key().try_acquire(1));
    held.cancel();
    let again = keyed.key("a").reserve(1, wait).unwrap().into_slot();
    keyed.key("a").cancel(again);
    assert!(keyed.reserve("a", 1, wait).is_ok());
    assert!(!keyed.try_acquire("b", 1), "nothing was given back to another key");
}

/// Each of several threads counts what it was granted: no key beyond its limit, nothing lost.
#[test]
fn threads_on_the_same_keys() {
    let keyed = keyed(Algorithm::Gcra, 100, 1_000, WhenFull::EvictNearestIdle);
    let granted: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..100_000u64).filter(|n| keyed.try_acquire_at(&(n % 500), 5, 1)).count() as u64))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 500 * 100);
    assert_eq!((keyed.len(), keyed.evictions()), (500, 0));
}

/// Newcomers and evictions on all threads at once: the cap holds, and `len` says what is there.
#[test]
fn threads_on_a_table_that_is_always_full() {
    let keyed = keyed(Algorithm::Gcra, 1, 64, WhenFull::EvictNearestIdle);
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let keyed = &keyed;
            scope.spawn(move || {
                for n in 0..50_000u64 {
                    let _ = keyed.try_acquire_at(&(n * 7 + thread), n * 1_000, 1);
                    assert!(keyed.len() <= 64);
                }
            });
        }
    });
    let mut there = 0;
    keyed.for_each_at(0, |_, _| there += 1);
    assert_eq!(there, keyed.len());
}

/// Small tables that have been full for long: every key is found again, so that nobody has two limits.
#[test]
fn whoever_was_brought_in_is_found() {
    for max_keys in [12, 20, 50, 100, 300] {
        for round in 0..if cfg!(debug_assertions) { 20 } else { 200 } {
            let keyed = keyed(Algorithm::Gcra, 5, max_keys, WhenFull::EvictNearestIdle);
            for stranger in 0..20 * max_keys as u64 {
                assert!(keyed.try_acquire_at(&(1_000 + stranger), 5, 5));
                // Just brought in, and used up.
                assert!(!keyed.try_acquire_at(&(1_000 + stranger), 5, 1), "{max_keys} keys, round {round}, {stranger}");
            }
        }
    }
}

/// A key that was forgotten as idle just after a boundary is not new again for a clock that is still before it, even if the table was
/// made in the last moments of a window.
#[test]
fn a_forgotten_key_is_not_new_to_a_late_clock() {
    for text in ["10/h", "10/d offset 22h"] {
        let quota: Quota = text.parse().expect(text);
        let window = quota.window_at(1 << 60).expect("windows");
        let keyed: KeyedLimiter<u32> = KeyedLimiter::builder(Algorithm::FixedWindow, quota)
            .max_keys(1)
            .when_full(WhenFull::Refuse)
            .build_at(window.end - 1)
            .expect("held");
        assert!(keyed.try_acquire_at(&1, window.start, 10));
        // Idle now, and forgotten for a newcomer, who leaves again.
        assert!(keyed.try_acquire_at(&2, window.end, 10));
        assert!(keyed.reset(&2));
        let late = keyed.take_at(&1, window.start + 5, 10).is_allowed();
        assert!(!(late && keyed.try_acquire_at(&1, window.end, 10)), "{text}: ten in each window");
    }
}

/// What a table carries over to another quota is what each key's limiter carries over alone.
#[test]
fn another_quota_carries_each_key_as_its_limiter_would() {
    use tidegate::{Carry, Limiter};
    const NOW: u64 = 1_768_479_617_000_000_000;
    let quotas = ["100/min", "7/s", "1000/h", "250000/day"].map(|quota| quota.parse::<Quota>().unwrap());
    let mut compared = 0;
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        for (old, new) in quotas.iter().flat_map(|old| quotas.iter().map(move |new| (*old, *new))) {
            for carry in [Carry::Time, Carry::Permits, Carry::Proportional, Carry::Reset] {
                let before: KeyedLimiter<u64> =
                    KeyedLimiter::builder(algorithm, old).max_keys(200).build_at(NOW).unwrap();
                let alone: Vec<Limiter> =
                    (0..20).map(|_| Limiter::builder(algorithm, old).build_at(NOW).unwrap()).collect();
                for (key, limiter) in (0..).zip(&alone) {
                    let cost = old.capacity() * key / 19;
                    assert!(before.try_acquire_at(&key, NOW, cost) && limiter.try_acquire_at(NOW, cost));
                }
                let later = NOW + old.period_nanos() / 3;
                let after = before.reconfigured_at(later, new, 100, carry).unwrap();
                for (key, limiter) in (0..).zip(&alone) {
                    let now = later + new.period_nanos() / 7;
                    match limiter.reconfigure_at(later, new, carry) {
                        Ok(()) => assert_eq!(
                            after.peek_at(&key, now, 1),
                            limiter.peek_at(now, 1),
                            "{algorithm} {old} {new} {carry:?} {key}"
                        ),
                        // More than the new word can count: used up.
                        Err(_) => assert_eq!(after.peek_at(&key, later, 1).remaining(), 0),
                    }
                    compared += 1;
                }
                // The first is left as it was.
                assert_eq!(before.peek_at(&19, NOW, 1).remaining(), 0);
            }
        }
    }
    assert_eq!(compared, 4 * 16 * 4 * 20);
}

#[test]
fn another_quota_in_a_smaller_table_keeps_those_who_used_most() {
    use tidegate::{Carry, KeyedLimiterError};
    let before: KeyedLimiter<u64> =
        KeyedLimiter::builder(Algorithm::Gcra, "100/h".parse().unwrap()).max_keys(1000).build_at(0).unwrap();
    for key in 0..1000 {
        assert!(before.try_acquire_at(&key, 0, 1 + key % 100));
    }
    let after = before.reconfigured_at(0, "100/h".parse().unwrap(), 100, Carry::Permits).unwrap();
    assert!(after.len() <= 100 && after.evictions() > 0);
    let used: u64 = (0..1000).map(|key| 100 - after.peek_at(&key, 0, 1).remaining()).sum();
    assert!(used > 60 * after.len() as u64, "{used}");
    assert!(matches!(
        before.reconfigured_at(0, "100/h".parse().unwrap(), 0, Carry::Time),
        Err(KeyedLimiterError::NoKeys)
    ));
    let too_dense = "5000000000/s".parse().unwrap();
    assert!(matches!(before.reconfigured_at(0, too_dense, 9, Carry::Time), Err(KeyedLimiterError::Quota(_))));
}

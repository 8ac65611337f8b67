//! Leases: all hands together are one limiter, whoever draws, spends, returns, drops or panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use tidegate::{
    Algorithm, AllLeased, Lease, LeaseError, Limiter, LimiterBuilder, ManualClock, Quota, QuotaErrorKind, Refill,
};

fn quota(limit: u64, period: u64, burst: u64) -> Quota {
    Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)).expect("legal")
}

fn gcra(quota: Quota) -> LimiterBuilder {
    Limiter::builder(Algorithm::Gcra, quota)
}

/// Numbers without a library; every run is the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0 ^ self.0 >> 32;
        x.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ x >> 29
    }
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
    /// Each order of magnitude as often as the others.
    fn magnitude(&mut self, bits: u64) -> u64 {
        self.next() >> (64 - 1 - self.below(bits))
    }
}

/// The bound `B + floor(L*t/W)` over every span at once, in exact integers: a theoretical arrival time in units of 1/L ns.
struct Envelope {
    quota: Quota,
    arrival: u128,
}

impl Envelope {
    /// How far beyond the bound this spend is, in units of 1/L ns; 0 if it is within.
    fn spend(&mut self, now: u64, cost: u64) -> u128 {
        let (limit, period) = (u128::from(self.quota.limit()), u128::from(self.quota.period_nanos()));
        let now = u128::from(now) * limit;
        self.arrival = self.arrival.max(now) + u128::from(cost) * period;
        (self.arrival - now).saturating_sub(u128::from(self.quota.capacity()) * period)
    }
}

/// Workers in any order, on one clock: every spend of any worker fits into one plain limiter with the whole quota, and nothing is lost.
fn simulate(quota: Quota, workers: u64, batch: u64, seed: u64, calls: u64) -> u64 {
    let mut random = Random(seed);
    let leased = gcra(quota).build_leased_at(0, workers, batch).expect("legal");
    let whole = Limiter::builder(Algorithm::Gcra, quota).build_at(0).expect("legal");
    let mut envelope = Envelope { quota, arrival: 0 };
    let mut leases: Vec<Option<Lease<'_>>> = (0..workers).map(|_| None).collect();
    let (interval, mut now, mut spent) = (quota.period_nanos() / quota.limit(), 0, 0);
    for call in 0..calls {
        now += match random.below(16) {
            0 => random.below(interval * quota.capacity()),
            1..=3 => random.below(2 * interval + 1),
            _ => 0,
        };
        let index = random.below(workers) as usize;
        let lease = leases[index].get_or_insert_with(|| leased.lease().expect("one each"));
        let cost = 1 + random.magnitude(3).min(leased.max_cost() - 1);
        let could = cost <= lease.in_hand() + leased.peek_at(now, 0).remaining();
        assert_eq!(lease.peek_at(now, cost).is_allowed(), could, "call {call}");
        if lease.try_acquire_at(now, cost) {
            spent += cost;
            assert!(whole.try_acquire_at(now, cost), "call {call}: beyond the limit");
            // What one tick of 2 ns passes.
            assert!(envelope.spend(now, cost) <= 2 * u128::from(quota.limit()), "call {call}: beyond the envelope");
        } else {
            assert!(!could, "call {call}: denied what was there");
        }
        assert!(lease.in_hand() < batch);
        match random.below(64) {
            0 => leases[index] = None,
            1 => drop(lease.return_unused()),
            _ => {}
        }
    }
    let hands: u64 = leases.iter().flatten().map(Lease::in_hand).sum();
    assert!(hands <= leased.max_unused());
    drop(leases);
    assert_eq!(leased.leases(), 0);
    // The spends' arrival times are all that is left in the word.
    assert!(leased.peek_at(now, 1).remaining() <= leased.max_cost());
    spent
}

#[test]
fn sixty_four_workers_are_one_limiter() {
    let calls = 40_000;
    for (seed, (limit, period, burst, batch)) in [
        (1_000_000, 1_000_000_000, 10_000, 100),
        (1_000_000, 1_000_000_000, 6_401, 100),
        (300, 60_000_000_000, 1_000, 1),
        (7, 1_000, 129, 2),
        (1, 1, 1 << 20, 1 << 10),
        (999_999_999, 1_000_000_000, 1 << 30, 1 << 16),
        (3, 60_000_000_000, 4_000, 50),
    ]
    .into_iter()
    .enumerate()
    {
        let spent = simulate(quota(limit, period, burst), 64, batch, seed as u64, calls);
        println!("{limit}/{period} ns burst {burst}, 64 x {batch}: {spent} spent");
        assert!(spent > 1_000);
    }
}

#[test]
fn any_quota_and_any_number_of_workers() {
    let mut random = Random(77);
    let mut tried = 0;
    for seed in 0..4_000 {
        let (limit, period) = (1 + random.magnitude(30), 1 + random.magnitude(50));
        let (workers, batch) = (1 + random.magnitude(6), 1 + random.magnitude(20));
        let burst = workers * batch + 1 + random.magnitude(20);
        let quota = quota(limit, period, burst);
        if gcra(quota).build_at(0).is_err() || period / limit > (1 << 40) / burst {
            continue;
        }
        tried += 1;
        simulate(quota, workers, batch, seed, 200);
    }
    assert!(tried > 500, "{tried}");
}

/// Under load that never lets the word idle, all that was earned is spent, in hands, or there: nothing leaks.
#[test]
fn nothing_is_lost() {
    let (limit, period, burst, workers, batch) = (1u64 << 10, 1u64 << 20, 1_000, 8, 30);
    let leased = gcra(quota(limit, period, burst)).build_leased_at(0, workers, batch).unwrap();
    let mut leases: Vec<_> = (0..workers).map(|_| leased.lease().unwrap()).collect();
    let (mut random, mut spent) = (Random(5), 0);
    assert_eq!(leased.max_cost(), 760);
    for now in (0..1u64 << 24).step_by(128) {
        for lease in &mut leases {
            spent += u64::from(lease.try_acquire_at(now, 1));
        }
        if random.below(10) == 0 {
            let index = random.below(workers) as usize;
            // Returned, and drawn by the next: never idle, as all ask for more than is earned.
            leases[index].return_unused();
            spent += u64::from(leases[index].try_acquire_at(now, 1));
        }
    }
    let last = ((1u64 << 24) - 1) / 128 * 128;
    let hands: u64 = leases.iter().map(Lease::in_hand).sum();
    let earned = last * limit / period;
    assert_eq!(spent + hands + leased.peek_at(last, 1).remaining(), 760 + earned);
    drop(leases);
    assert_eq!(leased.peek_at(last, 1).remaining(), hands.min(760));
}

/// Whatever each hand does at one instant, what passed and what is left at the end is what there was.
#[test]
fn threads_at_one_instant() {
    for round in 0..200 {
        let leased = gcra(quota(10, 1 << 40, 500)).build_leased_at(0, 4, 25).unwrap();
        let spent = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for worker in 0..4u64 {
                let (leased, spent) = (&leased, &spent);
                scope.spawn(move || {
                    let mut lease = leased.lease().expect("one each");
                    for call in 0..200 {
                        let cost = 1 + (call + worker + round) % 3;
                        if lease.try_acquire_at(5, cost) {
                            spent.fetch_add(cost, SeqCst);
                        }
                        match call % 37 {
                            0 => drop(lease.return_unused()),
                            1 => {
                                drop(lease);
                                lease = leased.lease().expect("a place was given up");
                            }
                            _ => {}
                        }
                    }
                });
            }
        });
        let spent = spent.into_inner();
        assert_eq!(spent + leased.peek_at(5, 1).remaining(), 400, "round {round}");
        assert!(spent >= 398, "round {round}: {spent}");
        assert_eq!(leased.leases(), 0);
    }
}

/// A batch of one is a plain limiter with one permit a worker held back.
#[test]
fn one_worker_with_a_batch_of_one_is_the_plain_limiter() {
    for algorithm in [Algorithm::Gcra, Algorithm::TokenBucket] {
        let quota = quota(100, 1_000_000_007, 21);
        let leased = Limiter::builder(algorithm, quota).build_leased_at(0, 1, 1).unwrap();
        let plain = Limiter::builder(algorithm, quota.burst(20).unwrap()).build_at(0).unwrap();
        let mut lease = leased.lease().unwrap();
        let (mut random, mut now) = (Random(9), 0);
        for _ in 0..20_000 {
            now += random.magnitude(26);
            let cost = random.below(23);
            assert_eq!(lease.peek_at(now, cost), plain.peek_at(now, cost));
            assert_eq!(lease.take_at(now, cost), plain.take_at(now, cost), "at {now}, cost {cost}");
            assert_eq!(lease.in_hand(), 0);
        }
    }
}

#[test]
fn the_wait_is_exact() {
    let leased = gcra(quota(7, 1_000_003, 40)).build_leased_at(0, 2, 10).unwrap();
    let (mut one, mut other) = (leased.lease().unwrap(), leased.lease().unwrap());
    assert!(other.try_acquire_at(0, 3));
    let mut random = Random(3);
    let mut now = 0;
    for _ in 0..2_000 {
        let cost = 1 + random.below(20);
        let decision = one.take_at(now, cost);
        let Some(wait) = decision.retry_after_nanos() else { panic!("within the largest cost") };
        assert_eq!(decision.is_allowed(), wait == 0);
        if wait > 0 {
            assert!(!one.peek_at(now + wait - 1, cost).is_allowed());
            now += wait;
            assert!(one.take_at(now, cost).is_allowed());
        }
    }
    assert!(one.take_at(now, 21).is_never());
    assert!(one.take_at(now, u64::MAX).is_never());
}

#[test]
fn a_decision_says_what_the_hand_can_do() {
    let leased = gcra(quota(10, 10_000, 100)).build_leased_at(0, 2, 20).unwrap();
    let mut lease = leased.lease().unwrap();
    let first = lease.take_at(0, 1);
    // 19 in hand, 40 shared.
    assert_eq!((first.is_allowed(), first.limit(), first.remaining(), lease.in_hand()), (true, 60, 59, 19));
    assert_eq!(leased.peek_at(0, 1).remaining(), 40);
    assert_eq!(lease.take_at(0, 19).remaining(), 40);
    assert!(lease.take_at(0, 40).is_allowed());
    let denied = lease.take_at(0, 2);
    assert_eq!((denied.is_allowed(), denied.remaining(), denied.retry_after_nanos()), (false, 0, Some(2_000)));
    assert_eq!(denied.reset_after_nanos(), 60_000);
    assert!(lease.take_at(0, 0).is_allowed() && lease.try_acquire_at(0, 0));
    assert!(leased.try_acquire_at(0, 0) && !leased.try_acquire_at(0, 1));
}

#[test]
fn a_rest_smaller_than_the_batch_is_drawn() {
    let leased = gcra(quota(1, 1 << 30, 25)).build_leased_at(0, 2, 10).unwrap();
    let (mut one, mut two) = (leased.lease().unwrap(), leased.lease().unwrap());
    assert!(one.try_acquire_at(0, 3));
    assert_eq!((one.in_hand(), leased.peek_at(0, 1).remaining()), (2, 0));
    assert!(!two.try_acquire_at(0, 1));
    assert_eq!(one.return_unused(), 2);
    assert_eq!(one.return_unused(), 0);
    assert!(two.try_acquire_at(0, 2) && !two.try_acquire_at(0, 1));
}

/// What was earned back while it lay in a hand is not given back on top of it.
#[test]
fn a_return_never_mints() {
    let (interval, burst, batch) = (1u64 << 10, 30, 10);
    let leased = gcra(quota(1, interval, burst)).build_leased_at(0, 1, batch).unwrap();
    for idle in 0..40 {
        let start = idle * (1 << 30);
        let mut lease = leased.lease().unwrap();
        assert!(lease.try_acquire_at(start, 1));
        let now = start + idle * interval;
        drop(lease);
        let left = leased.peek_at(now, 1).remaining();
        // 20 shared; of the ten that were drawn one was spent.
        assert_eq!(left, 20.min(19 + idle), "{idle}");
        // In hand all the while, it is as good as new too, and never more than the burst in all.
        let mut lease = leased.lease().unwrap();
        let mut passed = 0;
        while lease.try_acquire_at(now, 1) {
            passed += 1;
        }
        assert_eq!(passed, left);
    }
}

#[test]
fn as_many_leases_as_workers() {
    let leased = Arc::new(gcra(quota(1_000, 1 << 30, 1_000)).build_leased_at(0, 3, 10).unwrap());
    let one = leased.lease().unwrap();
    let two = leased.lease_owned().unwrap();
    let three = leased.lease().unwrap();
    let full: AllLeased = leased.lease().unwrap_err();
    assert_eq!((full.workers(), full.to_string().as_str(), leased.leases()), (3, "all 3 leases are out", 3));
    assert_eq!(leased.lease_owned().unwrap_err(), full);
    drop(two);
    let four = leased.lease_owned().unwrap();
    assert!(leased.lease().is_err());
    drop((one, three, four));
    assert_eq!(leased.leases(), 0);
}

#[test]
fn a_worker_that_panics_returns_what_it_holds() {
    let leased = gcra(quota(1, 1 << 40, 100)).build_leased_at(0, 1, 40).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut lease = leased.lease().unwrap();
        assert!(lease.try_acquire_at(0, 5));
        assert_eq!(leased.peek_at(0, 1).remaining(), 20);
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert_eq!((leased.leases(), leased.peek_at(0, 1).remaining()), (0, 55));
    // Forgotten: what it held is gone, and no more.
    std::mem::forget({
        let mut lease = leased.lease().unwrap();
        assert!(lease.try_acquire_at(0, 1));
        lease
    });
    assert_eq!(leased.peek_at(0, 1).remaining(), 15);
    assert!(leased.lease().is_err());
}

/// A lease whose `now` runs back draws as of the latest it has seen; the word judges others' late times as ever.
#[test]
fn late_and_impossible_times() {
    let leased = gcra(quota(1, 1_000, 20)).build_leased_at(0, 2, 5).unwrap();
    let mut lease = leased.lease().unwrap();
    assert!(lease.try_acquire_at(50_000, 10));
    assert!(!lease.try_acquire_at(0, 1), "nothing minted");
    assert_eq!(lease.take_at(0, 1).retry_after_nanos(), Some(1_000));
    let mut other = leased.lease().unwrap();
    assert!(!other.try_acquire_at(0, 1));
    assert!(other.try_acquire_at(u64::MAX, 10));
    assert!(!other.try_acquire_at(u64::MAX, 1) && !other.try_acquire_at(u64::MAX - 1, 1));
    assert_eq!(other.take_at(u64::MAX, 1).retry_after_nanos(), None, "beyond the end of the clock");
}

#[test]
fn what_cannot_be_leased_is_refused() {
    let ten = quota(10, 1_000_000, 10);
    let build =
        |algorithm, quota, workers, batch| Limiter::builder(algorithm, quota).build_leased_at(0, workers, batch).err();
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog] {
        let error = build(algorithm, ten, 1, 1);
        assert_eq!(error, Some(LeaseError::Algorithm(algorithm)));
        assert!(error.unwrap().to_string().contains(algorithm.name()));
    }
    let interval = Limiter::builder(Algorithm::TokenBucket, ten).refill(Refill::Interval).build_leased_at(0, 1, 1);
    assert_eq!(interval.err(), Some(LeaseError::IntervalRefill));
    assert_eq!(build(Algorithm::Gcra, ten, 0, 1), Some(LeaseError::ZeroWorkers));
    assert_eq!(build(Algorithm::Gcra, ten, 1, 0), Some(LeaseError::ZeroBatch));
    for (workers, batch) in [(1, 10), (2, 5), (10, 1), (1, u64::MAX), (u64::MAX, 1), (u64::MAX, u64::MAX)] {
        let held_back = workers.saturating_mul(batch);
        let error = LeaseError::BurstTooSmall { burst: 10, held_back };
        assert_eq!(build(Algorithm::Gcra, ten, workers, batch), Some(error));
        assert!(error.to_string().contains(&held_back.to_string()));
    }
    assert_eq!(build(Algorithm::Gcra, ten, 3, 3), None);
    // What the quota itself cannot do is told as ever.
    let kind = |error: Option<LeaseError>| match error {
        Some(LeaseError::Quota(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    let (fast, long) = (quota(10, 5, 10), quota(1, 1 << 62, 3));
    assert_eq!(kind(build(Algorithm::Gcra, fast, 1, 1)), QuotaErrorKind::RateTooHigh);
    assert_eq!(kind(build(Algorithm::Gcra, long, 1, 1)), QuotaErrorKind::BurstTooLong);
    let filled = Limiter::builder(Algorithm::Gcra, ten).initial(3).build_leased_at(0, 1, 1);
    assert_eq!(kind(filled.err()), QuotaErrorKind::InitialUnsupported);
    let overfilled = Limiter::builder(Algorithm::TokenBucket, ten).initial(11).build_leased_at(0, 1, 1);
    assert_eq!(kind(overfilled.err()), QuotaErrorKind::InitialUnsupported);
}

#[test]
fn a_bucket_begins_with_what_it_was_given() {
    for (fill, there) in [(0, 0), (3, 3), (6, 6), (10, 6)] {
        let bucket = Limiter::builder(Algorithm::TokenBucket, quota(10, 1_000_000, 10)).initial(fill);
        let leased = bucket.build_leased_at(7_000, 2, 2).unwrap();
        assert_eq!(leased.peek_at(7_000, 1).remaining(), there, "{fill}");
    }
}

#[test]
fn the_clock_is_read_when_permits_are_drawn() {
    let clock = Arc::new(ManualClock::new(1_000));
    let leased = gcra(quota(1, 1_000, 11)).shared_clock(clock.clone()).build_leased(1, 5).unwrap();
    let mut lease = leased.lease().unwrap();
    assert!(lease.try_acquire(6) && lease.peek(0).is_allowed());
    assert!(!lease.try_acquire(1) && !leased.try_acquire(1));
    assert_eq!(lease.take(1).retry_after_nanos(), Some(1_000));
    clock.set(3_000);
    assert_eq!((leased.now(), leased.peek(1).remaining()), (3_000, 2));
    assert!(lease.take(1).is_allowed());
    assert_eq!((lease.in_hand(), leased.peek(1).remaining()), (1, 0));
    assert_eq!((leased.quota().capacity(), leased.workers(), leased.batch(), leased.max_unused()), (11, 1, 5, 5));
}

#[test]
fn leases_move_between_threads_and_allocate_nothing() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    let leased = gcra(quota(1, 1 << 30, 100)).build_leased_at(0, 2, 10).unwrap();
    sync(&leased);
    let allocated = allocation_counter::measure(|| {
        let mut lease = leased.lease().unwrap();
        send(&lease);
        for now in 0..100 {
            let _ = lease.try_acquire_at(now, 1 + now % 20);
            let _ = lease.take_at(now, 1);
        }
        lease.return_unused();
    });
    assert_eq!(allocated.count_total, 0);
    assert_eq!(std::mem::align_of_val(&leased.lease().unwrap()), 128);
}

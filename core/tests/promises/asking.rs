//! One limiter, several ways to ask: the same answers from a clock, from an array, from a static. And what it all takes.

use std::sync::Arc;
use std::time::Duration;

use quickcheck::{Arbitrary, Gen};
use tidegate::{Algorithm, Decision, Limiter, ManualClock, Quota, SlidingLog, Slot};

use crate::every::LOG;
use crate::lives::*;
use crate::{SECOND, check};

/// The verbs that read a clock are those that are told the time.
#[test]
fn the_plain_verbs_are_the_told_ones_at_the_time_of_the_clock() {
    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let clock = Arc::new(ManualClock::new(setup.origin));
        let reads = setup.builder().shared_clock(clock.clone()).build().expect("legal");
        let mut told = Life::new(&setup);
        let mut booked = vec![];
        for step in &steps {
            let said = told.step(step);
            let cost = step.cost(&told.quota);
            clock.set(told.now);
            assert_eq!(reads.now(), told.now);
            let ours = match step.verb {
                Verb::Take => Said::Decision(reads.take(cost)),
                Verb::TryAcquire => Said::Answer(reads.try_acquire(cost)),
                Verb::Peek => Said::Decision(reads.peek(cost)),
                Verb::Charge => Said::Decision(reads.charge(cost)),
                Verb::Refund => {
                    reads.refund(cost);
                    Said::Nothing
                }
                Verb::Reserve => {
                    let period = told.quota.period_nanos();
                    let max_wait = if step.cost.0 & 64 == 0 { u64::MAX } else { step.cost.1 % period * 2 };
                    match reads.reserve(cost, Duration::from_nanos(max_wait)) {
                        Ok(reservation) => {
                            let at = reservation.at_nanos();
                            assert_eq!(reservation.delay(), Duration::from_nanos(at.saturating_sub(told.now)));
                            booked.push(reservation);
                            Said::Booked(at)
                        }
                        Err(refused) => Said::Refused(refused.refusal(), refused.decision()),
                    }
                }
                Verb::Cancel => {
                    if !booked.is_empty() {
                        booked.swap_remove(step.cost.1 as usize % booked.len()).cancel();
                    }
                    Said::Nothing
                }
                Verb::Reset => {
                    reads.reset();
                    booked.clear();
                    Said::Nothing
                }
            };
            assert_eq!(ours, said, "{setup:?} {step:?}");
            assert_eq!(reads.snapshot(), told.limiter.snapshot());
        }
    }
    check(holds as fn(Any, Vec<Step>));
}

/// The log in an array is the log on the heap.
#[test]
fn a_log_in_an_array_is_the_log_on_the_heap() {
    fn same<const N: usize>(period: u64, steps: &[Step]) {
        let log = SlidingLog::<N>::new(Duration::from_nanos(period)).expect("legal");
        let mut life = Life::of(LOG.make(N as u64, period), 0);
        let mut slots = vec![];
        for step in steps {
            let said = life.step(step);
            let (now, cost) = (life.now, step.cost(&life.quota));
            let ours = match step.verb {
                Verb::Take => Said::Decision(log.take_at(now, cost)),
                Verb::TryAcquire => Said::Answer(log.try_acquire_at(now, cost)),
                Verb::Peek => Said::Decision(log.peek_at(now, cost)),
                Verb::Charge => Said::Decision(log.charge_at(now, cost)),
                Verb::Refund => {
                    log.refund_at(now, cost);
                    Said::Nothing
                }
                Verb::Reserve => {
                    let max_wait = if step.cost.0 & 64 == 0 { u64::MAX } else { step.cost.1 % period * 2 };
                    match log.reserve_at(now, cost, max_wait) {
                        Ok(slot) => {
                            let at = slot.at_nanos();
                            slots.push(slot);
                            Said::Booked(at)
                        }
                        Err(refused) => Said::Refused(refused.refusal(), refused.decision()),
                    }
                }
                Verb::Cancel => {
                    if !slots.is_empty() {
                        log.cancel_at(now, slots.swap_remove(step.cost.1 as usize % slots.len()));
                    }
                    Said::Nothing
                }
                Verb::Reset => {
                    log.reset();
                    slots.clear();
                    Said::Nothing
                }
            };
            assert_eq!(ours, said, "{N} in {period} ns, {step:?}");
        }
    }
    fn holds(Log(setup): Log, steps: Vec<Step>) {
        let period = setup.quota.period_nanos();
        same::<1>(period, &steps);
        same::<2>(period, &steps);
        same::<7>(period, &steps);
        same::<64>(period, &steps);
    }
    check(holds as fn(Log, Vec<Step>));
}

/// For statics: every rule whose word tells every time, made by the compiler. (A window from first use counts from when it is made.)
const TEN_A_SECOND: Quota = match Quota::per_second(10) {
    Ok(quota) => quota,
    Err(_) => panic!("10 is a limit"),
};
static STATIC: [Limiter; 4] = [
    Limiter::fixed(Algorithm::Gcra, TEN_A_SECOND),
    Limiter::fixed(Algorithm::TokenBucket, TEN_A_SECOND),
    Limiter::fixed(Algorithm::FixedWindow, TEN_A_SECOND),
    Limiter::fixed(Algorithm::SlidingWindow, TEN_A_SECOND),
];
static STATIC_LOG: SlidingLog<10> = match SlidingLog::new(Duration::from_secs(1)) {
    Ok(log) => log,
    Err(_) => panic!("10 is a limit"),
};

#[test]
fn a_static_limiter_is_one_that_was_built() {
    let steps: Vec<Step> = (0..400).map(|_| Step::arbitrary(&mut Gen::new(100))).collect();
    for limiter in &STATIC {
        let built = Limiter::builder(limiter.algorithm(), limiter.quota()).build_at(0).expect("legal");
        let mut life = Life::of(built, 0);
        for step in steps.iter().filter(|step| matches!(step.verb, Verb::Take | Verb::Peek | Verb::Charge)) {
            let Said::Decision(said) = life.step(step) else { panic!("decisions alone") };
            let (now, cost) = (life.now, step.cost(&TEN_A_SECOND));
            let ours = match step.verb {
                Verb::Take => limiter.take_at(now, cost),
                Verb::Charge => limiter.charge_at(now, cost),
                _ => limiter.peek_at(now, cost),
            };
            assert_eq!(ours, said, "{}", limiter.algorithm());
        }
        assert_eq!(limiter.snapshot(), life.limiter.snapshot());
        limiter.reset();
        assert_eq!(limiter.peek_at(0, 1).remaining(), 10);
    }
    assert!(STATIC_LOG.try_acquire_at(5, 10) && !STATIC_LOG.try_acquire_at(SECOND + 4, 1));
    assert!(STATIC_LOG.try_acquire_at(SECOND + 5, 1));
}

/// The state is one word; the sliding log's is one word a permit and two.
#[test]
fn sizes_are_as_promised() {
    // A snapshot of a word under test is one number (`a_snapshot_reads_back_as_it_was_written`), kept in one 64-bit atomic.
    assert_eq!(size_of::<std::sync::atomic::AtomicU64>(), 8);
    assert_eq!(size_of::<SlidingLog<1000>>() - size_of::<SlidingLog<10>>(), 990 * 8);
    // `N * 8 + 16`, and the numbers of its quota.
    assert!(size_of::<SlidingLog<10>>() <= 10 * 8 + 16 + 32, "{}", size_of::<SlidingLog<10>>());
    // The rule and its exact grid, the quota, the clock, the successor: none of it grows with use. Three cache lines and a bit.
    assert!(size_of::<Limiter>() <= 304, "{}", size_of::<Limiter>());
    assert!(size_of::<Decision>() <= 128, "{}", size_of::<Decision>());
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Limiter>();
    shared::<SlidingLog<3>>();
    shared::<Decision>();
    shared::<Slot>();
}

//! Every interleaving of small programs, by loom: never over the limit, no permit lost.
//!
//! Run with `RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test loom`. Of one word, two threads of
//! three calls and three of one are explored wholly, three of two with at most three preemptions; of a log, which takes more steps a call,
//! less. Each model says how many executions it saw (more than one, or it shows nothing), and beside it stands a seeded bug that it catches.
#![cfg(tidegate_loom)]

mod models;

use loom::sync::Arc;
use loom::thread;
use models::{holds, holds_but_not_with};
use tidegate::sync::Bug;
use tidegate::{Algorithm, Anchor, Carry, Limiter, Quota, Refill};

fn limiter(algorithm: Algorithm, refill: Refill, limit: u64) -> Limiter {
    let quota = Quota::from_nanos(limit, 1 << 20).unwrap();
    let quota = if refill == Refill::Interval { quota.anchor(Anchor::FirstUse) } else { quota };
    Limiter::builder(algorithm, quota).refill(refill).build_at(0).unwrap()
}

fn take(limiter: &Limiter, calls: u64) -> u64 {
    (0..calls).filter(|_| limiter.try_acquire_at(5, 1)).count() as u64
}

/// `threads` threads take `calls` times each at one instant: exactly the limit passes, and the state knows it.
fn one_instant(
    algorithm: Algorithm,
    refill: Refill,
    threads: u64,
    calls: u64,
) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        // A log so short that a stalled claim is met again within the model.
        let limit = if algorithm == Algorithm::SlidingLog { 2.min(threads * calls - 1) } else { threads * calls - 1 };
        let limiter = Arc::new(limiter(algorithm, refill, limit));
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let limiter = limiter.clone();
                thread::spawn(move || take(&limiter, calls))
            })
            .collect();
        let granted = take(&limiter, calls) + others.into_iter().map(|other| other.join().unwrap()).sum::<u64>();
        assert_eq!(granted, limit);
        assert_eq!(limiter.peek_at(5, 1).remaining(), 0);
    }
}

macro_rules! one_instant {
    ($($name:ident: $algorithm:ident, $refill:ident;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn two_threads_three_calls() {
                holds_but_not_with(&[Bug::LostUpdate], None, one_instant(Algorithm::$algorithm, Refill::$refill, 2, 3));
            }

            #[test]
            fn three_threads_one_call() {
                holds_but_not_with(&[Bug::LostUpdate], None, one_instant(Algorithm::$algorithm, Refill::$refill, 3, 1));
            }

            #[test]
            fn three_threads_two_calls() {
                holds_but_not_with(&[Bug::LostUpdate], Some(3), one_instant(Algorithm::$algorithm, Refill::$refill, 3, 2));
            }
        }
    )*};
}

one_instant! {
    gcra: Gcra, Continuous;
    token_bucket: TokenBucket, Interval;
    fixed_window: FixedWindow, Continuous;
    sliding_window: SlidingWindow, Continuous;
}

mod sliding_log {
    use super::*;

    fn log(limit: u64) -> Arc<Limiter> {
        Arc::new(limiter(Algorithm::SlidingLog, Refill::Continuous, limit))
    }

    #[test]
    fn two_threads_three_calls() {
        holds_but_not_with(
            &[Bug::UnfinishedClaim],
            Some(3),
            one_instant(Algorithm::SlidingLog, Refill::Continuous, 2, 3),
        );
    }

    #[test]
    fn three_threads_one_call() {
        holds_but_not_with(
            &[Bug::UnfinishedClaim],
            Some(3),
            one_instant(Algorithm::SlidingLog, Refill::Continuous, 3, 1),
        );
    }

    /// A call of the log is some ten accesses where the others' is two, so that only this much is explored wholly.
    #[test]
    fn two_threads_one_call_wholly() {
        holds(None, one_instant(Algorithm::SlidingLog, Refill::Continuous, 2, 1));
    }

    #[test]
    fn two_threads_two_calls() {
        holds_but_not_with(
            &[Bug::UnfinishedClaim],
            Some(4),
            one_instant(Algorithm::SlidingLog, Refill::Continuous, 2, 2),
        );
    }

    /// A whole lap of the ring: the second permit of a slot must not be lost behind a late writer of the first.
    #[test]
    fn a_late_writer_changes_nothing_a_lap_later() {
        holds_but_not_with(&[Bug::UnfinishedClaim], Some(3), || {
            let (log, period) = (log(1), 1 << 20);
            let other = log.clone();
            let late = thread::spawn(move || u64::from(other.try_acquire_at(0, 1)));
            let first = u64::from(log.try_acquire_at(0, 1));
            let second = u64::from(log.try_acquire_at(period, 1));
            let late = late.join().unwrap();
            // Each period has one place. The late one may have been judged after the second.
            assert_eq!((first + late).max(1) + second, 2);
            assert!(!log.try_acquire_at(2 * period - 1, 1));
            assert!(log.try_acquire_at(2 * period, 1));
        });
    }

    /// Batches of several slots, written by whoever comes next.
    #[test]
    fn batches() {
        holds_but_not_with(&[Bug::UnfinishedClaim], Some(3), || {
            let log = log(3);
            let other = log.clone();
            let two = thread::spawn(move || 2 * u64::from(other.try_acquire_at(0, 2)));
            let mine = u64::from(log.try_acquire_at(0, 1)) + u64::from(log.try_acquire_at(0, 1));
            let granted = two.join().unwrap() + mine;
            assert!(granted == 3 || granted == 2, "{granted}");
            assert_eq!(log.peek_at(0, 1).remaining(), 3 - granted);
        });
    }

    /// A claimer is stalled while others claim, give back and claim again at the same instant, until all looks as it did.
    #[test]
    fn no_head_comes_back() {
        holds_but_not_with(&[Bug::HeadComesBack], Some(3), || {
            let (log, period) = (log(2), 1 << 20);
            assert!(log.try_acquire_at(0, 1) && log.try_acquire_at(period, 1));
            // The first permit has expired now, the second is live.
            let other = log.clone();
            let stalled = thread::spawn(move || u64::from(other.try_acquire_at(period, 1)));
            let before = u64::from(log.try_acquire_at(period, 1));
            log.refund_at(period, 1);
            let after = u64::from(log.try_acquire_at(period, 1));
            let granted = before + after + stalled.join().unwrap();
            assert!(granted <= 2, "one live, one given back, {granted} granted, of two");
        });
    }

    /// A decision's figures belong to one moment.
    #[test]
    fn a_decision_is_of_one_moment() {
        holds_but_not_with(&[Bug::StaleDecision], None, || {
            let (log, now) = (log(3), 1 << 20);
            // All used once and expired, so that what the slots hold is looked at.
            assert!(log.try_acquire_at(0, 3));
            let other = log.clone();
            let looker = thread::spawn(move || {
                let seen = other.peek_at(now, 1);
                // Before all three were taken, or after.
                assert!(matches!((seen.is_allowed(), seen.remaining()), (true, 3) | (false, 0)), "{seen:?}");
            });
            assert!(log.try_acquire_at(now, 3));
            looker.join().unwrap();
        });
    }
}

mod reservations {
    use super::*;

    /// Two who reserve never share an instant, and a cancelled one is there for the next.
    fn two_reserve(algorithm: Algorithm) -> impl Fn() + Send + Sync + Clone + 'static {
        move || {
            let limiter = Arc::new(limiter(algorithm, Refill::Continuous, 1));
            let other = limiter.clone();
            let reserver = thread::spawn(move || other.reserve_at(0, 1, u64::MAX).unwrap().at_nanos());
            let mine = limiter.reserve_at(0, 1, u64::MAX).unwrap();
            let at = mine.at_nanos();
            let theirs = reserver.join().unwrap();
            let period = 1 << 20;
            assert_eq!((at.min(theirs), at.max(theirs)), (0, period));
            limiter.cancel_at(0, mine);
            // The last in line gives its place back; one with another behind it leaves it unused.
            let next = limiter.reserve_at(0, 1, u64::MAX).unwrap().at_nanos();
            assert!(next == period || next == 2 * period, "{next}");
            assert_eq!(next == period, at == period);
        }
    }

    #[test]
    fn gcra() {
        holds_but_not_with(&[Bug::LostUpdate], None, move || {
            // `reserve` has its own loop; a lost update of `take` beside it must show as well.
            let limiter = Arc::new(limiter(Algorithm::Gcra, Refill::Continuous, 2));
            let other = limiter.clone();
            let taker = thread::spawn(move || u64::from(other.try_acquire_at(0, 1)));
            let at = limiter.reserve_at(0, 1, u64::MAX).unwrap().at_nanos();
            let taken = taker.join().unwrap();
            assert_eq!((at, taken), (0, 1));
            assert_eq!(limiter.peek_at(0, 1).remaining(), 0);
        });
        holds(None, two_reserve(Algorithm::Gcra));
    }

    #[test]
    fn fixed_window() {
        holds(None, two_reserve(Algorithm::FixedWindow));
    }

    #[test]
    fn sliding_log() {
        holds_but_not_with(&[Bug::UnfinishedClaim], Some(3), two_reserve(Algorithm::SlidingLog));
    }
}

/// A spend is in the old state or in the new one, never in neither.
#[test]
fn a_change_of_quota_loses_no_spend() {
    holds_but_not_with(&[Bug::CopiedState], Some(3), || {
        let limiter = Arc::new(limiter(Algorithm::Gcra, Refill::Continuous, 4));
        let other = limiter.clone();
        let taker = thread::spawn(move || (0..2).filter(|_| other.try_acquire_at(0, 1)).count() as u64);
        let quota = Quota::from_nanos(8, 1 << 20).unwrap();
        limiter.reconfigure_at(0, quota, Carry::Permits).unwrap();
        let taken = taker.join().unwrap();
        assert_eq!(taken, 2);
        assert_eq!(limiter.peek_at(0, 1).remaining(), 8 - taken);
    });
}

mod keyed {
    use super::*;
    use tidegate::{KeyedLimiter, WhenFull};

    const PERIOD: u64 = 1 << 20;

    fn keyed(limit: u64, max_keys: usize) -> Arc<KeyedLimiter<u64>> {
        let quota = Quota::from_nanos(limit, PERIOD).unwrap();
        let builder = KeyedLimiter::builder(Algorithm::Gcra, quota);
        Arc::new(builder.max_keys(max_keys).when_full(WhenFull::Refuse).build_at(0).unwrap())
    }

    /// Two threads bring in one key: it is one key, with one limit.
    #[test]
    fn one_key_is_in_one_slot() {
        holds_but_not_with(&[Bug::InsertedTwice], None, || {
            let keyed = keyed(1, 2);
            let other = keyed.clone();
            let thread = thread::spawn(move || u64::from(other.try_acquire_at(&7, 5, 1)));
            let granted = u64::from(keyed.try_acquire_at(&7, 5, 1)) + thread.join().unwrap();
            assert_eq!((granted, keyed.len()), (1, 1));
        });
    }

    /// A slot changes hands between look-up and spend: the spend is the old key's, or nobody's, but never the new key's.
    #[test]
    fn a_spend_lands_on_its_own_key() {
        holds_but_not_with(&[Bug::SpendOnAnotherKey], None, || {
            let keyed = keyed(3, 1);
            assert!(keyed.try_acquire_at(&1, 0, 1));
            let other = keyed.clone();
            // At `PERIOD` key 1 is idle, and key 2 may have its slot.
            let thread = thread::spawn(move || other.try_acquire_at(&2, PERIOD, 1));
            let mine = keyed.try_acquire_at(&1, PERIOD, 1);
            let theirs = thread.join().unwrap();
            assert!(mine || theirs, "whoever has the slot is let through");
            for (key, granted) in [(1, mine), (2, theirs)] {
                let spent = 3 - keyed.peek_at(&key, PERIOD, 1).remaining();
                assert!(spent == u64::from(granted), "key {key}: spent {spent}, granted {granted}");
            }
        });
    }

    /// A slot changes hands while it is searched: nobody is answered by another key's word.
    #[test]
    fn an_answer_is_of_its_own_key() {
        holds_but_not_with(&[Bug::FoundUnchecked], None, || {
            let keyed = keyed(1, 1);
            assert!(keyed.try_acquire_at(&1, 0, 1));
            let other = keyed.clone();
            // At `PERIOD` key 1 is idle, whether or not key 2 has its slot.
            let thread = thread::spawn(move || assert!(other.peek_at(&1, PERIOD, 1).is_allowed()));
            assert!(keyed.try_acquire_at(&2, PERIOD, 1));
            thread.join().unwrap();
        });
    }

    /// A key is seen to be idle, then spent on, then forgotten: not both.
    #[test]
    fn a_key_is_not_forgotten_under_a_spend() {
        holds_but_not_with(&[Bug::EvictedUnderSpend], None, || {
            let keyed = keyed(1, 1);
            assert!(keyed.try_acquire_at(&1, 0, 1));
            let other = keyed.clone();
            let thread = thread::spawn(move || u64::from(other.try_acquire_at(&2, PERIOD, 1)));
            let granted = u64::from(keyed.try_acquire_at(&1, PERIOD, 1)) + thread.join().unwrap();
            assert_eq!(granted, 1, "one slot, one of the two");
            assert_eq!(keyed.evictions(), 0);
        });
    }

    /// A key that lies away from home is spent on while a newcomer takes it for idle: it goes, or it is still found.
    #[test]
    fn a_key_away_from_home_is_found() {
        holds_but_not_with(&[Bug::UncountedEarly], None, || {
            // Three blocks of two slots, and three keys at home in the first: the last lies in the second.
            let keyed = keyed(3, 3);
            for (raw, cost) in [(2, 3), (3, 3), (4, 1)] {
                assert!(keyed.key_from_raw(raw).try_acquire_at(0, cost));
            }
            let other = keyed.clone();
            let now = PERIOD / 2;
            let newcomer = u64::MAX / 2;
            let thread = thread::spawn(move || other.key_from_raw(newcomer).try_acquire_at(now, 1));
            let mine = keyed.key_from_raw(4).try_acquire_at(now, 1);
            let theirs = thread.join().unwrap();
            assert!(mine != theirs, "three places, and who was first has the third");
            for (raw, granted) in [(4, mine), (newcomer, theirs)] {
                let spent = 3 - keyed.key_from_raw(raw).peek_at(now, 1).remaining();
                assert!(spent == u64::from(granted), "key {raw}: spent {spent}, granted {granted}");
            }
        });
    }

    /// A key is brought in away from home and forgotten again, beside another of that home: the other is found all the while.
    #[test]
    fn a_neighbour_away_from_home_is_found() {
        holds_but_not_with(&[Bug::CountedLate], None, || {
            let keyed = keyed(1, 4);
            for raw in [2, 3, 4] {
                assert!(keyed.key_from_raw(raw).try_acquire_at(0, 1));
            }
            let other = keyed.clone();
            let thread = thread::spawn(move || {
                other.key_from_raw(5).reset();
                assert!(!other.key_from_raw(4).peek_at(0, 1).is_allowed(), "at its limit");
            });
            assert!(keyed.key_from_raw(5).try_acquire_at(0, 1));
            thread.join().unwrap();
        });
    }

    /// Two newcomers and one place.
    #[test]
    fn the_last_place_is_taken_once() {
        holds_but_not_with(&[Bug::LastPlaceTwice], None, || {
            let keyed = keyed(1, 1);
            let other = keyed.clone();
            let thread = thread::spawn(move || u64::from(other.try_acquire_at(&2, 5, 1)));
            let granted = u64::from(keyed.try_acquire_at(&1, 5, 1)) + thread.join().unwrap();
            assert_eq!((granted, keyed.len()), (1, 1));
        });
    }
}

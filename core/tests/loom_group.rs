//! Groups in every interleaving: no member over its limit, nothing lost when all have returned.
//!
//! Run with `RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test loom_group`. Each model says how many executions it
//! saw, and catches the seeded bug beside it.
#![cfg(tidegate_loom)]

mod models;

use loom::sync::Arc;
use loom::thread;
use models::holds_but_not_with;
use tidegate::sync::Bug;
use tidegate::{Algorithm, Anchor, Clock, Group, KeyedLimiter, Limiter, Member, Quota, Refill};

const PERIOD: u64 = 1 << 20;

fn limiter(algorithm: Algorithm, limit: u64) -> Limiter {
    let quota = Quota::from_nanos(limit, PERIOD).unwrap();
    let (quota, refill) = match algorithm {
        Algorithm::TokenBucket => (quota.anchor(Anchor::FirstUse), Refill::Interval),
        _ => (quota, Refill::Continuous),
    };
    Limiter::builder(algorithm, quota).refill(refill).build_at(0).unwrap()
}

fn take(limits: &(Limiter, Limiter), now: u64) -> u64 {
    let members = [Member::limiter("first", &limits.0, 1), Member::limiter("second", &limits.1, 1)];
    u64::from(Group::new(&members).unwrap().try_acquire_at(now))
}

/// Two callers of a group of two, and one of them also of the first member alone: the second member has one permit for both.
///
/// Neither is ever over its limit, and afterwards each says exactly what was granted.
fn two_callers(first: Algorithm, second: Algorithm) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let limits = Arc::new((limiter(first, 3), limiter(second, 1)));
        let other = limits.clone();
        let thread = thread::spawn(move || take(&other, 5));
        let alone = u64::from(limits.0.try_acquire_at(5, 1));
        let granted = take(&limits, 5) + thread.join().unwrap();
        // One permit, two calls, nobody else asks the second member: exactly one passes.
        assert_eq!((granted, alone), (1, 1));
        let left = (limits.0.peek_at(5, 1).remaining(), limits.1.peek_at(5, 1).remaining());
        assert_eq!(left, (3 - alone - granted, 1 - granted));
    }
}

const ROLLBACK: [Bug; 3] = [Bug::NoRollback, Bug::RollbackTooMuch, Bug::SpendUnchecked];

#[test]
fn gcra() {
    holds_but_not_with(&ROLLBACK, None, two_callers(Algorithm::Gcra, Algorithm::Gcra));
}

#[test]
fn windows() {
    holds_but_not_with(&ROLLBACK, None, two_callers(Algorithm::FixedWindow, Algorithm::SlidingWindow));
    holds_but_not_with(&ROLLBACK, None, two_callers(Algorithm::SlidingWindow, Algorithm::TokenBucket));
    holds_but_not_with(&ROLLBACK, None, two_callers(Algorithm::TokenBucket, Algorithm::FixedWindow));
}

#[test]
fn a_log_first() {
    holds_but_not_with(
        &[Bug::NoRollback, Bug::SpendUnchecked],
        Some(3),
        two_callers(Algorithm::SlidingLog, Algorithm::Gcra),
    );
}

#[test]
fn a_log_last() {
    holds_but_not_with(
        &[Bug::NoRollback, Bug::RollbackTooMuch],
        Some(3),
        two_callers(Algorithm::Gcra, Algorithm::SlidingLog),
    );
}

/// A group and its members' own callers: the first member has room for two of the three.
///
/// A race may refuse what would have fitted, but what was granted is what was spent, and never above the limit.
#[test]
fn beside_callers_of_one_member() {
    holds_but_not_with(&ROLLBACK, Some(4), || {
        let limits = Arc::new((limiter(Algorithm::Gcra, 2), limiter(Algorithm::Gcra, 1)));
        let (other, third) = (limits.clone(), limits.clone());
        let group = thread::spawn(move || take(&other, 5));
        let first = thread::spawn(move || u64::from(third.0.try_acquire_at(5, 1)));
        let second = take(&limits, 5);
        let (group, alone) = (group.join().unwrap() + second, first.join().unwrap());
        assert!(group <= 1 && group + alone <= 2);
        let left = (limits.0.peek_at(5, 1).remaining(), limits.1.peek_at(5, 1).remaining());
        assert_eq!(left, (2 - alone - group, 1 - group), "group {group} alone {alone}");
    });
}

/// Keys of a table as members.
#[test]
fn keys() {
    holds_but_not_with(&[Bug::NoRollback, Bug::RollbackTooMuch], Some(3), || {
        let quota = |limit| Quota::from_nanos(limit, PERIOD).unwrap();
        let keyed: KeyedLimiter<u64> =
            KeyedLimiter::builder(Algorithm::Gcra, quota(3)).max_keys(2).build_at(0).unwrap();
        let both = Arc::new((keyed, limiter(Algorithm::Gcra, 1)));
        let call = |both: &(KeyedLimiter<u64>, Limiter)| {
            let members = [Member::key("key", both.0.key(&1), 1), Member::limiter("all", &both.1, 1)];
            u64::from(Group::new(&members).unwrap().try_acquire_at(5))
        };
        let other = both.clone();
        let thread = thread::spawn(move || call(&other));
        let granted = call(&both) + thread.join().unwrap();
        assert_eq!(granted, 1);
        assert_eq!(both.0.peek_at(&1, 5, 1).remaining(), 2);
    });
}

/// A clock that is never behind what anybody has read from it, as a real one; loom would let a plain load be.
struct Ticking(loom::sync::atomic::AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> u64 {
        self.0.fetch_add(0, loom::sync::atomic::Ordering::AcqRel)
    }
}

/// Time passes, and somebody else spends, between the spend of a group and its roll-back: what was earned back already is not given back
/// again.
#[test]
fn a_late_roll_back_mints_nothing() {
    holds_but_not_with(&[Bug::LateRollback], Some(4), || {
        let clock = std::sync::Arc::new(Ticking(loom::sync::atomic::AtomicU64::new(0)));
        let limiter = |limit| {
            let quota = Quota::from_nanos(limit, limit * PERIOD).unwrap();
            Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock.clone()).build_at(0).unwrap()
        };
        let limits = Arc::new((limiter(2), limiter(1)));
        let (other, time) = (limits.clone(), clock.clone());
        let thread = thread::spawn(move || {
            // The second member is exhausted; a permit is earned back in the first; one is used.
            other.1.try_acquire(1);
            time.0.fetch_add(PERIOD, loom::sync::atomic::Ordering::AcqRel);
            u64::from(other.0.try_acquire(1))
        });
        let members = [Member::limiter("first", &limits.0, 1), Member::limiter("second", &limits.1, 1)];
        let group = Group::new(&members).unwrap().try_acquire();
        let late = thread.join().unwrap();
        let left = limits.0.peek_at(PERIOD, 1).remaining();
        assert!(late + left <= 2, "{late} granted at the last instant, {left} left (group {group})");
    });
}

mod reservations {
    use super::*;

    fn pair() -> Arc<(Limiter, Limiter)> {
        // The second has room for two at once, the first for one: without a common instant the second would be booked earlier.
        Arc::new((limiter(Algorithm::Gcra, 1), limiter(Algorithm::Gcra, 2)))
    }

    fn members(limits: &(Limiter, Limiter)) -> [Member<'_>; 2] {
        [Member::limiter("first", &limits.0, 1), Member::limiter("second", &limits.1, 1)]
    }

    /// Two who reserve never share an instant, and each of their instants is kept in both members: at the later one the second member has
    /// still the one permit that it would have earned beside what is kept.
    #[test]
    fn two_reserve() {
        holds_but_not_with(&[Bug::OwnInstants], Some(4), || {
            let limits = pair();
            let other = limits.clone();
            let thread = thread::spawn(move || {
                Group::new(&members(&other)).unwrap().reserve_at(0, u64::MAX).unwrap().at_nanos()
            });
            let mine = Group::new(&members(&limits)).unwrap().reserve_at(0, u64::MAX).unwrap().at_nanos();
            let theirs = thread.join().unwrap();
            let (first, last) = (mine.min(theirs), mine.max(theirs));
            // A lost race may leave one hole.
            assert!(last - first >= PERIOD && last <= 2 * PERIOD, "{first} {last}");
            assert!(!limits.0.try_acquire_at(last, 1), "the first member has nothing left at {last}");
            assert!(limits.1.try_acquire_at(last, 1) && !limits.1.try_acquire_at(last, 1));
        });
    }

    /// Permits are given back while others are booked for later: before that or after, the member is left the same.
    #[test]
    fn a_refund_beside_a_reservation_for_later() {
        holds_but_not_with(&[Bug::KeptLate], None, || {
            let quota = Quota::from_nanos(4, 4 * PERIOD).unwrap();
            let limiter = Arc::new(Limiter::builder(Algorithm::Gcra, quota).build_at(0).unwrap());
            assert!(limiter.try_acquire_at(0, 1));
            let other = limiter.clone();
            let thread = thread::spawn(move || other.reserve_from_at(0, 2 * PERIOD, 1, u64::MAX).unwrap().at_nanos());
            limiter.refund_at(0, 1);
            assert_eq!(thread.join().unwrap(), 2 * PERIOD);
            assert_eq!(limiter.peek_at(0, 1).remaining(), 1);
        });
    }

    /// One cancels while another takes: afterwards the members say what is used, and no more.
    #[test]
    fn a_cancellation_beside_a_taker() {
        holds_but_not_with(&[Bug::LostUpdate], None, || {
            let limits = Arc::new((limiter(Algorithm::Gcra, 2), limiter(Algorithm::FixedWindow, 2)));
            let other = limits.clone();
            let slot = Group::new(&members(&limits)).unwrap().reserve_at(5, 0).unwrap();
            let thread = thread::spawn(move || take(&other, 5) + take(&other, 5));
            Group::new(&members(&limits)).unwrap().cancel_at(5, slot);
            let taken = thread.join().unwrap();
            assert!((1..=2).contains(&taken));
            let left = (limits.0.peek_at(5, 1).remaining(), limits.1.peek_at(5, 1).remaining());
            assert_eq!(left, (2 - taken, 2 - taken));
        });
    }

    /// A reservation that loses a member to somebody else gives back what it has booked, and stands behind.
    #[test]
    fn a_lost_race_is_run_again() {
        holds_but_not_with(&[Bug::NoRollback], Some(4), || {
            let day = Quota::from_nanos(3, 8 * PERIOD).unwrap();
            let day = Limiter::builder(Algorithm::FixedWindow, day).build_at(0).unwrap();
            let limits = Arc::new((day, limiter(Algorithm::Gcra, 1)));
            let other = limits.clone();
            let thread = thread::spawn(move || u64::from(other.1.try_acquire_at(0, 1)));
            let at = Group::new(&members(&limits)).unwrap().reserve_at(0, u64::MAX).unwrap().at_nanos();
            assert_eq!(at, thread.join().unwrap() * PERIOD);
            assert_eq!(limits.0.peek_at(at, 1).remaining(), 2);
        });
    }
}

//! Every interleaving of small programs of leases, by loom: returns race with draws, and all hands together keep the limit.
//!
//! Run with `RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test loom_lease`. Beside each model stands a seeded bug
//! that it catches.
#![cfg(tidegate_loom)]

mod models;

use loom::sync::Arc;
use loom::thread;
use models::holds_but_not_with;
use tidegate::sync::Bug;
use tidegate::{Algorithm, Lease, Leased, Limiter, Quota};

/// One permit's emission interval, in nanoseconds and ticks.
const T: u64 = 1 << 10;

fn leased(burst: u64, workers: u64, batch: u64) -> Arc<Leased> {
    let quota = Quota::from_nanos(1, T).unwrap().burst(burst).unwrap();
    Arc::new(Limiter::builder(Algorithm::Gcra, quota).build_leased_at(0, workers, batch).unwrap())
}

fn spend(lease: &mut Lease<'_>, now: u64, calls: u64) -> u64 {
    (0..calls).filter(|_| lease.try_acquire_at(now, 1)).count() as u64
}

/// One returns what it did not use while the other draws: what passed, and what is left when both are gone, is what there was.
#[test]
fn a_return_races_with_a_draw() {
    let bugs = [Bug::LostUpdate, Bug::UnusedReturnedTwice, Bug::ReturnMints];
    holds_but_not_with(&bugs, None, || {
        // 4 shared, at one instant.
        let leased = leased(8, 2, 2);
        let other = leased.clone();
        let thread = thread::spawn(move || {
            let mut lease = other.lease().unwrap();
            let passed = spend(&mut lease, 0, 1);
            lease.return_unused();
            passed
        });
        let mut lease = leased.lease().unwrap();
        let passed = spend(&mut lease, 0, 3);
        drop(lease);
        let passed = passed + thread.join().unwrap();
        // Whoever asked while the last was in the other's hand was denied; then it is there now.
        assert_eq!(passed + leased.peek_at(0, 1).remaining(), 4, "{passed} passed");
        assert_eq!(leased.leases(), 0);
    });
}

/// Hands that were filled before an idle time come on top of what is drawn after it: together no more than the burst.
#[test]
fn full_hands_and_a_full_word_are_one_burst() {
    holds_but_not_with(&[Bug::NothingHeldBack], Some(3), || {
        let (burst, workers, batch) = (8, 2, 2);
        let leased = leased(burst, workers, batch);
        let work = |leased: &Leased| {
            let mut lease = leased.lease().unwrap();
            // Denied if the other has gone ahead in time and drawn there.
            spend(&mut lease, 0, 1);
            // Everything has been earned back.
            spend(&mut lease, 100 * T, 2)
        };
        let other = leased.clone();
        let thread = thread::spawn(move || work(&other));
        let passed = work(&leased) + thread.join().unwrap();
        let rest = (0..burst).filter(|_| leased.try_acquire_at(100 * T, 1)).count() as u64;
        assert!(passed + rest <= burst, "{passed} and {rest} at one instant");
    });
}

/// A lease that is dropped makes room for the next holder only when its permits are returned.
#[test]
fn a_lease_is_free_when_it_is_empty() {
    holds_but_not_with(&[Bug::LeaseFreedEarly], None, || {
        let (burst, batch) = (6, 3);
        let leased = leased(burst, 1, batch);
        let mut first = leased.lease().unwrap();
        assert!(first.try_acquire_at(0, 1));
        let thread = thread::spawn({
            let leased = leased.clone();
            move || {
                let Ok(mut lease) = leased.lease() else { return 0 };
                // What the first drew has been earned back.
                assert!(lease.try_acquire_at(10 * T, 1));
                // And so has what this one drew: three shared, and two in hand.
                spend(&mut lease, 20 * T, 5)
            }
        });
        // Given up and returned by another thread than the one that leased it.
        drop_on_this_thread(first);
        let passed = thread.join().unwrap();
        let rest = (0..burst).filter(|_| leased.try_acquire_at(20 * T, 1)).count() as u64;
        assert!(passed + rest <= burst, "{passed} and {rest} at one instant");
    });
}

fn drop_on_this_thread(lease: Lease<'_>) {
    drop(lease);
}

/// The last lease goes to one of two.
#[test]
fn no_more_leases_than_workers() {
    holds_but_not_with(&[Bug::LostUpdate], None, || {
        let leased = leased(3, 1, 2);
        let other = leased.clone();
        let thread = thread::spawn(move || {
            other.lease().map(|lease| assert!(lease.in_hand() == 0 && other.leases() == 1)).is_ok()
        });
        let mine = leased.lease().map(|_lease| assert_eq!(leased.leases(), 1)).is_ok();
        assert!(thread.join().unwrap() || mine);
        assert_eq!(leased.leases(), 0);
        assert!(leased.lease().is_ok());
    });
}

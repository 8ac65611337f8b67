//! Plain memory that only the holder of the one permit touches: what a holder did before it left happens before what the next one does.
//!
//! On a machine with strong ordering the sums are right in any case. Whether they are ordered, and not just lucky, says the thread sanitizer
//! (`proofs/sanitize.sh threads`), which watches every access. Built with `--cfg tidegate_seeded` and run with `TIDEGATE_UNORDERED=1`, permits
//! order nothing: the sanitizer must report it.

use std::cell::UnsafeCell;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use tidegate::{Concurrency, Permit};

const THREADS: usize = 4;
const VISITS: u64 = 500;

/// A room for one.
struct Room {
    gate: Concurrency,
    visits: UnsafeCell<u64>,
}

// SAFETY: `visits` is touched only with the permit in hand, and there is one. That this is enough is what the test is about.
unsafe impl Sync for Room {}

impl Room {
    fn visit(&self, _permit: Permit<'_>) {
        // SAFETY: the permit is held until this ends.
        unsafe { *self.visits.get() += 1 };
    }
}

/// Threads that come in as `enter` says.
fn all_visit(enter: impl Fn(&Concurrency) -> Permit<'_> + Sync) {
    #[cfg(tidegate_seeded)]
    if std::env::var_os("TIDEGATE_UNORDERED").is_some() {
        tidegate::sync::seeds::plant(Some(tidegate::sync::Bug::PermitsUnordered));
    }
    let room = Room { gate: Concurrency::new(1).expect("legal"), visits: UnsafeCell::new(0) };
    // All are there before one goes in: whoever starts when another has ended may be taken for the same thread by the sanitizer.
    let all = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                all.wait();
                (0..VISITS).for_each(|_| room.visit(enter(&room.gate)));
            });
        }
    });
    assert_eq!(room.visits.into_inner(), THREADS as u64 * VISITS);
}

#[test]
fn who_tries_again() {
    all_visit(|gate| {
        loop {
            if let Some(permit) = gate.try_enter() {
                return permit;
            }
            thread::yield_now();
        }
    });
}

#[test]
fn who_waits_in_line() {
    all_visit(|gate| gate.enter(Duration::MAX).expect("nobody stays"));
}

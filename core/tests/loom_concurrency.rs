//! Every interleaving of small programs around a concurrency limit, by loom: never more in flight than the limit, no permit and no wake-up
//! lost, and what a holder did is seen by the next.
//!
//! Run with `RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test loom_concurrency`. Beside each model stand seeded bugs
//! that it catches.
#![cfg(tidegate_loom)]

mod models;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
use loom::thread;
use models::holds_but_not_with;
use tidegate::sync::Bug;
use tidegate::{Concurrency, Enter};

/// A limit, and numbers that only holders touch.
struct Room {
    gate: std::sync::Arc<Concurrency>,
    inside: AtomicU64,
    /// Read and written in two steps, without any order of its own.
    visits: AtomicU64,
}

impl Room {
    fn new(limit: u64) -> Arc<Room> {
        let gate = std::sync::Arc::new(Concurrency::new(limit).unwrap());
        Arc::new(Room { gate, inside: AtomicU64::new(0), visits: AtomicU64::new(0) })
    }

    fn visit(&self, limit: u64) {
        let inside = self.inside.fetch_add(1, Relaxed) + 1;
        assert!(inside <= limit, "{inside} in flight");
        if limit == 1 {
            self.visits.store(self.visits.load(Relaxed) + 1, Relaxed);
        }
        self.inside.fetch_sub(1, Relaxed);
    }
}

/// Somebody who enters, visits and leaves; polled again only when woken, so that a missed wake-up leaves it unfinished.
struct Task {
    entering: Enter<'static>,
    woken: std::sync::Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Task {
    fn new(room: &Room, permits: u64) -> Task {
        let entering = room.gate.enter_owned_async(permits);
        Task { entering, woken: std::sync::Arc::new(Woken(AtomicBool::new(true))) }
    }

    /// Goes as far as it can; itself, if it still waits.
    fn run(mut self, room: &Room, limit: u64) -> Option<Task> {
        if !self.woken.0.swap(false, SeqCst) {
            return Some(self);
        }
        let waker = Waker::from(self.woken.clone());
        match Pin::new(&mut self.entering).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => Some(self),
            Poll::Ready(permit) => {
                let _permit = permit.expect("it fits");
                room.visit(limit);
                None
            }
        }
    }
}

/// Everybody finishes, or somebody was not woken.
fn finish(mut tasks: Vec<Task>, room: &Room, limit: u64) {
    for _ in 0..tasks.len() {
        tasks = tasks.into_iter().filter_map(|task| task.run(room, limit)).collect();
    }
    assert_eq!(tasks.len(), 0, "still waiting");
}

/// A permit is dropped while another enters: one at a time, each sees what the last one did, and all is free in the end.
#[test]
fn a_drop_races_with_an_enter() {
    let bugs = [Bug::LostUpdate, Bug::PermitsUnordered];
    holds_but_not_with(&bugs, None, || {
        let room = Room::new(1);
        let other = room.clone();
        let work = |room: &Room| {
            (0..2).filter(|_| room.gate.try_enter().map(|_permit| room.visit(1)).is_some()).count() as u64
        };
        let thread = thread::spawn(move || work(&other));
        let visits = work(&room) + thread.join().unwrap();
        assert_eq!(room.gate.in_flight(), 0);
        let _permit = room.gate.try_enter().expect("all have left");
        assert_eq!(room.visits.load(Relaxed), visits);
    });
}

/// Three at a limit of two.
#[test]
fn three_enter_two_places() {
    holds_but_not_with(&[Bug::LostUpdate], Some(3), || {
        let room = Room::new(2);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let room = room.clone();
                thread::spawn(move || room.gate.try_enter().map(|_permit| room.visit(2)).is_some())
            })
            .collect();
        let mine = room.gate.try_enter().map(|_permit| room.visit(2)).is_some();
        let entered = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&entered| entered).count();
        assert!(entered + usize::from(mine) >= 2);
        assert_eq!(room.gate.in_flight(), 0);
    });
}

/// `count` enter one place by one, in threads of their own; who must wait looks a second time there.
fn all_enter(count: usize) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let room = Room::new(1);
        let work = |room: &Room| Task::new(room, 1).run(room, 1).and_then(|task| task.run(room, 1));
        let threads: Vec<_> = (1..count)
            .map(|_| {
                let room = room.clone();
                thread::spawn(move || work(&room))
            })
            .collect();
        let mut waiting: Vec<_> = work(&room).into_iter().collect();
        waiting.extend(threads.into_iter().filter_map(|thread| thread.join().unwrap()));
        finish(waiting, &room, 1);
        assert_eq!(room.gate.in_flight(), 0);
        let _permit = room.gate.try_enter().expect("nobody waits");
        assert_eq!(room.visits.load(Relaxed), count as u64);
    }
}

/// Who waits is let in by whoever leaves, whenever that is.
#[test]
fn a_drop_races_with_waiting() {
    holds_but_not_with(&[Bug::LostUpdate, Bug::MissedWakeUp, Bug::PermitsUnordered], None, all_enter(2));
}

/// Two wait while a third leaves.
#[test]
fn three_wait_for_one_place() {
    holds_but_not_with(&[Bug::LostUpdate, Bug::MissedWakeUp], Some(2), all_enter(3));
}

/// A future is dropped while it is given its permit, or just before: the permit is there for others, once.
#[test]
fn a_dropped_future_races_with_a_drop() {
    holds_but_not_with(&[Bug::PermitLost], None, || {
        let room = Room::new(2);
        let held = room.gate.try_enter_many(2).unwrap();
        let other = room.clone();
        let thread = thread::spawn(move || {
            let mut entering = pin!(other.gate.enter_async());
            let entered = entering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            // Not polled again: given or not, it goes.
            matches!(entered, Poll::Ready(Ok(_)))
        });
        drop(held);
        thread.join().unwrap();
        assert_eq!(room.gate.in_flight(), 0);
        assert!(room.gate.try_enter_many(2).is_some(), "nobody waits");
    });
    // One stays, so what the future wants is never given, and must not be given back.
    holds_but_not_with(&[Bug::PermitGivenTwice], None, || {
        let room = Room::new(2);
        let (_held, leaving) = (room.gate.try_enter().unwrap(), room.gate.try_enter().unwrap());
        let other = room.clone();
        let thread = thread::spawn(move || {
            let mut entering = pin!(other.gate.enter_many_async(2));
            assert!(entering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        });
        drop(leaving);
        thread.join().unwrap();
        assert_eq!(room.gate.in_flight(), 1);
        assert!(room.gate.try_enter_many(2).is_none() && room.gate.try_enter().is_some());
    });
}

/// The first in line wants two and goes away; the second wants one, and one is free.
#[test]
fn who_goes_away_lets_the_next_look() {
    holds_but_not_with(&[Bug::WakeNotPassedOn], Some(3), || {
        let room = Room::new(2);
        let held = room.gate.try_enter().unwrap();
        let other = room.clone();
        let thread = thread::spawn(move || {
            let mut entering = pin!(other.gate.enter_many_async(2));
            assert!(entering.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        });
        let waiting = Task::new(&room, 1).run(&room, 2);
        thread.join().unwrap();
        finish(waiting.into_iter().collect(), &room, 2);
        assert_eq!(room.gate.in_flight(), 1);
        assert!(room.gate.try_enter().is_some());
        drop(held);
    });
}

/// A limit is raised while somebody begins to wait.
#[test]
fn a_raised_limit_is_seen_by_who_waits() {
    holds_but_not_with(&[Bug::LostUpdate, Bug::MissedWakeUp], None, || {
        let room = Room::new(1);
        let held = room.gate.try_enter().unwrap();
        let other = room.clone();
        let thread = thread::spawn(move || Task::new(&other, 1).run(&other, 2));
        room.gate.set_limit(2).unwrap();
        let waiting = thread.join().unwrap();
        finish(waiting.into_iter().collect(), &room, 2);
        assert_eq!((room.gate.limit(), room.gate.in_flight()), (2, 1));
        drop(held);
    });
}

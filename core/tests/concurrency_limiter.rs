//! The concurrency limit: who enters, in which order, and that every permit comes back.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use tidegate::{Concurrency, Enter, EnterError, Permit};

const MAX_LIMIT: u64 = (1 << 31) - 1;

fn gate(limit: u64) -> Concurrency {
    Concurrency::new(limit).expect("legal")
}

/// How often somebody was woken.
#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future, polled by hand.
struct Task<'a> {
    entering: Enter<'a>,
    woken: Arc<Woken>,
}

impl<'a> Task<'a> {
    fn new(entering: Enter<'a>) -> Task<'a> {
        Task { entering, woken: Arc::default() }
    }
    /// A future that has taken its place in line.
    fn waiting(entering: Enter<'a>) -> Task<'a> {
        let mut task = Task::new(entering);
        assert!(task.poll().is_pending());
        task
    }
    fn poll(&mut self) -> Poll<Result<Permit<'a>, EnterError>> {
        let waker = Waker::from(self.woken.clone());
        Pin::new(&mut self.entering).poll(&mut Context::from_waker(&waker))
    }
    fn woken(&self) -> u64 {
        self.woken.0.load(SeqCst)
    }
    fn enters(&mut self) -> Permit<'a> {
        match self.poll() {
            Poll::Ready(Ok(permit)) => permit,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_more_than_the_limit() {
    let gate = gate(3);
    let mut inside: Vec<_> = (0..3).map(|_| gate.try_enter().expect("free")).collect();
    assert!(gate.try_enter().is_none());
    assert_eq!((gate.in_flight(), gate.limit()), (3, 3));
    inside.pop();
    let two = gate.try_enter_many(2);
    assert!(two.is_none() && gate.try_enter_many(1).is_some());
    inside.pop();
    assert_eq!(gate.try_enter_many(2).map(|permit| permit.permits()), Some(2));
    assert_eq!(format!("{gate:?}"), "Concurrency { limit: 3, in_flight: 1 }");
}

#[test]
fn impossible_limits_and_amounts() {
    for limit in [0, MAX_LIMIT + 1, 1 << 32, u64::MAX] {
        let error = Concurrency::new(limit).expect_err("out of range");
        assert_eq!(error.limit(), limit);
        assert!(error.to_string().contains(&limit.to_string()));
    }
    for limit in [1, 2, MAX_LIMIT] {
        let gate = gate(limit);
        for amount in [limit + 1, u64::MAX, 1 << 32, 1 << 63] {
            assert!(gate.try_enter_many(amount).is_none());
            let error = EnterError::TooMany { permits: amount, limit };
            assert_eq!(gate.enter_many(amount, Duration::MAX).unwrap_err(), error);
            assert_eq!(gate.enter_many(amount, Duration::ZERO).unwrap_err(), error);
            assert!(matches!(Task::new(gate.enter_many_async(amount)).poll(), Poll::Ready(Err(seen)) if seen == error));
        }
        assert!(
            gate.set_limit(0).is_err() && gate.set_limit(MAX_LIMIT + 1).is_err() && gate.set_limit(u64::MAX).is_err()
        );
        assert_eq!((gate.in_flight(), gate.limit()), (0, limit));
        let all = gate.try_enter_many(limit).expect("all of it");
        // Nothing costs nothing, even now.
        assert!(gate.try_enter_many(0).is_some() && gate.enter_many(0, Duration::ZERO).is_ok());
        assert!(gate.try_enter().is_none());
        drop(all);
        assert_eq!(gate.in_flight(), 0);
    }
}

#[test]
fn first_come_first_served() {
    let gate = gate(4);
    let held = gate.try_enter_many(3).unwrap();
    let mut large = Task::waiting(gate.enter_many_async(3));
    let mut small = Task::waiting(gate.enter_async());
    // One is free, but the first in line wants three: nobody passes it.
    assert!(gate.try_enter().is_none());
    assert_eq!(gate.enter(Duration::ZERO).unwrap_err(), EnterError::TimedOut);
    assert!(gate.try_enter_many(0).is_some());
    drop(held);
    assert_eq!((large.woken(), small.woken(), gate.in_flight()), (1, 1, 4));
    let (large, small) = (large.enters(), small.enters());
    assert_eq!((large.permits(), small.permits()), (3, 1));
    drop((large, small));
    assert!(gate.try_enter_many(4).is_some());
}

/// Each is woken once, when its permit is there, in the order in which they came.
#[test]
fn three_thousand_in_line() {
    let gate = gate(1);
    let mut inside = Some(gate.try_enter().unwrap());
    let mut tasks: Vec<_> = (0..3_000).map(|_| Task::waiting(gate.enter_async())).collect();
    // Polled again for nothing: the place in line stays.
    assert!(tasks[0].poll().is_pending() && tasks[2_999].poll().is_pending());
    for next in 0..tasks.len() {
        assert!(tasks[next..].iter().all(|task| task.woken() == 0));
        drop(inside.take());
        assert_eq!(tasks[next].woken(), 1);
        inside = Some(tasks[next].enters());
        // Ready before: nothing comes of polling it once more.
        assert!(tasks[next].poll().is_pending());
    }
    assert!(tasks.iter().all(|task| task.woken() == 1));
    drop(inside);
    assert_eq!(gate.in_flight(), 0);
}

#[test]
fn dropped_futures_lose_nothing() {
    let gate = gate(2);
    let held = gate.try_enter_many(2).unwrap();
    let [mut first, second, third] = [1, 2, 1].map(|amount| Task::waiting(gate.enter_many_async(amount)));
    // In the middle of the line, not given anything yet.
    drop(second);
    drop(held);
    assert_eq!((first.woken(), third.woken(), gate.in_flight()), (1, 1, 2));
    // Given, but never polled again: the next in line has it.
    let mut fourth = Task::waiting(gate.enter_async());
    drop(third.entering);
    assert_eq!(fourth.woken(), 1);
    // At the head, not given: those behind look.
    let one = first.enters();
    let large = Task::waiting(gate.enter_many_async(2));
    let mut behind = Task::waiting(gate.enter_async());
    drop(fourth.enters());
    assert_eq!(behind.woken(), 0, "two are wanted first");
    drop(large);
    assert_eq!(behind.woken(), 1);
    drop((one, behind.enters()));
    // Never polled: nothing happens.
    drop(gate.enter_async());
    assert_eq!(gate.in_flight(), 0);
    assert!(gate.try_enter_many(2).is_some(), "nobody is in line");
}

#[test]
fn a_changed_limit() {
    let gate = gate(2);
    let held = gate.try_enter_many(2).unwrap();
    let mut tasks: Vec<_> = (0..3).map(|_| Task::waiting(gate.enter_async())).collect();
    gate.set_limit(4).unwrap();
    assert_eq!(tasks.iter().map(Task::woken).collect::<Vec<_>>(), [1, 1, 0]);
    gate.set_limit(1).unwrap();
    assert_eq!((gate.in_flight(), gate.limit()), (4, 1));
    drop(held);
    assert_eq!((gate.in_flight(), tasks[2].woken()), (2, 0));
    drop(tasks[0].enters());
    drop(tasks[1].enters());
    assert_eq!((gate.in_flight(), tasks[2].woken()), (1, 1));
    drop(tasks[2].enters());
    assert_eq!(gate.in_flight(), 0);
}

/// Who wants more than a lowered limit is refused when its turn comes, and holds up nobody.
#[test]
fn a_limit_lowered_under_those_who_wait() {
    let gate = gate(5);
    let held = gate.try_enter_many(5).unwrap();
    let mut first = Task::waiting(gate.enter_async());
    let mut large = Task::waiting(gate.enter_many_async(4));
    let mut last = Task::waiting(gate.enter_many_async(2));
    gate.set_limit(3).unwrap();
    assert_eq!((first.woken(), large.woken(), last.woken()), (0, 0, 0));
    drop(held);
    assert_eq!((first.woken(), large.woken(), last.woken(), gate.in_flight()), (1, 1, 1, 3));
    let refused = EnterError::TooMany { permits: 4, limit: 3 };
    assert!(matches!(large.poll(), Poll::Ready(Err(error)) if error == refused));
    assert_eq!(refused.to_string(), "4 permits can never fit under a limit of 3");
    drop((first.enters(), last.enters()));
    // At the head of the line already.
    let held = gate.try_enter_many(3).unwrap();
    let mut head = Task::waiting(gate.enter_many_async(3));
    gate.set_limit(2).unwrap();
    assert!(matches!(head.poll(), Poll::Ready(Err(EnterError::TooMany { permits: 3, limit: 2 }))));
    drop(held);
    assert!(gate.try_enter_many(2).is_some());
}

#[test]
fn panics_give_back() {
    let gate = Arc::new(gate(1));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _permit = gate.try_enter().unwrap();
        panic!("on purpose");
    }));
    assert!(panicked.is_err() && gate.in_flight() == 0);
    let permit = gate.try_enter_owned(1).unwrap();
    let joined = thread::spawn(move || {
        let _permit = permit;
        panic!("on purpose");
    })
    .join();
    assert!(joined.is_err() && gate.try_enter().is_some());
    // A permit that is forgotten stays in flight.
    std::mem::forget(gate.try_enter());
    assert_eq!(gate.in_flight(), 1);
}

#[test]
fn a_thread_that_waits_is_handed_the_permit() {
    let gate = Arc::new(gate(1));
    for timeout in [Duration::MAX, Duration::from_secs(3_600), Duration::from_nanos(u64::MAX)] {
        let held = gate.enter_owned(1, Duration::ZERO).expect("free");
        let waiting = {
            let gate = gate.clone();
            thread::spawn(move || gate.enter_many(1, timeout).map(|permit| permit.permits()))
        };
        drop(held);
        assert_eq!(waiting.join().unwrap(), Ok(1));
        assert_eq!(gate.in_flight(), 0);
    }
}

#[test]
fn who_times_out_leaves_the_line() {
    let gate = gate(2);
    let held = gate.try_enter().unwrap();
    for _ in 0..20 {
        assert_eq!(gate.enter_many(2, Duration::from_micros(50)).unwrap_err(), EnterError::TimedOut);
        assert!(gate.try_enter().is_some(), "nobody is in line");
    }
    drop(held);
    assert!(gate.enter_many(2, Duration::from_nanos(1)).is_ok());
}

/// Threads that try, wait for ever, wait a moment and drop futures: never too many inside, and all comes back.
#[test]
fn a_crowd() {
    let (limit, calls) = (3, 4_000);
    let gate = Arc::new(gate(limit));
    let (inside, entered) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for worker in 0..4u64 {
            let (gate, inside, entered) = (&gate, &inside, &entered);
            scope.spawn(move || {
                for call in 0..calls {
                    let amount = 1 + (call + worker) % limit;
                    let permit = match (call + worker) % 5 {
                        0 => gate.try_enter_many(amount),
                        1 => gate.enter_many(amount, Duration::from_nanos(call)).ok(),
                        2 => {
                            let mut task = Task::new(gate.enter_many_async(amount));
                            match task.poll() {
                                Poll::Ready(permit) => permit.ok(),
                                Poll::Pending => None,
                            }
                        }
                        3 => gate.enter_owned(amount, Duration::MAX).ok(),
                        _ => Some(gate.enter_many(amount, Duration::MAX).expect("it fits")),
                    };
                    if let Some(permit) = permit {
                        let now = inside.fetch_add(permit.permits(), SeqCst) + permit.permits();
                        assert!(now <= limit, "{now} inside");
                        if call % 7 == 0 {
                            thread::yield_now();
                        }
                        entered.fetch_add(1, SeqCst);
                        inside.fetch_sub(permit.permits(), SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(gate.in_flight(), 0);
    assert!(gate.try_enter_many(limit).is_some());
    println!("{} entered", entered.load(SeqCst));
    assert!(entered.into_inner() >= 2 * 4 * calls / 5);
}

/// Wakers are the caller's code: what they do when called or dropped, even entering the same line, is done outside the lock.
#[test]
fn wakers_may_do_anything() {
    struct Meddling {
        gate: Arc<Concurrency>,
        other: Mutex<Option<Enter<'static>>>,
    }
    impl Wake for Meddling {
        fn wake(self: Arc<Self>) {
            drop(self.gate.try_enter());
            drop(self.gate.enter(Duration::ZERO));
            self.gate.set_limit(self.gate.limit()).unwrap();
        }
    }
    impl Drop for Meddling {
        fn drop(&mut self) {
            drop(self.other.lock().unwrap().take());
        }
    }
    let gate = Arc::new(gate(1));
    let held = gate.try_enter_owned(1).unwrap();
    let poll = |entering: &mut Enter<'static>, with_other: bool| {
        let other = with_other.then(|| {
            let mut other = gate.enter_owned_async(1);
            assert!(Pin::new(&mut other).poll(&mut Context::from_waker(Waker::noop())).is_pending());
            other
        });
        let waker = Waker::from(Arc::new(Meddling { gate: gate.clone(), other: Mutex::new(other) }));
        assert!(Pin::new(entering).poll(&mut Context::from_waker(&waker)).is_pending());
    };
    let (mut one, mut two) = (gate.enter_owned_async(1), gate.enter_owned_async(1));
    poll(&mut one, true);
    // Renewed: the old waker is dropped, and with it a future that stands in this line.
    poll(&mut one, true);
    poll(&mut two, true);
    // Out of the line, with its waker.
    drop(two);
    drop(held);
    let entered = Pin::new(&mut one).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(entered, Poll::Ready(Ok(_))));
    drop((entered, one));
    assert!(gate.in_flight() == 0 && gate.try_enter().is_some());
}

#[test]
fn entering_and_leaving_allocate_nothing() {
    static GATE: Concurrency = Concurrency::fixed(2);
    fn send_and_sync<T: Send + Sync>(_: &T) {}
    let allocated = allocation_counter::measure(|| {
        for _ in 0..100 {
            let one = GATE.try_enter();
            let two = GATE.enter(Duration::MAX);
            assert!(one.is_some() && two.is_ok() && GATE.try_enter().is_none());
            GATE.set_limit(2).unwrap();
        }
    });
    assert_eq!(allocated.count_total, 0);
    send_and_sync(&GATE);
    send_and_sync(&GATE.try_enter());
    send_and_sync(&GATE.enter_async());
}

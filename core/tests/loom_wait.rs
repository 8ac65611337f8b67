//! Waiting in line under every interleaving: whoever leaves while others join or go ahead gives back what is his, and no more.
//!
//! Run with `RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test loom_wait`. Each model says how many executions it saw, and
//! beside it stands a seeded bug that it catches.
#![cfg(tidegate_loom)]

mod models;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use models::holds_but_not_with;
use tidegate::sync::Bug;
use tidegate::{Algorithm, Anchor, Limiter, ManualClock, Pacer, Priority, Quota, Refill};

#[derive(Clone, Copy)]
struct Rule(Algorithm, Refill);

const RULES: [Rule; 4] = [
    Rule(Algorithm::Gcra, Refill::Continuous),
    Rule(Algorithm::TokenBucket, Refill::Interval),
    Rule(Algorithm::FixedWindow, Refill::Continuous),
    Rule(Algorithm::SlidingWindow, Refill::Continuous),
];

const PERIOD: u64 = 1 << 20;
const START: u64 = 3 * PERIOD;

/// One permit a period, the first one spent, and its clock.
fn spent(rule: Rule) -> (Arc<Limiter>, std::sync::Arc<ManualClock>) {
    let clock = std::sync::Arc::new(ManualClock::new(START));
    let limiter = alone(rule, Some(clock.clone()));
    assert!(limiter.try_acquire(1));
    (Arc::new(limiter), clock)
}

fn alone(Rule(algorithm, refill): Rule, clock: Option<std::sync::Arc<ManualClock>>) -> Limiter {
    let quota = Quota::from_nanos(1, PERIOD).unwrap();
    let quota = if refill == Refill::Interval { quota.anchor(Anchor::FirstUse) } else { quota };
    let mut builder = Limiter::builder(algorithm, quota).refill(refill);
    if let Some(clock) = clock {
        builder = builder.shared_clock(clock);
    }
    builder.build_at(0).unwrap()
}

type Waiting = Pin<Box<dyn Future<Output = Duration> + Send>>;

/// Joins the line with one poll; its instant.
fn join(limiter: &Arc<Limiter>) -> (Waiting, u64) {
    let limiter = limiter.clone();
    let wait = std::sync::Arc::new(AtomicU64::new(0));
    let told = wait.clone();
    let mut waiting: Waiting = Box::pin(async move {
        let sleep = |wait: Duration| {
            told.store(wait.as_nanos() as u64, Relaxed);
            OnePoll(false)
        };
        limiter.acquire_async(1, Duration::MAX, sleep).await.unwrap()
    });
    assert!(poll(&mut waiting).is_none());
    (waiting, START + wait.load(Relaxed))
}

/// A sleep that is over when it is polled for the second time.
struct OnePoll(bool);

impl Future for OnePoll {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn poll(waiting: &mut Waiting) -> Option<Duration> {
    match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(waited) => Some(waited),
        Poll::Pending => None,
    }
}

/// Instants that a limiter nobody waits at would grant, the first one spent already.
fn could_be_granted(rule: Rule, mut instants: Vec<u64>) {
    instants.sort();
    let alone = alone(rule, None);
    assert!(alone.try_acquire_at(START, 1));
    for &at in &instants {
        assert!(alone.try_acquire_at(at, 1), "{instants:?}");
    }
}

/// One leaves while another joins behind him, or in his place. Nobody's permits are used twice, and what is free is found.
fn one_leaves_while_one_joins(rule: Rule) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let (limiter, _) = spent(rule);
        let (first, first_at) = join(&limiter);
        let leaver = thread::spawn(move || drop(first));
        let (mut second, second_at) = join(&limiter);
        leaver.join().unwrap();
        let (_third, third_at) = join(&limiter);
        // In the leaver's place, or behind him. Who comes then stands behind, with at most the leaver's hole between.
        assert!(second_at >= first_at && third_at > second_at, "{first_at} {second_at} {third_at}");
        let turn = first_at - START;
        assert!(third_at <= first_at + 2 * turn, "a permit is lost: {third_at}");
        could_be_granted(rule, vec![second_at, third_at]);
        assert!(poll(&mut second).is_none());
    }
}

/// One leaves while the one behind him goes ahead. Who has gone keeps his permit used.
fn one_leaves_while_one_goes(rule: Rule) -> impl Fn() + Send + Sync + Clone + 'static {
    move || {
        let (limiter, clock) = spent(rule);
        let (first, _) = join(&limiter);
        let (mut second, second_at) = join(&limiter);
        clock.set(second_at);
        let leaver = thread::spawn(move || drop(first));
        assert!(poll(&mut second).is_some());
        drop(second);
        leaver.join().unwrap();
        assert!(!limiter.try_acquire(1), "the permit of him who went is given again");
        let next = second_at + limiter.peek(1).retry_after_nanos().unwrap();
        could_be_granted(rule, vec![second_at, next]);
        assert!(next <= second_at + 2 * PERIOD);
    }
}

#[test]
fn leaving_while_another_joins() {
    for rule in RULES {
        holds_but_not_with(&[Bug::LostUpdate], None, one_leaves_while_one_joins(rule));
    }
}

#[test]
fn leaving_while_another_goes() {
    for rule in RULES {
        holds_but_not_with(&[Bug::UsedAndGivenBack], None, one_leaves_while_one_goes(rule));
    }
}

/// Counts its wakes.
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Two consumers wait for an item. The first leaves while the item comes; then the other must be woken, and get it.
fn a_consumer_leaves_while_an_item_comes() {
    let quota = Quota::from_nanos(4, PERIOD).unwrap();
    let clock = std::sync::Arc::new(ManualClock::new(START));
    let limiter = Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock).build_at(0).unwrap();
    let pacer = Arc::new(Pacer::new(limiter, 1));
    let consumer = || {
        let pacer = pacer.clone();
        Box::pin(async move { pacer.next_async(|_| OnePoll(false)).await.unwrap() })
    };
    let (mut first, mut second) = (consumer(), consumer());
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let woken = std::sync::Arc::new(Woken(AtomicU64::new(0)));
    let waker = Waker::from(woken.clone());
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let leaver = thread::spawn(move || drop(first));
    pacer.push(Priority::Normal, 7).unwrap();
    leaver.join().unwrap();
    assert_eq!(woken.0.load(Relaxed), 1, "nobody tells him");
    assert_eq!(second.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(Some(7)));
}

#[test]
fn a_call_is_passed_on() {
    holds_but_not_with(&[Bug::CallNotPassedOn], None, a_consumer_leaves_while_an_item_comes);
}

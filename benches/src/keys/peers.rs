//! Other crates, each asked as its documentation shows.

use core::future::Future;
use core::num::NonZeroU32;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::time::{Instant, SystemTime};

use governor::clock::DefaultClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use parking_lot::Mutex;
use throttlecrab::{AdaptiveStore, PeriodicStore, ProbabilisticStore, Store};

use super::space::KeyType;
use super::subject::{Asked, Make, Room, Subject};
use super::{BURST, INTERVAL};

fn governors_quota() -> governor::Quota {
    let burst = NonZeroU32::new(BURST).expect("not 0");
    governor::Quota::with_period(Duration::from_nanos(INTERVAL)).expect("not 0").allow_burst(burst)
}

/// `RateLimiter::dashmap`.
pub fn governor<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let map = DashMapStateStore::<K>::with_capacity(room.capacity());
    let table: governor::RateLimiter<K, _, _> =
        governor::RateLimiter::new(governors_quota(), map, DefaultClock::default());
    Box::new(Asked { table, ask: |table: &governor::RateLimiter<K, _, _>, key: &K| table.check_key(key).is_ok() })
}

/// A clock that says what it has been told.
#[derive(Clone, Debug)]
struct Told(Duration);

impl governor::clock::Clock for Told {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0
    }
}

type GovernorTold<K> = governor::RateLimiter<K, DashMapStateStore<K>, Told, NoOpMiddleware<Duration>>;

/// The same, told the time.
pub fn governor_told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let map = DashMapStateStore::<K>::with_capacity(room.capacity());
    let table: GovernorTold<K> =
        governor::RateLimiter::new(governors_quota(), map, Told(Duration::from_secs(1_000_000_000)));
    Box::new(Asked { table, ask: |table: &GovernorTold<K>, key: &K| table.check_key(key).is_ok() })
}

fn gcras_limit() -> gcra::RateLimit {
    gcra::RateLimit::new(BURST, Duration::from_nanos(INTERVAL) * BURST)
}

/// It is `async`, though it never waits.
fn at_once<T>(answer: impl Future<Output = T>) -> Option<T> {
    match pin!(answer).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

/// Its limiter takes keys by value.
pub fn gcra<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let table = (gcra::RateLimiter::<K>::new(room.capacity()), gcras_limit());
    let ask = |(table, limit): &(gcra::RateLimiter<K>, gcra::RateLimit), key: &K| {
        matches!(at_once(table.check(key.clone(), limit, 1)), Some(Ok(_)))
    };
    Box::new(Asked { table, ask })
}

/// The same, told the time.
pub fn gcra_told<K: KeyType>(room: Room) -> Box<dyn Subject<K>> {
    let table = (gcra::RateLimiter::<K>::new(room.capacity()), gcras_limit(), Instant::now());
    let ask = |(table, limit, now): &(gcra::RateLimiter<K>, gcra::RateLimit, Instant), key: &K| {
        matches!(at_once(table.check_at(key.clone(), limit, 1, *now)), Some(Ok(_)))
    };
    Box::new(Asked { table, ask })
}

/// All stores of throttlecrab, which has string keys alone.
///
/// The adaptive one always takes its memory at once: while a table that grows is between 3/4 and 7/8 full, each of its writes looks at every
/// key, and a million keys would take hours.
pub fn throttlecrabs() -> Vec<(&'static str, Make<String>)> {
    vec![
        ("throttlecrab adaptive", |room| {
            throttlecrab(Room { at_once: true, ..room }, AdaptiveStore::new, AdaptiveStore::with_capacity)
        }),
        ("throttlecrab periodic", |room| throttlecrab(room, PeriodicStore::new, PeriodicStore::with_capacity)),
        ("throttlecrab probabilistic", |room| {
            throttlecrab(room, ProbabilisticStore::new, ProbabilisticStore::with_capacity)
        }),
    ]
}

/// Behind a mutex, as its documentation has it for more than one thread.
fn throttlecrab<S: Store + Send + 'static>(
    room: Room,
    new: fn() -> S,
    with_capacity: fn(usize) -> S,
) -> Box<dyn Subject<String>> {
    const SECONDS: i64 = (INTERVAL / 1_000_000_000) as i64;
    let store = if room.at_once { with_capacity(room.keys) } else { new() };
    let table = Mutex::new(throttlecrab::RateLimiter::new(store));
    let ask = |table: &Mutex<throttlecrab::RateLimiter<S>>, key: &String| {
        let now = SystemTime::now();
        matches!(table.lock().rate_limit(key, BURST.into(), 1, SECONDS, 1, now), Ok((true, _)))
    };
    Box::new(Asked { table, ask })
}

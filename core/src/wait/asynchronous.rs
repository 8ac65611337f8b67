//! The same waits as futures, under any runtime: the sleep is the caller's.
//!
//! The line is joined at the first poll, as lazily as futures are. All state lies in the future itself; dropping it leaves the line.

use core::future::Future;
use core::task::Poll;
use core::time::Duration;

use super::{Line, Place};

/// Joins the line, and is ready when the instant has come.
pub(crate) async fn acquire_async<L, S, F>(line: L, max_wait: u64, sleep: S) -> Result<Duration, L::Refused>
where
    L: Line,
    S: FnMut(Duration) -> F,
    F: Future,
{
    let mut place = Place::take(line, max_wait)?;
    let mut nap = Nap::new(sleep);
    while let Some(rest) = place.rest() {
        nap.take(rest).await;
        place.hold_to(max_wait)?;
    }
    Ok(place.go())
}

/// Ready when the instant of a place has come.
pub(crate) async fn wait_async<L, S, F>(mut place: Place<L>, sleep: S) -> Duration
where
    L: Line,
    S: FnMut(Duration) -> F,
    F: Future,
{
    doze(&mut place, sleep).await;
    place.go()
}

/// Until the instant of a place has come.
pub(crate) async fn doze<L, S, F>(place: &mut Place<L>, sleep: S)
where
    L: Line,
    S: FnMut(Duration) -> F,
    F: Future,
{
    let mut nap = Nap::new(sleep);
    while let Some(rest) = place.rest_now() {
        nap.take(rest).await;
    }
}

/// The caller's sleep. After one that came back early the task yields first: a sleep that is always ready must not starve the others.
struct Nap<S> {
    sleep: S,
    yields: bool,
}

impl<S> Nap<S> {
    fn new(sleep: S) -> Nap<S> {
        Nap { sleep, yields: false }
    }

    async fn take<F: Future>(&mut self, rest: u64)
    where
        S: FnMut(Duration) -> F,
    {
        if core::mem::replace(&mut self.yields, false) {
            return yield_once().await;
        }
        // What a sleep returns (async-io tells the time) is no concern of ours.
        (self.sleep)(Duration::from_nanos(rest)).await;
        self.yields = true;
    }
}

async fn yield_once() {
    let mut yielded = false;
    core::future::poll_fn(move |cx| {
        if core::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

//! `AdaptiveConcurrency`: a concurrency limit that learns from how long calls take and which are dropped.
//!
//! A rule ([`Aimd`], [`Vegas`], [`Gradient2`]) is several words, so it stands under a short lock, taken once for each call that ends. The limit is
//! set under that lock, so limits take effect in the order of the samples; who then enters is seen to after it.

use alloc::sync::Arc;
use core::fmt;
use core::future::Future;
#[cfg(not(tidegate_loom))]
use core::time::Duration;

use super::sample::Sample;
use super::window::Window;
use super::{Aimd, Concurrency, EnterError, Gradient2, Permit, Vegas};
use crate::Clock;
use crate::holder::Holder;
use crate::sync::Mutex;
use crate::time::ClockSource;

/// A rule that finds a limit: which one, its settings and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Adaptive {
    /// By drops alone.
    Aimd(Aimd),
    /// By round trips against the least one.
    Vegas(Vegas),
    /// By round trips against their average.
    Gradient2(Gradient2),
}

impl Adaptive {
    /// One step; the limit after it.
    pub fn update(&mut self, sample: Sample) -> u64 {
        match self {
            Adaptive::Aimd(rule) => rule.update(sample),
            Adaptive::Vegas(rule) => rule.update(sample),
            Adaptive::Gradient2(rule) => rule.update(sample),
        }
    }

    /// The limit now. Permits.
    pub const fn limit(&self) -> u64 {
        match self {
            Adaptive::Aimd(rule) => rule.limit(),
            Adaptive::Vegas(rule) => rule.limit(),
            Adaptive::Gradient2(rule) => rule.limit(),
        }
    }
}

impl From<Aimd> for Adaptive {
    fn from(rule: Aimd) -> Self {
        Adaptive::Aimd(rule)
    }
}

impl From<Vegas> for Adaptive {
    fn from(rule: Vegas) -> Self {
        Adaptive::Vegas(rule)
    }
}

impl From<Gradient2> for Adaptive {
    fn from(rule: Gradient2) -> Self {
        Adaptive::Gradient2(rule)
    }
}

/// A [`Concurrency`] limit that is found by a rule, from how long calls take and which are dropped.
///
/// Whoever enters holds an [`AdaptivePermit`] and ends it by saying how the call went. A call's round trip counts from entering, not from waiting
/// in line. Callers enter, wait and are served as at a [`Concurrency`]; one permit each, which fits under every limit.
///
/// The rule moves once in two round trips: the calls that end in between are one sample to it, of their mean round trip, the most that were in flight, and
/// whether any was dropped. (In a simulated service of 100 workers, moving with each call costs a third of the throughput.) To have it move with
/// each, see [`AdaptiveConcurrency::each_sample`].
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use tidegate::{AdaptiveConcurrency, Aimd, Bounds, ManualClock};
/// let clock = Arc::new(ManualClock::new(0));
/// let rule = Aimd::new().bounds(Bounds::new(1, 10, 100)?);
/// let gate = AdaptiveConcurrency::new(rule).shared_clock(clock.clone());
///
/// let call = gate.try_enter().expect("ten are free");
/// clock.advance(Duration::from_millis(20));
/// call.dropped(); // timed out, or refused with 503
/// assert_eq!(gate.limit(), 9);
/// # Ok::<(), tidegate::AdaptiveError>(())
/// ```
pub struct AdaptiveConcurrency {
    gate: Arc<Concurrency>,
    rule: Mutex<Learning>,
    clock: ClockSource,
}

struct Learning {
    rule: Adaptive,
    /// `None`: the rule moves with each sample.
    window: Option<Window>,
}

impl AdaptiveConcurrency {
    /// A limit under `rule` (an [`Aimd`], a [`Vegas`], a [`Gradient2`]), on the default clock.
    pub fn new(rule: impl Into<Adaptive>) -> AdaptiveConcurrency {
        let rule = rule.into();
        // A rule's limit is within its bounds, which are within those of every limit.
        let gate = Arc::new(Concurrency::of(rule.limit()));
        let learning = Learning { rule, window: Some(Window::new()) };
        AdaptiveConcurrency { gate, rule: Mutex::new(learning), clock: ClockSource::Default }
    }

    /// The same, with a rule that moves with each call that ends: for few and slow calls, or calls that are themselves aggregates.
    pub fn each_sample(self) -> AdaptiveConcurrency {
        self.rule.lock().window = None;
        self
    }

    /// The same, on a clock of your own.
    pub fn shared_clock(mut self, clock: Arc<dyn Clock>) -> AdaptiveConcurrency {
        self.clock = ClockSource::Shared(clock);
        self
    }

    /// Enters if the limit allows it now and nobody waits.
    pub fn try_enter(&self) -> Option<AdaptivePermit<'_>> {
        self.gate.try_enter().map(|permit| self.begin(permit))
    }

    /// As [`AdaptiveConcurrency::try_enter`], with a permit that shares ownership.
    pub fn try_enter_owned(self: &Arc<Self>) -> Option<AdaptivePermit<'static>> {
        self.gate.try_enter_owned(1).map(|permit| self.begin_owned(permit))
    }

    /// Enters when it is this caller's turn, waiting for at most `timeout` (see [`Concurrency::enter`]).
    ///
    /// # Errors
    /// [`EnterError::TimedOut`].
    #[cfg(not(tidegate_loom))]
    pub fn enter(&self, timeout: Duration) -> Result<AdaptivePermit<'_>, EnterError> {
        self.gate.enter(timeout).map(|permit| self.begin(permit))
    }

    /// As [`AdaptiveConcurrency::enter`], with a permit that shares ownership.
    ///
    /// # Errors
    /// [`EnterError::TimedOut`].
    #[cfg(not(tidegate_loom))]
    pub fn enter_owned(self: &Arc<Self>, timeout: Duration) -> Result<AdaptivePermit<'static>, EnterError> {
        self.gate.enter_owned(1, timeout).map(|permit| self.begin_owned(permit))
    }

    /// Enters when it is this caller's turn, under any async runtime (see [`Concurrency::enter_async`]).
    ///
    /// # Errors
    /// None in practice.
    pub async fn enter_async(&self) -> Result<AdaptivePermit<'_>, EnterError> {
        self.gate.enter_async().await.map(|permit| self.begin(permit))
    }

    /// As [`AdaptiveConcurrency::enter_async`], with a permit that shares ownership.
    ///
    /// # Errors
    /// None in practice.
    pub fn enter_owned_async(
        self: &Arc<Self>,
    ) -> impl Future<Output = Result<AdaptivePermit<'static>, EnterError>> + Send + 'static {
        let (this, entering) = (self.clone(), self.gate.enter_owned_async(1));
        async move { entering.await.map(|permit| this.begin_owned(permit)) }
    }

    /// The limit now. Permits.
    pub fn limit(&self) -> u64 {
        self.gate.limit()
    }

    /// Calls in flight now. More than the limit for a while after it has fallen.
    pub fn in_flight(&self) -> u64 {
        self.gate.in_flight()
    }

    /// The rule with its state, as of now.
    pub fn rule(&self) -> Adaptive {
        self.rule.lock().rule
    }

    fn begin<'a>(&'a self, permit: Permit<'a>) -> AdaptivePermit<'a> {
        AdaptivePermit {
            start: self.clock.now(),
            in_flight: self.gate.in_flight(),
            permit,
            place: Holder::Borrowed(self),
        }
    }

    fn begin_owned(self: &Arc<Self>, permit: Permit<'static>) -> AdaptivePermit<'static> {
        let (start, in_flight) = (self.clock.now(), self.gate.in_flight());
        AdaptivePermit { start, in_flight, permit, place: Holder::Shared(self.clone()) }
    }

    fn learn(&self, now: u64, sample: Sample) {
        let changed = {
            let learning = &mut *self.rule.lock();
            let sample = match &mut learning.window {
                None => sample,
                Some(window) => match window.add(now, sample) {
                    None => return,
                    Some(whole) => whole,
                },
            };
            let limit = learning.rule.update(sample);
            self.gate.change(|count| (count.limit() != limit).then(|| count.with_limit(limit)))
        };
        // Wakers are called outside the lock.
        if let Ok(count) = changed {
            self.gate.look_at_line(count);
        }
    }
}

impl fmt::Debug for AdaptiveConcurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveConcurrency").field("gate", &self.gate).field("rule", &self.rule()).finish()
    }
}

/// One call in flight. Say how it went: [`success`](AdaptivePermit::success), [`dropped`](AdaptivePermit::dropped) or
/// [`ignore`](AdaptivePermit::ignore).
///
/// Merely dropping it, as a panic does, is `ignore`. In every case its permit comes back exactly once.
#[must_use = "dropping a permit gives it back at once, and nothing is learned"]
pub struct AdaptivePermit<'a> {
    start: u64,
    in_flight: u64,
    permit: Permit<'a>,
    place: Holder<'a, AdaptiveConcurrency>,
}

impl AdaptivePermit<'_> {
    /// The call went well: its round trip counts.
    pub fn success(self) {
        self.end(false);
    }

    /// The call timed out, or was refused for overload: the limit is to fall.
    pub fn dropped(self) {
        self.end(true);
    }

    /// The call says nothing about load (bad input, served from a cache): the permit comes back, and nothing is learned.
    pub fn ignore(self) {}

    fn end(self, dropped: bool) {
        // A clock that ran backwards says nothing: 0, which is read as 1.
        let now = self.place.clock.now();
        let sample = Sample { rtt_nanos: now.saturating_sub(self.start), in_flight: self.in_flight, dropped };
        self.place.learn(now, sample);
        drop(self.permit);
    }
}

impl fmt::Debug for AdaptivePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptivePermit").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

//! Concurrency: at most so many in flight at once.
//!
//! [`count`] is the step, on one word; [`Concurrency`] is its place. Who waits stands in a line ([`line`], with `std`), first come first served:
//! while somebody stands there the word says so, newcomers do not step in before him, and whoever leaves hands its permits to the first.
//!
//! Three rules find the limit by themselves, as pure steps on a sample: [`aimd`], [`vegas`] and [`gradient2`]; [`adaptive`] is their place.
//!
//! Ordering: what a holder did before its permit was dropped happens before whatever a later holder does that entered because of
//! it. So each leaving is a `Release` and each entering an `Acquire`; all writes are read-modify-write, so a later one
//! acquires from all earlier ones.

#[cfg(feature = "std")]
mod adaptive;
mod aimd;
mod count;
#[cfg(feature = "std")]
mod enter;
mod error;
mod gradient2;
#[cfg(feature = "std")]
mod line;
mod permit;
mod sample;
mod vegas;
#[cfg(feature = "std")]
mod window;

use core::fmt;

#[cfg(feature = "std")]
pub use adaptive::{Adaptive, AdaptiveConcurrency, AdaptivePermit};
pub use aimd::Aimd;
#[cfg(feature = "std")]
pub use enter::Enter;
pub use error::{ConcurrencyLimitError, EnterError};
pub use gradient2::Gradient2;
pub use permit::Permit;
pub use sample::{AdaptiveError, Bounds, Sample};
pub use vegas::Vegas;

use count::{Count, MAX_LIMIT};
#[cfg(feature = "std")]
use line::Line;

use crate::holder::Holder;
use crate::sync::{AtomicU64, Bug, Ordering, seeded};

/// A limit on how many are in flight at once, whatever the rate.
///
/// | | |
/// |---|---|
/// | limit | permits, 1 to 2^31 - 1; can be changed at any time |
/// | enter | `try_enter` (at once or not at all), and with `std`: `enter` (blocking), `enter_async` (any runtime) |
/// | leave | dropping the [`Permit`], also by a panic, gives it back exactly once |
/// | order | **first come, first served**: while anyone waits, `try_enter` says no, and nobody who came later passes, however few permits it wants |
/// | never | more permits than the limit: `None` from the `try_` verbs, an error at once where one would wait |
///
/// `Send`, `Sync`, `&self` everywhere; a `static` if you like. Entering and leaving are one atomic step each and take no lock while nobody
/// waits; nothing is allocated except for who waits.
///
/// # Concurrency
/// In flight never exceeds the limit that was in force when the last permit entered. What a holder did before it left
/// happens before what those do who enter because of it: a limit of 1 is a lock.
///
/// ```
/// use tidegate::Concurrency;
/// let uploads = Concurrency::new(2)?;
/// let one = uploads.try_enter().expect("free");
/// let two = uploads.try_enter().expect("free");
/// assert!(uploads.try_enter().is_none());
/// drop(one);
/// assert_eq!(uploads.in_flight(), 1);
/// assert!(uploads.try_enter().is_some());
/// # drop(two);
/// # Ok::<(), tidegate::ConcurrencyLimitError>(())
/// ```
///
/// With a rate limit, ask the concurrency limit first: its permit gives itself back if the rate says no, where a spend of
/// the rate would have to be refunded.
/// ```
/// use tidegate::{Algorithm, Concurrency, Limiter, Permit, Quota};
/// struct Gate { in_flight: Concurrency, rate: Limiter }
///
/// impl Gate {
///     /// Both, or neither.
///     fn try_enter(&self) -> Option<Permit<'_>> {
///         let permit = self.in_flight.try_enter()?;
///         self.rate.try_acquire_at(0, 1).then_some(permit)
///     }
/// }
///
/// let rate = Limiter::new(Algorithm::Gcra, Quota::per_second(3)?)?;
/// let gate = Gate { in_flight: Concurrency::new(2)?, rate };
/// let (a, b) = (gate.try_enter(), gate.try_enter());
/// assert!(a.is_some() && b.is_some() && gate.try_enter().is_none()); // two in flight
/// drop((a, b));
/// assert!(gate.try_enter().is_some());
/// assert!(gate.try_enter().is_none()); // three in this second
/// assert_eq!(gate.in_flight.in_flight(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Concurrency {
    word: AtomicU64,
    #[cfg(feature = "std")]
    line: Line,
}

impl Concurrency {
    /// At most `limit` permits in flight.
    ///
    /// # Errors
    /// A limit of 0, or above 2^31 - 1.
    pub fn new(limit: u64) -> Result<Concurrency, ConcurrencyLimitError> {
        checked(limit).map(Concurrency::of)
    }

    /// A limit made at compile time, for a `static`.
    ///
    /// # Panics
    /// A limit of 0, or above 2^31 - 1: in a `static` or `const` that is an error of compilation.
    ///
    /// ```
    /// use tidegate::Concurrency;
    /// static GATE: Concurrency = Concurrency::fixed(10);
    /// assert!(GATE.try_enter().is_some());
    /// ```
    #[cfg(not(tidegate_loom))]
    pub const fn fixed(limit: u64) -> Concurrency {
        assert!(limit > 0 && limit <= MAX_LIMIT, "a concurrency limit must be from 1 to 2^31 - 1");
        Concurrency::of(limit)
    }

    #[cfg(not(tidegate_loom))]
    const fn of(limit: u64) -> Concurrency {
        Concurrency {
            word: AtomicU64::new(Count::new(limit).0),
            #[cfg(feature = "std")]
            line: Line::new(),
        }
    }

    #[cfg(tidegate_loom)]
    fn of(limit: u64) -> Concurrency {
        Concurrency { word: AtomicU64::new(Count::new(limit).0), line: Line::new() }
    }

    /// One permit, if it is free now and nobody waits for it.
    #[inline]
    pub fn try_enter(&self) -> Option<Permit<'_>> {
        self.try_enter_many(1)
    }

    /// `permits` permits at once, or none. 0 permits are always free; more than the limit never are.
    #[inline]
    pub fn try_enter_many(&self, permits: u64) -> Option<Permit<'_>> {
        self.admit(permits).then(|| Permit::of(Holder::Borrowed(self), permits))
    }

    /// As [`Concurrency::try_enter_many`], with a permit that shares ownership of the limit, to be sent to other threads and tasks.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tidegate::Concurrency;
    /// let gate = Arc::new(Concurrency::new(1)?);
    /// let permit = gate.try_enter_owned(1).expect("free");
    /// std::thread::spawn(move || drop(permit)).join().unwrap();
    /// assert_eq!(gate.in_flight(), 0);
    /// # Ok::<(), tidegate::ConcurrencyLimitError>(())
    /// ```
    #[cfg(feature = "alloc")]
    pub fn try_enter_owned(self: &alloc::sync::Arc<Self>, permits: u64) -> Option<Permit<'static>> {
        self.admit(permits).then(|| Permit::of(Holder::Shared(self.clone()), permits))
    }

    /// The permits that [`Permit::into_raw`] kept in flight. Take each up at most once: more than are in flight are never given back, but others'
    /// might be.
    pub fn permit_of_raw(&self, permits: u64) -> Permit<'_> {
        Permit::of(Holder::Borrowed(self), permits)
    }

    /// Permits in flight now. More than the limit for a while after it was lowered.
    pub fn in_flight(&self) -> u64 {
        self.count().in_flight()
    }

    /// The limit in force.
    pub fn limit(&self) -> u64 {
        self.count().limit()
    }

    /// Changes the limit. Whoever waits and fits under a higher one enters.
    ///
    /// Nobody is thrown out: under a limit lower than what is in flight nobody enters until enough have left. Whoever stands in line for more
    /// permits than the new limit is refused when its turn comes.
    ///
    /// # Errors
    /// A limit of 0, or above 2^31 - 1; nothing changes.
    ///
    /// ```
    /// # use tidegate::Concurrency;
    /// let gate = Concurrency::new(2)?;
    /// let (one, two) = (gate.try_enter(), gate.try_enter());
    /// gate.set_limit(1)?;
    /// assert_eq!((gate.limit(), gate.in_flight()), (1, 2));
    /// drop(one);
    /// assert!(gate.try_enter().is_none());
    /// drop(two);
    /// assert!(gate.try_enter().is_some());
    /// # Ok::<(), tidegate::ConcurrencyLimitError>(())
    /// ```
    pub fn set_limit(&self, limit: u64) -> Result<(), ConcurrencyLimitError> {
        let limit = checked(limit)?;
        if let Ok(count) = self.change(|count| Some(count.with_limit(limit))) {
            self.look_at_line(count);
        }
        Ok(())
    }

    fn count(&self) -> Count {
        Count(self.word.load(Ordering::Acquire))
    }

    /// Applies a step; the count after it, or the one on which it says no.
    #[inline]
    fn change(&self, step: impl Fn(Count) -> Option<Count>) -> Result<Count, Count> {
        let (success, failure) = if seeded(Bug::PermitsUnordered) {
            (Ordering::Relaxed, Ordering::Relaxed)
        } else {
            (Ordering::AcqRel, Ordering::Acquire)
        };
        let mut before = Count(self.word.load(failure));
        loop {
            let Some(after) = step(before) else { return Err(before) };
            if seeded(Bug::LostUpdate) {
                self.word.swap(after.0, success);
                return Ok(after);
            }
            match self.word.compare_exchange_weak(before.0, after.0, success, failure) {
                Ok(_) => return Ok(after),
                Err(seen) => before = Count(seen),
            }
        }
    }

    /// Whether a newcomer enters now.
    #[inline]
    fn admit(&self, permits: u64) -> bool {
        permits == 0 || self.change(|count| count.enter(permits)).is_ok()
    }

    /// Gives permits back.
    #[inline]
    fn leave(&self, permits: u64) {
        if permits > 0
            && let Ok(count) = self.change(|count| Some(count.leave(permits)))
        {
            self.look_at_line(count);
        }
    }

    #[inline]
    fn look_at_line(&self, count: Count) {
        #[cfg(feature = "std")]
        if count.is_waited() {
            self.serve();
        }
        #[cfg(not(feature = "std"))]
        let _ = count;
    }
}

impl fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count();
        f.debug_struct("Concurrency").field("limit", &count.limit()).field("in_flight", &count.in_flight()).finish()
    }
}

fn checked(limit: u64) -> Result<u64, ConcurrencyLimitError> {
    if limit == 0 || limit > MAX_LIMIT { Err(ConcurrencyLimitError { limit }) } else { Ok(limit) }
}

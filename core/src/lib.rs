//! Exact, lock-free rate limiting: GCRA, token bucket, fixed window, sliding window, sliding log, and backoff schedules.
//!
//! * **Exact.** The ratio of a quota is kept as it is, time is quantized once, nothing is rounded, wrapped or shrunk in silence; what
//!   cannot be held is refused when it is built. [`Decision::retry_after`] is right to the nanosecond.
//! * **Never over-admits.** One state, one atomic step: every limiter is linearizable against its sequential definition.
//! * **Small and fast.** 8 bytes of state (the sliding log: 8 a permit), no allocation after construction, a denial writes nothing.
//! * **Everywhere.** Always `no_std`; `alloc` and `std` only add. Works in a `static`, and on targets without 64-bit atomics.
//!
//! ```
//! use tidegate::{Algorithm, Limiter, Quota};
//!
//! let limiter = Limiter::new(Algorithm::Gcra, "300/min burst 50".parse()?)?;
//! if limiter.try_acquire(1) {
//!     // send
//! }
//! # Ok::<(), tidegate::QuotaError>(())
//! ```
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `std` (default) | clocks and the verbs that read them, waiting in line, changing quotas under callers |
//! | `alloc` | the sliding log on the heap, shared clocks |
//! | `serde` | quotas as text, snapshots in any format |
//! | `tokio`, `smol` | [`Limiter::acquire_tokio`](Limiter), [`Limiter::acquire_smol`](Limiter): waiting with the sleep of that runtime |
//! | `calendar` | windows of the calendar in IANA time zones: `1000 per calendar day in Europe/Paris` |
//! | `critical-section` | targets without compare-and-swap: a critical section of your own. With 32-bit ones only, see `docs/embedded.md` |
#![no_std]
#![deny(unsafe_code)]
// A refusal carries its whole decision by value: no heap, and reservations are no hot path.
#![allow(clippy::result_large_err)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod backoff;
#[cfg(feature = "calendar")]
mod calendar;
mod concurrency;
mod decision;
mod grid;
mod group;
mod holder;
#[cfg(feature = "std")]
mod keyed;
mod lease;
mod limiter;
#[cfg(feature = "alloc")]
mod pace;
mod quota;
mod rule;
#[cfg(not(any(tidegate_loom, tidegate_seeded)))]
mod sync;
/// The atomics, and the bugs that tests must catch.
#[cfg(any(tidegate_loom, tidegate_seeded))]
pub mod sync;
mod time;
#[cfg(feature = "std")]
mod wait;
mod wide;

pub use backoff::{Backoff, Jitter, RetryBudget};
pub use concurrency::{
    AdaptiveError, Aimd, Bounds, Concurrency, ConcurrencyLimitError, EnterError, Gradient2, Permit, Sample, Vegas,
};
pub use decision::Decision;
pub use group::{Group, GroupDecision, GroupError, GroupRefused, GroupSlot, MAX_MEMBERS, Member};
pub use lease::{AllLeased, Lease, LeaseError, Leased};
pub use limiter::{
    Carry, ForeignWord, Limiter, LimiterBuilder, ReconfigureError, Refusal, Refused, RestoreError, SlidingLog, Slot,
    Snapshot, Word, WordLimiter,
};
#[cfg(feature = "alloc")]
pub use pace::{Priority, PriorityQueue, PushError};
pub use quota::{Anchor, MAX_PERIOD_NANOS, Quota, QuotaError, QuotaErrorKind, QuotaList, parse_list};
pub use rule::{Algorithm, Refill, UnknownAlgorithm};
pub use time::{Clock, ManualClock};

#[cfg(feature = "calendar")]
pub use calendar::{Calendar, CalendarUnit};
#[cfg(feature = "std")]
pub use concurrency::{Adaptive, AdaptiveConcurrency, AdaptivePermit, Enter};
#[cfg(feature = "alloc")]
pub use group::LimiterGroup;
#[cfg(feature = "std")]
pub use group::{GroupReservation, KeyedLimiterGroup, KeyedMember};
#[cfg(feature = "std")]
pub use keyed::{Key, KeyedLimiter, KeyedLimiterBuilder, KeyedLimiterError, KeyedReservation, KeyedSnapshot, WhenFull};
#[cfg(feature = "std")]
pub use limiter::Reservation;
#[cfg(feature = "std")]
pub use pace::{Pacer, TryNext};
#[cfg(feature = "std")]
pub use time::{MonotonicClock, SystemClock};

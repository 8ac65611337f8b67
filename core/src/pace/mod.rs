//! Pacing: work is queued by priority, and released at the rate of a limiter.
//!
//! [`PriorityQueue`] decides which item goes next and knows no time; [`Pacer`] decides when, by a place in the limiter's line.

#[cfg(feature = "std")]
mod claims;
#[cfg(feature = "std")]
mod gate;
#[cfg(feature = "std")]
mod pacer;
mod queue;
#[cfg(feature = "std")]
mod thread;

#[cfg(feature = "std")]
pub use pacer::{Pacer, TryNext};
pub use queue::{Priority, PriorityQueue, PushError};

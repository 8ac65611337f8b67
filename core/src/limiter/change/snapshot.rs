//! States that outlive a restart.

use core::fmt;

use super::{Core, State};
use crate::limiter::{Limiter, Retired};
use crate::quota::{Quota, QuotaError};
use crate::rule::{Algorithm, Config, Step};

#[cfg(feature = "std")]
use super::Succession;
#[cfg(feature = "alloc")]
use crate::limiter::log::Memory;

/// A limiter's quota and state, to be kept across a restart.
///
/// Times in it are those of the limiter's clock: with the default clock (Unix time), a limiter restored after a restart goes
/// on as if it had run all the while. With the feature `serde` it can be written in any format.
///
/// ```
/// use tidegate::{Algorithm, Limiter, Quota};
/// let before = Limiter::new(Algorithm::Gcra, Quota::per_hour(10)?)?;
/// before.take_at(0, 10);
/// let kept = before.snapshot();
///
/// let after = Limiter::from_snapshot(&kept)?;
/// assert!(!after.try_acquire_at(1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    pub(super) config: Config,
    origin: u64,
    state: Saved,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Saved {
    Word(u64),
    #[cfg(feature = "alloc")]
    Log(Memory),
}

impl Snapshot {
    /// The quota that it was taken under.
    pub const fn quota(&self) -> Quota {
        self.config.quota
    }

    /// The algorithm that it was taken under.
    pub const fn algorithm(&self) -> Algorithm {
        self.config.algorithm
    }
}

impl Core {
    pub(super) fn snapshot(&self) -> Result<Snapshot, Retired> {
        let state = match &self.state {
            State::Word(place) => Saved::Word(place.word()?),
            #[cfg(feature = "alloc")]
            State::Log(log) => Saved::Log(log.memory()?),
        };
        Ok(Snapshot { config: self.config, origin: self.origin, state })
    }

    pub(super) fn of_snapshot(snapshot: &Snapshot) -> Result<Core, RestoreError> {
        let mut core = Core::new(snapshot.config, snapshot.origin)?;
        let restored = match (&mut core.state, &snapshot.state) {
            (State::Word(place), Saved::Word(word)) => place.rule.holds(*word).then(|| place.set(*word).ok()).flatten(),
            #[cfg(feature = "alloc")]
            (State::Log(log), Saved::Log(memory)) => log.remember(memory),
            #[cfg(feature = "alloc")]
            _ => None,
        };
        restored.ok_or(RestoreError::Corrupt)?;
        Ok(core)
    }
}

impl Limiter {
    /// The limiter that a snapshot was taken of, on the default clock.
    ///
    /// # Errors
    /// A snapshot that was tampered with.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Limiter, RestoreError> {
        Ok(Limiter {
            core: Core::of_snapshot(snapshot)?,
            #[cfg(feature = "std")]
            succession: Succession::new(),
            clock: crate::time::ClockSource::Default,
        })
    }

    /// The state and the quota, consistently.
    pub fn snapshot(&self) -> Snapshot {
        self.ask(0, |core, _| core.snapshot())
    }
}

/// Why a snapshot could not be restored. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// It was taken under another quota or algorithm.
    Mismatch,
    /// Its quota cannot be held.
    Quota(QuotaError),
    /// Its state is none that its quota could reach.
    Corrupt,
}

impl From<QuotaError> for RestoreError {
    fn from(error: QuotaError) -> Self {
        RestoreError::Quota(error)
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::Mismatch => f.write_str("the snapshot was taken under another quota or algorithm"),
            RestoreError::Quota(error) => error.fmt(f),
            RestoreError::Corrupt => f.write_str("the snapshot's state does not belong to its quota"),
        }
    }
}

impl core::error::Error for RestoreError {}

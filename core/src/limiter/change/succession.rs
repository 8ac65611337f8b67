//! Exchanging the core under callers who go on calling.

use super::*;
use crate::sync::{Bug, Current, Mutex, seeded};
use alloc::sync::Arc;

/// The core that follows the first one, if any.
#[derive(Debug)]
pub(crate) struct Succession {
    current: Current<Core>,
    changing: Mutex<()>,
}

impl Succession {
    #[cfg(not(tidegate_loom))]
    pub(crate) const fn new() -> Succession {
        Succession { current: Current::new(), changing: Mutex::new(()) }
    }

    #[cfg(tidegate_loom)]
    pub(crate) fn new() -> Succession {
        Succession { current: Current::new(), changing: Mutex::new(()) }
    }

    pub(crate) fn ask<R>(&self, verb: impl FnOnce(&Core) -> Result<R, Retired>) -> Result<R, Retired> {
        self.current.with(|core| core.map_or(Err(Retired), verb))
    }

    /// Waits until nobody is between two cores.
    pub(crate) fn settle(&self) {
        drop(self.changing.lock());
    }

    /// The current core, for its only owner.
    pub(crate) fn take(&mut self) -> Option<Core> {
        let core = self.current.get();
        self.current.set(None);
        core.and_then(Arc::into_inner)
    }
}

impl Limiter {
    /// Another quota under the same algorithm; `carry` says what becomes of the permits that are used.
    ///
    /// Callers who come meanwhile wait for the change (some hundred nanoseconds) and are answered under the new quota; no spend is
    /// lost. Reservations made before keep their instants but can no longer be cancelled. From the first change on, every
    /// call costs some nanoseconds more, and one block of memory is kept.
    ///
    /// # Errors
    /// A quota that the algorithm cannot hold, or that cannot count what is carried over; nothing changes.
    ///
    /// ```
    /// use tidegate::{Algorithm, Carry, Limiter, Quota};
    /// let limiter = Limiter::new(Algorithm::Gcra, Quota::per_minute(60)?)?;
    /// limiter.take_at(0, 30);
    /// limiter.reconfigure_at(0, Quota::per_minute(120)?, Carry::Permits)?;
    /// assert_eq!(limiter.peek_at(0, 1).remaining(), 90);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reconfigure_at(&self, now: u64, quota: Quota, carry: Carry) -> Result<(), ReconfigureError> {
        self.replace(|core, last| core.successor(now, quota, carry, last))
    }

    /// [`Limiter::reconfigure_at`], now.
    ///
    /// # Errors
    /// As [`Limiter::reconfigure_at`].
    pub fn reconfigure(&self, quota: Quota, carry: Carry) -> Result<(), ReconfigureError> {
        self.reconfigure_at(self.now(), quota, carry)
    }

    /// Goes back to a snapshot of this limiter, or of one like it.
    ///
    /// # Errors
    /// A snapshot taken under another quota or algorithm; nothing changes.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), RestoreError> {
        self.replace(|core, _| {
            // The initial fill says how a limiter began, not what it is.
            if (Config { initial: None, ..snapshot.config }) != (Config { initial: None, ..core.config }) {
                return Err(RestoreError::Mismatch);
            }
            let mut next = Core::of_snapshot(snapshot)?;
            next.generation = core.generation.wrapping_add(1);
            next.keep_as(core);
            Ok(next)
        })
    }

    fn replace<E>(&self, next: impl FnOnce(&Core, &Last) -> Result<Core, E>) -> Result<(), E> {
        let _changing = self.succession.changing.lock();
        let current = self.succession.current.get();
        let core = current.as_deref().unwrap_or(&self.core);
        // Nobody else retires while `changing` is held, so the core in force is in service.
        let last = core.retire().unwrap_or(Last::Word(0));
        if seeded(Bug::CopiedState) {
            core.revive(&last);
        }
        match next(core, &last) {
            Ok(core) => {
                self.succession.current.set(Some(Arc::new(core)));
                Ok(())
            }
            Err(error) => {
                core.revive(&last);
                Err(error)
            }
        }
    }
}

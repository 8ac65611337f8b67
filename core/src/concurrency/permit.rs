//! `Permit`: somebody is in flight.

use core::fmt;

use super::Concurrency;
use crate::holder::Holder;

/// Permits of a [`Concurrency`] limit, given back when it is dropped: exactly once, also when its holder panics.
///
/// `Send` and `Sync`: it may be dropped by another thread. Forgetting it (`mem::forget`) keeps its permits in flight for good.
#[must_use = "dropping a permit gives it back at once"]
pub struct Permit<'a> {
    holder: Holder<'a, Concurrency>,
    permits: u64,
}

impl<'a> Permit<'a> {
    /// Of permits that have entered.
    pub(super) fn of(holder: Holder<'a, Concurrency>, permits: u64) -> Permit<'a> {
        Permit { holder, permits }
    }

    /// Keeps the permits in flight beyond the life of this value, for callers who hold them where no Rust type lives: the number of them.
    /// [`Concurrency::permit_of_raw`] takes them up again.
    ///
    /// ```
    /// use tidegate::Concurrency;
    /// let gate = Concurrency::new(2)?;
    /// let kept = gate.try_enter_many(2).expect("free").into_raw();
    /// assert_eq!(gate.in_flight(), 2);
    /// drop(gate.permit_of_raw(kept));
    /// assert_eq!(gate.in_flight(), 0);
    /// # Ok::<(), tidegate::ConcurrencyLimitError>(())
    /// ```
    pub fn into_raw(mut self) -> u64 {
        core::mem::take(&mut self.permits)
    }

    /// How many permits it holds.
    pub const fn permits(&self) -> u64 {
        self.permits
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.holder.leave(self.permits);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("permits", &self.permits).finish_non_exhaustive()
    }
}

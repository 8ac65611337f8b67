//! Bugs that the tests of concurrency must catch (`races`). They exist only in this crate's unit tests.

/// A mistake that can be made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), allow(dead_code))]
pub(crate) enum Bug {
    /// A limit that an exchange leaves as it was gets a copy of its table.
    CopiedTable,
    /// A limit of requests at the same time begins anew with each exchange.
    PlacesAnew,
    /// Exchanges do not wait for one another.
    ExchangedTogether,
    /// Places are looked at under one lock and taken under another.
    LookedThenTaken,
    /// A key is looked for under one lock and brought in under another.
    MadeTwice,
    /// A request that a rate denies keeps its places.
    PlacesKept,
}

/// Whether a bug is switched on: never, outside tests.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn seeded(_: Bug) -> bool {
    false
}

#[cfg(test)]
pub(crate) use switch::{plant, seeded};

#[cfg(test)]
mod switch {
    use super::Bug;
    use std::cell::Cell;

    std::thread_local!(static BUG: Cell<Option<Bug>> = const { Cell::new(None) });

    /// Switches a bug on for this thread, or all off.
    pub(crate) fn plant(bug: Option<Bug>) {
        BUG.set(bug);
    }

    /// Others may run meanwhile, so that the bug does its worst.
    pub(crate) fn seeded(bug: Bug) -> bool {
        let planted = BUG.get() == Some(bug);
        if planted {
            std::thread::yield_now();
        }
        planted
    }
}

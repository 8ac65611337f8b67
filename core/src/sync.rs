//! The only file that names an atomic, but for two counters in a static (`backoff/seed.rs`).
//!
//! Everything else says `crate::sync::AtomicU64` and gets
//! * the platform's atomics through `portable-atomic` (which makes up for a missing 64-bit or 128-bit compare-and-swap by a lock, or as
//!   the program chooses: `docs/embedded.md`),
//! * loom's model atomics under `--cfg tidegate_loom`,
//! * and, under `--cfg tidegate_spurious`, a `compare_exchange_weak` that fails for no reason two times in three, as LL/SC
//!   machines may: x86 never shows it and loom does not model it.
//!
//! Under `tidegate_loom` and `tidegate_seeded` (real atomics, real threads) [`seeded`] can switch on the bugs that the tests must catch.

pub(crate) use core::sync::atomic::Ordering;
#[cfg(not(tidegate_loom))]
pub(crate) use core::sync::atomic::fence;
#[cfg(tidegate_loom)]
pub(crate) use loom::sync::atomic::fence;

#[cfg(all(not(tidegate_loom), not(tidegate_spurious)))]
#[cfg_attr(not(feature = "std"), allow(unused_imports))]
pub(crate) use portable_atomic::{AtomicU8, AtomicU64, AtomicU128};

#[cfg(tidegate_loom)]
pub(crate) use model::{AtomicU8, AtomicU64, AtomicU128};

#[cfg(all(tidegate_spurious, not(tidegate_loom)))]
pub(crate) use spurious::{AtomicU8, AtomicU64, AtomicU128};

/// The upper half of a pair, or the lower one, loaded alone.
///
/// On x86-64 without a load of the whole, which in `portable-atomic` is a call through a pointer: not every such processor has one of 128 bits.
#[cfg(feature = "std")]
pub(crate) mod half {
    use super::AtomicU128;

    #[cfg(all(target_arch = "x86_64", target_pointer_width = "64", not(tidegate_loom), not(miri)))]
    #[allow(unsafe_code)]
    #[inline(always)]
    fn load<const AT: usize>(pair: &AtomicU128) -> u64 {
        let half;
        // SAFETY: half of an atomic load of the pair, which is what this is to the language; of its 16 bytes only those are asked for that are used.
        // The processor loads 8 aligned bytes at once, and acquires what was before their store; so does the compiler, to which this is not a mere read.
        // Where a processor cannot exchange 128 bits, portable-atomic takes a lock, and stores each half by itself (1.11 to 1.15): then, too, a half
        // is what somebody has stored.
        unsafe {
            core::arch::asm!(
                "mov {half}, qword ptr [{pair} + {at}]",
                half = lateout(reg) half,
                pair = in(reg) pair.as_ptr(),
                at = const AT,
                options(nostack, preserves_flags),
            );
        }
        half
    }

    #[cfg(not(all(target_arch = "x86_64", target_pointer_width = "64", not(tidegate_loom), not(miri))))]
    fn load<const AT: usize>(pair: &AtomicU128) -> u64 {
        (pair.load(super::Ordering::Acquire) >> (AT * 8)) as u64
    }

    #[inline(always)]
    pub(crate) fn upper(pair: &AtomicU128) -> u64 {
        load::<8>(pair)
    }

    /// Both, perhaps of two moments: the upper one of the earlier.
    #[cfg(any(target_arch = "x86_64", tidegate_loom))]
    #[inline(always)]
    pub(crate) fn both(pair: &AtomicU128) -> (u64, u64) {
        let upper = upper(pair);
        super::stall();
        (upper, load::<0>(pair))
    }

    #[cfg(not(any(target_arch = "x86_64", tidegate_loom)))]
    pub(crate) fn both(pair: &AtomicU128) -> (u64, u64) {
        let both = pair.load(super::Ordering::Acquire);
        ((both >> 64) as u64, both as u64)
    }
}

/// Bugs that a test must catch. They exist only in builds for loom, and with `--cfg tidegate_seeded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(any(tidegate_loom, tidegate_seeded)), allow(dead_code))]
pub enum Bug {
    /// A word is read and then written, instead of compared and exchanged.
    LostUpdate,
    /// Whoever comes after a claim does not write its slots first.
    UnfinishedClaim,
    /// A decision is not taken back when the head has changed under it.
    StaleDecision,
    /// A head of the log can come back, with other slots behind it.
    HeadComesBack,
    /// The state is read for a change of quota without being retired.
    CopiedState,
    /// A key is brought into the table without looking again under its lock.
    InsertedTwice,
    /// The word of a slot is exchanged without regard to whose it is.
    SpendOnAnotherKey,
    /// A key is forgotten without regard to whether its word has changed.
    EvictedUnderSpend,
    /// A waiter who has gone ahead gives his permits back.
    UsedAndGivenBack,
    /// A consumer who was woken leaves, and nobody is woken in his stead.
    CallNotPassedOn,
    /// A key that is to lie away from home is counted there after it has come.
    CountedLate,
    /// A key that lies away from home is taken off the count there before it is gone, and whether or not it goes.
    UncountedEarly,
    /// The word of a slot is taken for that of the key whose hash was seen there before.
    FoundUnchecked,
    /// A place in the table is taken without regard to the maximum.
    LastPlaceTwice,
    /// A group that is denied by its last member keeps what the others have given.
    NoRollback,
    /// A group gives back more than it has spent.
    RollbackTooMuch,
    /// A group gives back as of the time at which it began.
    LateRollback,
    /// A group spends what it has seen to fit, without looking again.
    SpendUnchecked,
    /// Each member of a group keeps an instant of its own.
    OwnInstants,
    /// That somebody waits is said only after the word has been changed.
    KeptLate,
    /// The burst that leases may hold in hand is not taken off the shared one.
    NothingHeldBack,
    /// What a lease returned stays in its hand.
    UnusedReturnedTwice,
    /// A lease returns the whole batch, whatever is left of it.
    ReturnMints,
    /// A lease is free for the next holder before its permits are returned.
    LeaseFreedEarly,
    /// Entering and leaving order nothing else.
    PermitsUnordered,
    /// A waiter sees that it does not fit, and leaves its mark in another step.
    MissedWakeUp,
    /// A waiter that goes away does not let those behind it look.
    WakeNotPassedOn,
    /// A waiter that goes away keeps what it was given in the meantime.
    PermitLost,
    /// A waiter that goes away gives back what it was not given.
    PermitGivenTwice,
}

/// Whether a bug is switched on: never, outside of tests built for it.
#[cfg(not(any(tidegate_loom, tidegate_seeded)))]
#[inline(always)]
pub(crate) const fn seeded(_: Bug) -> bool {
    false
}

/// A place at which a thread that is held up does harm, if anywhere: tests that shake hold it up here, nobody else does.
#[cfg(not(any(tidegate_loom, tidegate_seeded)))]
#[inline(always)]
pub(crate) const fn stall() {}

#[cfg(any(tidegate_loom, tidegate_seeded))]
pub(crate) use seeds::{seeded, stall};

/// The switch of [`Bug`]s.
#[cfg(any(tidegate_loom, tidegate_seeded))]
pub mod seeds {
    extern crate std;
    use super::Bug;
    use core::cell::Cell;
    use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

    const NONE: u8 = u8::MAX;
    static BUG: AtomicU8 = AtomicU8::new(NONE);
    static SHAKEN: AtomicBool = AtomicBool::new(false);

    /// Switches a bug on, or all off.
    pub fn plant(bug: Option<Bug>) {
        BUG.store(bug.map_or(NONE, |bug| bug as u8), SeqCst);
    }

    /// From now on a thread gives way now and then wherever a bug could be: in the middle of calls, where it hurts. Not for loom.
    pub fn shake(shaken: bool) {
        SHAKEN.store(shaken, SeqCst);
    }

    pub(crate) fn seeded(bug: Bug) -> bool {
        stall();
        BUG.load(SeqCst) == bug as u8
    }

    pub(crate) fn stall() {
        if SHAKEN.load(SeqCst) {
            give_way();
        }
    }

    std::thread_local!(static DRAWN: Cell<u64> = const { Cell::new(0) });

    fn give_way() {
        let drawn = DRAWN.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        DRAWN.set(drawn);
        match drawn >> 61 {
            0 | 1 => std::thread::yield_now(),
            2 | 3 => (0..drawn >> 56 & 63).for_each(|_| core::hint::spin_loop()),
            _ => {}
        }
    }
}

/// A value that is exchanged now and then, under readers who never wait for it.
#[cfg(all(feature = "std", not(tidegate_loom)))]
mod current {
    use alloc::sync::Arc;
    use arc_swap::ArcSwapOption;

    pub(crate) use parking_lot::Mutex;

    #[derive(Debug)]
    pub(crate) struct Current<T>(ArcSwapOption<T>);

    impl<T> Current<T> {
        pub(crate) const fn new() -> Self {
            Current(ArcSwapOption::const_empty())
        }
        #[inline]
        pub(crate) fn with<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
            read(self.0.load().as_deref())
        }
        pub(crate) fn get(&self) -> Option<Arc<T>> {
            self.0.load_full()
        }
        pub(crate) fn set(&self, value: Option<Arc<T>>) {
            self.0.store(value);
        }
    }
}

/// The same, in a form that loom explores.
#[cfg(all(feature = "std", tidegate_loom))]
mod current {
    use alloc::sync::Arc;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }
        pub(crate) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    #[derive(Debug)]
    pub(crate) struct Current<T>(loom::sync::Mutex<Option<Arc<T>>>);

    impl<T> Current<T> {
        pub(crate) fn new() -> Self {
            Current(loom::sync::Mutex::new(None))
        }
        pub(crate) fn with<R>(&self, read: impl FnOnce(Option<&T>) -> R) -> R {
            read(self.get().as_deref())
        }
        pub(crate) fn get(&self) -> Option<Arc<T>> {
            self.0.lock().unwrap().clone()
        }
        pub(crate) fn set(&self, value: Option<Arc<T>>) {
            *self.0.lock().unwrap() = value;
        }
    }
}

#[cfg(feature = "std")]
pub(crate) use current::{Current, Mutex};

/// loom's atomics, and a 128-bit one, which loom lacks.
#[cfg(tidegate_loom)]
mod model {
    extern crate std;
    use super::Ordering;
    use std::sync::Mutex;
    use std::vec::Vec;

    pub(crate) use loom::sync::atomic::{AtomicU8, AtomicU64};

    /// loom sees the number of a value, with the ordering asked for; the values stand in a table beside it.
    #[derive(Debug)]
    pub(crate) struct AtomicU128 {
        number: AtomicU64,
        values: Mutex<Vec<u128>>,
    }

    impl AtomicU128 {
        pub(crate) fn new(value: u128) -> Self {
            AtomicU128 { number: AtomicU64::new(0), values: Mutex::new(std::vec![value]) }
        }
        fn number(&self, value: u128) -> u64 {
            let mut values = self.values.lock().unwrap();
            let found = values.iter().position(|&known| known == value);
            found.unwrap_or_else(|| {
                values.push(value);
                values.len() - 1
            }) as u64
        }
        fn value(&self, number: u64) -> u128 {
            self.values.lock().unwrap()[number as usize]
        }
        pub(crate) fn load(&self, order: Ordering) -> u128 {
            self.value(self.number.load(order))
        }
        pub(crate) fn swap(&self, new: u128, order: Ordering) -> u128 {
            self.value(self.number.swap(self.number(new), order))
        }
        pub(crate) fn compare_exchange_weak(
            &self,
            current: u128,
            new: u128,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u128, u128> {
            self.number
                .compare_exchange_weak(self.number(current), self.number(new), success, failure)
                .map(|number| self.value(number))
                .map_err(|number| self.value(number))
        }
    }
}

/// The platform's atomics with weak exchanges that fail spuriously.
#[cfg(all(tidegate_spurious, not(tidegate_loom)))]
mod spurious {
    extern crate std;
    use super::Ordering;
    use core::cell::Cell;

    std::thread_local!(static DRAWN: Cell<u64> = const { Cell::new(0) });

    /// Two times in three, without a period: a loop of three exchanges would otherwise meet the same failure in every round.
    fn fail_now() -> bool {
        DRAWN.with(|drawn| {
            // Knuth's MMIX generator.
            drawn.set(drawn.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
            !(drawn.get() >> 33).is_multiple_of(3)
        })
    }

    macro_rules! spurious {
        ($name:ident, $int:ty) => {
            #[derive(Debug)]
            pub(crate) struct $name(portable_atomic::$name);

            impl $name {
                pub(crate) const fn new(value: $int) -> Self {
                    $name(portable_atomic::$name::new(value))
                }
                pub(crate) fn load(&self, order: Ordering) -> $int {
                    self.0.load(order)
                }
                #[allow(dead_code)]
                pub(crate) fn swap(&self, new: $int, order: Ordering) -> $int {
                    self.0.swap(new, order)
                }
                #[allow(dead_code)]
                pub(crate) fn fetch_max(&self, new: $int, order: Ordering) -> $int {
                    self.0.fetch_max(new, order)
                }
                #[allow(dead_code)]
                pub(crate) fn fetch_add(&self, n: $int, order: Ordering) -> $int {
                    self.0.fetch_add(n, order)
                }
                pub(crate) fn compare_exchange_weak(
                    &self,
                    current: $int,
                    new: $int,
                    success: Ordering,
                    failure: Ordering,
                ) -> Result<$int, $int> {
                    if fail_now() {
                        return Err(self.0.load(failure));
                    }
                    self.0.compare_exchange_weak(current, new, success, failure)
                }
            }
        };
    }

    impl AtomicU128 {
        #[allow(dead_code)]
        pub(crate) fn as_ptr(&self) -> *mut u128 {
            self.0.as_ptr()
        }
    }

    spurious!(AtomicU8, u8);
    spurious!(AtomicU64, u64);
    spurious!(AtomicU128, u128);
}

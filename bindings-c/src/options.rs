//! `tidegate_limiter_options`: what a limiter can be told besides its quota.

use core::ffi::c_void;
#[cfg(feature = "std")]
use std::sync::Arc;

#[cfg(feature = "std")]
use tidegate::Clock;
use tidegate::LimiterBuilder;

use crate::choice::{self, anchor_code, refill_code};
use crate::sized::{self, Sized};
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_UNKNOWN_VALUE};

/// A clock: nanoseconds since an origin of its choice.
///
/// It may stand still, jump or run backwards: nothing is refunded or minted. Values above 2^63 - 1 are read as that.
/// It must be callable from every thread that uses the limiter, and must neither throw nor jump out.
pub type tidegate_clock_fn = Option<unsafe extern "C" fn(context: *mut c_void) -> u64>;

/// In `flags`: `initial` is set.
pub const TIDEGATE_SET_INITIAL: u32 = 1;
/// In `flags`: `origin_ns` is set.
pub const TIDEGATE_SET_ORIGIN: u32 = 2;

/// What a limiter can be told besides algorithm and quota. Fill it with zeros, set `struct_size` to `sizeof(tidegate_limiter_options)`,
/// then set what you need: zero is the default everywhere. The first two in C: `tidegate_limiter_options o = {.struct_size = sizeof o};`,
/// in C++: `tidegate_limiter_options o{}; o.struct_size = sizeof o;`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_limiter_options {
    /// sizeof(tidegate_limiter_options), as the caller was compiled.
    pub struct_size: usize,
    /// TIDEGATE_SET_INITIAL and TIDEGATE_SET_ORIGIN, or'ed.
    pub flags: u32,
    /// Where windows begin; TIDEGATE_ANCHOR_DEFAULT: as the quota says.
    pub anchor: anchor_code,
    /// Nanoseconds; with TIDEGATE_ANCHOR_CLOCK only.
    pub offset_ns: u64,
    /// How a token bucket refills.
    pub refill: refill_code,
    /// Must be 0.
    pub reserved: u32,
    /// How many tokens a bucket begins with, if TIDEGATE_SET_INITIAL is in `flags`; full otherwise. Token bucket only.
    pub initial: u64,
    /// The time at which the limiter is made, if TIDEGATE_SET_ORIGIN is in `flags`; otherwise its clock is asked.
    /// Nanoseconds of the clock that the calls with `_at` will be given. Matters where there is an initial fill and for windows whose
    /// word cannot count from 0.
    pub origin_ns: u64,
    /// The clock of all calls without `_at`; NULL: the system's monotonic clock, set to Unix time (UTC) when it is first read.
    pub clock: tidegate_clock_fn,
    /// Passed to `clock`. It must outlive the limiter.
    pub clock_context: *mut c_void,
}

// SAFETY: begins with `struct_size`; all fields are integers and nullable pointers.
unsafe impl Sized for tidegate_limiter_options {}

impl tidegate_limiter_options {
    /// # Safety
    /// As [`sized::read`].
    pub unsafe fn read(options: *const tidegate_limiter_options) -> Result<tidegate_limiter_options, tidegate_status> {
        // SAFETY: the same contract.
        let known = unsafe { sized::read(options) }?;
        if known.reserved != 0 || known.flags & !(TIDEGATE_SET_INITIAL | TIDEGATE_SET_ORIGIN) != 0 {
            return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
        }
        Ok(known)
    }

    pub fn apply(&self, mut builder: LimiterBuilder) -> Result<LimiterBuilder, tidegate_status> {
        if let Some(anchor) = choice::anchor(self.anchor, self.offset_ns)? {
            builder = builder.anchor(anchor);
        }
        builder = builder.refill(choice::refill(self.refill)?);
        if self.flags & TIDEGATE_SET_INITIAL != 0 {
            builder = builder.initial(self.initial);
        }
        Ok(builder)
    }

    pub fn origin(&self) -> Option<u64> {
        (self.flags & TIDEGATE_SET_ORIGIN != 0).then_some(self.origin_ns)
    }
}

/// A clock of the C program's, if it has one.
#[cfg(feature = "std")]
pub fn clock(read: tidegate_clock_fn, context: *mut c_void) -> Option<Arc<dyn Clock>> {
    read.map(|read| Arc::new(ForeignClock { read, context }) as Arc<dyn Clock>)
}

#[cfg(feature = "std")]
struct ForeignClock {
    read: unsafe extern "C" fn(*mut c_void) -> u64,
    context: *mut c_void,
}

#[cfg(feature = "std")]
// SAFETY: the contract of `tidegate_clock_fn`: callable from every thread that uses the limiter, with a context that outlives it.
unsafe impl Send for ForeignClock {}
#[cfg(feature = "std")]
// SAFETY: as above.
unsafe impl Sync for ForeignClock {}

#[cfg(feature = "std")]
impl Clock for ForeignClock {
    #[inline]
    fn now(&self) -> u64 {
        // SAFETY: the contract of `tidegate_clock_fn`; the context is passed through and never looked at.
        unsafe { (self.read)(self.context) }
    }
}

//! `tidegate_backoff`: the delays of one call and its retries, in memory of the caller's. No heap, no libc.
//!
//! It holds the configuration and where the session stands, both as plain numbers: whatever a C program does to them, they give some session.

use core::num::NonZeroU64;
use core::time::Duration;

use tidegate::backoff::{self, Backoff, Jitter, Session};

use crate::guard::{Out, borrow, borrow_mut, guard};
use crate::sized::{self, Sized};
use crate::status::tidegate_status::{
    self, TIDEGATE_ERROR_NOT_INITIALIZED, TIDEGATE_ERROR_RANGE, TIDEGATE_ERROR_UNKNOWN_VALUE,
};

/// How delays grow.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_schedule {
    /// `base_ns`, then `factor_numerator / factor_denominator` times as much each time (2 if both are 0).
    TIDEGATE_EXPONENTIAL = 0,
    /// `base_ns` each time.
    TIDEGATE_CONSTANT = 1,
    /// `base_ns`, then `step_ns` more each time.
    TIDEGATE_LINEAR = 2,
    /// `base_ns` times 1, 1, 2, 3, 5, 8, ...
    TIDEGATE_FIBONACCI = 3,
}

/// How delays are spread, so that clients that failed together do not retry together. v is the delay of the schedule, cap applied;
/// U(a, b) is uniform from a to b, both included. The cap includes the jitter.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_jitter {
    /// Exactly v. Clients that failed together retry together.
    TIDEGATE_JITTER_NONE = 0,
    /// U(0, v): the least load on the server.
    TIDEGATE_JITTER_FULL = 1,
    /// v/2 + U(0, v/2): never less than half.
    TIDEGATE_JITTER_EQUAL = 2,
    /// v + U(0, `jitter_ns`), moved down where needed to leave room under the cap.
    TIDEGATE_JITTER_ADDITIVE = 3,
    /// s = min(cap, U(base, 3s)), beginning with s = base; the schedule is not used.
    TIDEGATE_JITTER_DECORRELATED = 4,
}

/// cbindgen writes it as `tidegate_schedule`.
pub type schedule_code = i32;
/// cbindgen writes it as `tidegate_jitter`.
pub type jitter_code = i32;

/// In `flags`: `max_delay_ns` is set.
pub const TIDEGATE_SET_MAX_DELAY: u32 = 4;
/// In `flags`: `max_retries` is set.
pub const TIDEGATE_SET_MAX_RETRIES: u32 = 8;
/// In `flags`: `max_elapsed_ns` is set.
pub const TIDEGATE_SET_MAX_ELAPSED: u32 = 16;
/// In `flags`: `seed` is set.
pub const TIDEGATE_SET_SEED: u32 = 32;

const FLAGS: u32 = TIDEGATE_SET_MAX_DELAY | TIDEGATE_SET_MAX_RETRIES | TIDEGATE_SET_MAX_ELAPSED | TIDEGATE_SET_SEED;

/// How long to wait before each retry, and when to give up. Fill it with zeros, set `struct_size`, then set what you need: without further
/// words there is no cap, no jitter, no end. Times are in nanoseconds.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_backoff_options {
    /// sizeof(tidegate_backoff_options), as the caller was compiled.
    pub struct_size: usize,
    /// TIDEGATE_SET_MAX_DELAY, TIDEGATE_SET_MAX_RETRIES, TIDEGATE_SET_MAX_ELAPSED and TIDEGATE_SET_SEED, or'ed.
    pub flags: u32,
    /// How delays grow.
    pub schedule: schedule_code,
    /// The first delay.
    pub base_ns: u64,
    /// How much is added each time. TIDEGATE_LINEAR only.
    pub step_ns: u64,
    /// The factor is the exact ratio of these two: 1, or at least 1.001. TIDEGATE_EXPONENTIAL only; both 0: 2.
    pub factor_numerator: u64,
    /// See `factor_numerator`.
    pub factor_denominator: u64,
    /// The cap: no delay is longer, jitter included, unless a server's hint asks for more.
    pub max_delay_ns: u64,
    /// The width of the jitter. TIDEGATE_JITTER_ADDITIVE only.
    pub jitter_ns: u64,
    /// How delays are spread.
    pub jitter: jitter_code,
    /// Gives up after so many delays.
    pub max_retries: u32,
    /// Gives up when the next delay would end later than this after the start.
    pub max_elapsed_ns: u64,
    /// One seed gives one sequence, in every language. Without one, no two backoffs of a process share a sequence.
    pub seed: u64,
}

// SAFETY: begins with `struct_size`; all fields are integers.
unsafe impl Sized for tidegate_backoff_options {}

/// Tells a backoff that was started from memory that was not.
const MARK: u64 = 0x3bd9_06c2_f15e_a875;

/// The delays of one call and its retries; 256 bytes in the caller's memory, started by tidegate_backoff_start. It holds no pointer and
/// needs no end; a copy goes on by itself, with the same jitter.
///
/// Thread safety: one thread at a time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_backoff {
    /// The library's own.
    pub mark: u64,
    /// The library's own.
    pub internal: [u64; 31],
}

/// What `internal` holds: what it was started with, and where it stands.
#[repr(C)]
#[derive(Clone, Copy)]
struct Running {
    options: tidegate_backoff_options,
    state: [u64; 8],
}

const _: () = assert!(size_of::<Running>() <= 31 * 8 && align_of::<Running>() <= align_of::<tidegate_backoff>());

impl tidegate_backoff_options {
    fn backoff(&self) -> Result<Backoff, tidegate_status> {
        use tidegate_jitter::*;
        use tidegate_schedule::*;
        let base = Duration::from_nanos(self.base_ns);
        let factor = (self.factor_numerator, self.factor_denominator);
        if self.flags & !FLAGS != 0 {
            return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
        }
        let exponential = self.schedule == TIDEGATE_EXPONENTIAL as i32;
        let linear = self.schedule == TIDEGATE_LINEAR as i32;
        let additive = self.jitter == TIDEGATE_JITTER_ADDITIVE as i32;
        // What would be ignored is refused.
        if (!exponential && factor != (0, 0)) || (!linear && self.step_ns != 0) || (!additive && self.jitter_ns != 0) {
            return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
        }
        let mut backoff = match self.schedule {
            _ if exponential => match factor {
                (0, 0) => Backoff::exponential(base),
                (numerator, denominator) => {
                    Backoff::exponential(base).factor_ratio(numerator, denominator).map_err(|_| TIDEGATE_ERROR_RANGE)?
                }
            },
            _ if linear => Backoff::linear(base, Duration::from_nanos(self.step_ns)),
            code if code == TIDEGATE_CONSTANT as i32 => Backoff::constant(base),
            code if code == TIDEGATE_FIBONACCI as i32 => Backoff::fibonacci(base),
            _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
        };
        backoff = backoff.jitter(match self.jitter {
            code if code == TIDEGATE_JITTER_NONE as i32 => Jitter::None,
            code if code == TIDEGATE_JITTER_FULL as i32 => Jitter::Full,
            code if code == TIDEGATE_JITTER_EQUAL as i32 => Jitter::Equal,
            _ if additive => Jitter::Additive(Duration::from_nanos(self.jitter_ns)),
            code if code == TIDEGATE_JITTER_DECORRELATED as i32 => Jitter::Decorrelated,
            _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
        });
        if self.flags & TIDEGATE_SET_MAX_DELAY != 0 {
            backoff = backoff.max_delay(Duration::from_nanos(self.max_delay_ns));
        }
        if self.flags & TIDEGATE_SET_MAX_RETRIES != 0 {
            backoff = backoff.max_retries(self.max_retries);
        }
        if self.flags & TIDEGATE_SET_MAX_ELAPSED != 0 {
            backoff = backoff.max_elapsed(Duration::from_nanos(self.max_elapsed_ns));
        }
        if self.flags & TIDEGATE_SET_SEED != 0 {
            backoff = backoff.seed(self.seed);
        }
        Ok(backoff)
    }
}

impl tidegate_backoff {
    fn new(options: tidegate_backoff_options, session: &Session) -> tidegate_backoff {
        let mut backoff = tidegate_backoff { mark: MARK, internal: [0; 31] };
        *backoff.running_mut() = Running { options, state: session.to_raw() };
        backoff
    }

    fn running(&self) -> &Running {
        // SAFETY: it fits and is aligned, as asserted above; all its fields are integers, so whatever stands there is a value.
        unsafe { &*self.internal.as_ptr().cast() }
    }

    fn running_mut(&mut self) -> &mut Running {
        // SAFETY: as in `running`.
        unsafe { &mut *self.internal.as_mut_ptr().cast() }
    }

    fn session(&self) -> Result<Session, tidegate_status> {
        if self.mark != MARK {
            return Err(TIDEGATE_ERROR_NOT_INITIALIZED);
        }
        let running = self.running();
        Ok(running.options.backoff()?.resume(running.state))
    }

    fn keep(&mut self, session: &Session) {
        self.running_mut().state = session.to_raw();
    }
}

/// # Safety
/// The contract of [`tidegate_backoff_start`].
unsafe fn start(
    options: *const tidegate_backoff_options,
    backoff: *mut tidegate_backoff,
    begin: impl FnOnce(&Backoff) -> Session,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (out, options) = unsafe { (Out::new(backoff)?, sized::read(options)?) };
        let session = begin(&options.backoff()?);
        out.write(tidegate_backoff::new(options, &session));
        Ok(())
    })
}

/// Begins the delays of one call.
///
/// @param options Not NULL. Read during the call only.
/// @param[out] backoff Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE for a factor that is neither 1 nor at least 1.001; TIDEGATE_ERROR_UNKNOWN_VALUE for an enum or flag, and for a
/// field that its schedule or jitter does not use and that is not 0; TIDEGATE_ERROR_STRUCT_SIZE; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer.
/// @pre `options` points at `options->struct_size` initialized bytes.
///
/// Thread safety: may be called from any thread; nobody else may use `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_start(
    options: *const tidegate_backoff_options,
    backoff: *mut tidegate_backoff,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { start(options, backoff, Backoff::start) }
}

/// tidegate_backoff_start with `max_elapsed_ns` counted from `now_ns`, in nanoseconds of the clock that tidegate_backoff_next_at will be given.
///
/// @param[out] backoff Not NULL; written on success only.
/// @return As tidegate_backoff_start.
/// @pre `options` points at `options->struct_size` initialized bytes.
///
/// Thread safety: as tidegate_backoff_start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_start_at(
    options: *const tidegate_backoff_options,
    now_ns: u64,
    backoff: *mut tidegate_backoff,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { start(options, backoff, |backoff| backoff.start_at(now_ns)) }
}

/// # Safety
/// The contract of [`tidegate_backoff_next`].
unsafe fn next(backoff: *mut tidegate_backoff, now: Option<u64>, hint: u64, delay: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let (backoff, out) = unsafe { (borrow_mut(backoff)?, Out::new(delay)?) };
        let mut session = backoff.session()?;
        let hint = NonZeroU64::new(hint).map(u64::from);
        let delay = match now {
            Some(now) => session.next_delay_nanos_at(now, hint),
            None => session.next_delay_nanos(hint),
        };
        backoff.keep(&session);
        out.write(delay.unwrap_or(u64::MAX));
        Ok(())
    })
}

/// The delay before the next retry, or to give up. The delay is at least the hint, with jitter added upwards; it stays within the cap
/// unless the hint itself reaches it.
///
/// @param retry_after_ns What the server asked for (Retry-After), in nanoseconds; 0 if it did not.
/// @param[out] delay_ns Not NULL; written on success only. TIDEGATE_NEVER: give up.
/// @return TIDEGATE_OK, also to give up; TIDEGATE_ERROR_NOT_INITIALIZED; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer.
///
/// Thread safety: nobody else may use `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_next(
    backoff: *mut tidegate_backoff,
    retry_after_ns: u64,
    delay_ns: *mut u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { next(backoff, None, retry_after_ns, delay_ns) }
}

/// tidegate_backoff_next told the time, so that `max_elapsed_ns` counts what the attempts themselves took. A clock that stands still or runs
/// backwards does not prolong it.
///
/// @param retry_after_ns What the server asked for (Retry-After), in nanoseconds; 0 if it did not.
/// @param[out] delay_ns Not NULL; written on success only. TIDEGATE_NEVER: give up.
/// @return As tidegate_backoff_next.
///
/// Thread safety: nobody else may use `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_next_at(
    backoff: *mut tidegate_backoff,
    now_ns: u64,
    retry_after_ns: u64,
    delay_ns: *mut u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { next(backoff, Some(now_ns), retry_after_ns, delay_ns) }
}

/// Back to the first delay with all bounds anew, as after a success. The jitter does not repeat itself.
///
/// @return As tidegate_backoff_next.
///
/// Thread safety: nobody else may use `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_reset(backoff: *mut tidegate_backoff) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let backoff = unsafe { borrow_mut(backoff) }?;
        let mut session = backoff.session()?;
        session.reset();
        backoff.keep(&session);
        Ok(())
    })
}

/// tidegate_backoff_reset with `max_elapsed_ns` counted from `now_ns`.
///
/// @return As tidegate_backoff_next.
///
/// Thread safety: nobody else may use `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_reset_at(backoff: *mut tidegate_backoff, now_ns: u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let backoff = unsafe { borrow_mut(backoff) }?;
        let mut session = backoff.session()?;
        session.reset_at(now_ns);
        backoff.keep(&session);
        Ok(())
    })
}

/// How many delays were given out since the start or the last reset.
///
/// @param[out] retries Not NULL; written on success only.
/// @return As tidegate_backoff_next.
///
/// Thread safety: nobody else may change `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_retries(
    backoff: *const tidegate_backoff,
    retries: *mut u32,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (backoff, out) = unsafe { (borrow(backoff)?, Out::new(retries)?) };
        out.write(backoff.session()?.retries());
        Ok(())
    })
}

/// The seed: given to another backoff with TIDEGATE_SET_SEED, it replays the same jitter.
///
/// @param[out] seed Not NULL; written on success only.
/// @return As tidegate_backoff_next.
///
/// Thread safety: nobody else may change `backoff` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_backoff_seed(backoff: *const tidegate_backoff, seed: *mut u64) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (backoff, out) = unsafe { (borrow(backoff)?, Out::new(seed)?) };
        out.write(backoff.session()?.seed());
        Ok(())
    })
}

/// Stirs `bits` into the seeds of all later backoffs that are given none. Needed without an operating system only: there, devices that
/// run one image begin alike, unless told something that differs (a serial number, noise of a converter). Calls accumulate.
///
/// Thread safety: may be called from any thread at any time.
#[unsafe(no_mangle)]
pub extern "C" fn tidegate_backoff_add_entropy(bits: u64) {
    backoff::add_entropy(bits);
}

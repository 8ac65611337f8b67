//! `Output`: how a decision crosses into JavaScript: a code, and four words in an array that both sides know.
//!
//! | word | meaning | narrow (a double) | wide (an integer of 64 bits) |
//! |---|---|---|---|
//! | 0 | limit | permits | permits |
//! | 1 | remaining | permits | permits |
//! | 2 | retry after | nanoseconds, -1 for never | nanoseconds, 2^64 - 1 for never |
//! | 3 | reset after | nanoseconds, Infinity beyond the end of the clock | nanoseconds, 2^64 - 1 beyond it |
//!
//! The code is 1 if allowed, plus 2 if the words are wide: some number is above 2^53 - 1, which a double cannot say exactly. In place of a code, `true` and
//! `false` are what most callers get: allowed, and then with nothing to wait for, or denied, in narrow words. If a reservation
//! is refused, the bits from 4 on are the reason: 1 never, 2 too long, 3 the queue is full, 4 no room for the key. Of a group, those from 8 on are the position of the limit that binds.
//!
//! The instant of a reservation is word 0, an integer.

use std::ptr::NonNull;
use std::rc::Rc;

use napi::bindgen_prelude::{BigUint64Array, External, ToNapiValue};
use napi::{Env, Result, sys};
use napi_derive::napi;
use tidegate::{Decision, GroupDecision, GroupRefused, GroupSlot, Refusal, Refused, Slot};

use crate::number::{MAX_SAFE, range_error};

const WORDS: usize = 4;

/// The array of one environment, shared by all limiters that were made in it.
#[derive(Clone)]
pub struct Output(Rc<Held>);

struct Held {
    words: NonNull<[u64; WORDS]>,
    /// Keeps them.
    _array: BigUint64Array,
}

/// Decisions of this environment are written to `words` from now on, to be read at once: the next one overwrites them.
///
/// The array must not be shared with another thread, and its buffer never be detached: it stays in the module that makes it.
#[napi(catch_unwind)]
pub fn open_output(env: &Env, mut words: BigUint64Array) -> Result<External<Output>> {
    // SAFETY: nobody else looks at them during this call.
    match <&mut [u64; WORDS]>::try_from(unsafe { words.as_mut() }) {
        Ok(found) => Ok(External::new(Output(Rc::new(Held { words: found.into(), _array: words })))),
        Err(_) => Err(range_error(env, "ERR_OUT_OF_RANGE", "the output must have four words")),
    }
}

impl Output {
    #[inline]
    fn put(&self, words: [u64; WORDS]) {
        // SAFETY: the array is kept, its buffer is never detached (`open_output`), and only this thread knows it: no JavaScript runs now.
        unsafe { self.0.words.write(words) };
    }

    /// Writes what was taken or looked at; if it is allowed there is nothing to wait for.
    #[inline]
    pub(crate) fn taken(&self, decision: &Decision) -> Answer {
        let (limit, remaining, reset) = (decision.limit(), decision.remaining(), decision.reset_after_nanos());
        let allowed = decision.is_allowed();
        let retry = if allowed { Some(0) } else { decision.retry_after_nanos() };
        let wait = retry.unwrap_or(u64::MAX);
        if limit | remaining | reset | wait <= MAX_SAFE {
            self.put([double(limit), double(remaining), double(wait), double(reset)]);
            return Answer::Plain(allowed);
        }
        Answer::Code(self.write_figures(allowed, limit, remaining, retry, reset))
    }

    /// Writes the numbers of any decision and returns its code.
    pub(crate) fn write(&self, decision: &Decision) -> u32 {
        let (limit, remaining) = (decision.limit(), decision.remaining());
        let (retry, reset) = (decision.retry_after_nanos(), decision.reset_after_nanos());
        self.write_figures(decision.is_allowed(), limit, remaining, retry, reset)
    }

    /// As [`Output::write`], with the limit that binds.
    pub(crate) fn write_group(&self, decision: &GroupDecision<'_>) -> u32 {
        let (limit, remaining) = (decision.limit(), decision.remaining());
        let (retry, reset) = (decision.retry_after_nanos(), decision.reset_after_nanos());
        // A group has few members: the position fits.
        let binding = (decision.binding_index() as u32) << 8;
        self.write_figures(decision.is_allowed(), limit, remaining, retry, reset) | binding
    }

    #[inline(never)]
    fn write_figures(&self, allowed: bool, limit: u64, remaining: u64, retry: Option<u64>, reset: u64) -> u32 {
        let narrow =
            limit.max(remaining).max(retry.unwrap_or(0)) <= MAX_SAFE && (reset <= MAX_SAFE || reset == u64::MAX);
        if narrow {
            let retry = retry.map_or((-1.0_f64).to_bits(), double);
            let reset = if reset == u64::MAX { f64::INFINITY.to_bits() } else { double(reset) };
            self.put([double(limit), double(remaining), retry, reset]);
        } else {
            self.put([limit, remaining, retry.unwrap_or(u64::MAX), reset]);
        }
        u32::from(allowed) | if narrow { 0 } else { 2 }
    }

    /// Writes the instant of a reservation, or the decision that refuses it.
    pub(crate) fn reserved(&self, reserved: std::result::Result<Slot, Refused>) -> std::result::Result<Slot, u32> {
        match reserved {
            Ok(slot) => {
                self.put([slot.at_nanos(), 0, 0, 0]);
                Ok(slot)
            }
            Err(refused) => Err(self.write(&refused.decision()) | why(refused.refusal())),
        }
    }

    /// As [`Output::reserved`], of a group.
    pub(crate) fn reserved_of_all(
        &self,
        reserved: std::result::Result<GroupSlot, GroupRefused<'_>>,
    ) -> std::result::Result<GroupSlot, u32> {
        match reserved {
            Ok(slot) => {
                self.put([slot.at_nanos(), 0, 0, 0]);
                Ok(slot)
            }
            Err(refused) => Err(self.write_group(refused.decision()) | why(refused.refusal())),
        }
    }
}

/// What a verb answers with when it has written its figures.
pub(crate) enum Answer {
    Plain(bool),
    Code(u32),
}

impl ToNapiValue for Answer {
    #[inline]
    unsafe fn to_napi_value(env: sys::napi_env, answer: Answer) -> Result<sys::napi_value> {
        // SAFETY: the caller's promise: a live environment.
        unsafe {
            match answer {
                Answer::Plain(allowed) => bool::to_napi_value(env, allowed),
                Answer::Code(code) => u32::to_napi_value(env, code),
            }
        }
    }
}

/// The bits of a number of at most 2^53, as a double: one instruction from a signed one.
#[inline]
fn double(number: u64) -> u64 {
    (number as i64 as f64).to_bits()
}

/// As bits of the code.
fn why(refusal: Refusal) -> u32 {
    let why = match refusal {
        Refusal::Never => 1,
        Refusal::WaitTooLong => 2,
        Refusal::NoRoom => 4,
        _ => 3,
    };
    why << 4
}

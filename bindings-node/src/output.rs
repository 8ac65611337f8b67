//! `Output`: how a decision crosses into JavaScript: a code, and four words in an array that both sides know.
//!
//! | word | meaning | narrow (a double) | wide (an integer of 64 bits) |
//! |---|---|---|---|
//! | 0 | limit | permits | permits |
//! | 1 | remaining | permits | permits |
//! | 2 | retry after | nanoseconds, -1 for never | nanoseconds, 2^64 - 1 for never |
//! | 3 | reset after | nanoseconds, Infinity beyond the end of the clock | nanoseconds, 2^64 - 1 beyond it |
//!
//! The code is 1 if allowed, plus 2 if the words are wide: some number is above 2^53 - 1, which a double cannot say exactly. Of a group it
//! has the position of the limit that binds in the bits from 8 on.
//!
//! The words from 4 to 9 are a reservation, as integers; the first is its instant. JavaScript keeps a copy and puts it back to cancel.
//! The code of a reservation is [`BOOKED`], or that of the decision plus the reason in the bits from 4 on: 1 never, 2 too long, 3 the queue is
//! full, 4 no room for the key.

use std::cell::RefCell;
use std::rc::Rc;

use napi::bindgen_prelude::{BigUint64Array, External};
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Decision, Refusal, Refused, Slot};

use crate::number::{MAX_SAFE, range_error};

const DECISION: usize = 4;
const WORDS: usize = 10;

/// A reservation was made.
pub(crate) const BOOKED: u32 = 128;

/// The array of one environment, shared by all limiters that were made in it.
#[derive(Clone)]
pub struct Output(Rc<RefCell<BigUint64Array>>);

/// Decisions of this environment are written to `words` from now on, to be read at once: the next one overwrites them.
///
/// The array must not be shared with another thread, and its buffer never be detached: it stays in the module that makes it.
#[napi(catch_unwind)]
pub fn open_output(env: &Env, words: BigUint64Array) -> Result<External<Output>> {
    if words.len() != WORDS {
        return Err(range_error(env, "ERR_OUT_OF_RANGE", "the output must have ten words"));
    }
    Ok(External::new(Output(Rc::new(RefCell::new(words)))))
}

impl Output {
    /// Writes the numbers of a decision and returns its code.
    #[inline]
    pub(crate) fn write(&self, decision: &Decision) -> u32 {
        let (limit, remaining) = (decision.limit(), decision.remaining());
        let (retry, reset) = (decision.retry_after_nanos(), decision.reset_after_nanos());
        self.write_figures(decision.is_allowed(), limit, remaining, retry, reset)
    }

    /// As [`Output::write`], whoever decided.
    #[inline]
    pub(crate) fn write_figures(
        &self,
        allowed: bool,
        limit: u64,
        remaining: u64,
        retry: Option<u64>,
        reset: u64,
    ) -> u32 {
        let narrow =
            limit.max(remaining).max(retry.unwrap_or(0)) <= MAX_SAFE && (reset <= MAX_SAFE || reset == u64::MAX);
        let double = |number: u64| (number as f64).to_bits();
        let numbers = if narrow {
            let retry = retry.map_or((-1.0_f64).to_bits(), double);
            let reset = if reset == u64::MAX { f64::INFINITY.to_bits() } else { double(reset) };
            [double(limit), double(remaining), retry, reset]
        } else {
            [limit, remaining, retry.unwrap_or(u64::MAX), reset]
        };
        let mut words = self.0.borrow_mut();
        // SAFETY: only this thread knows the array, no JavaScript runs during this call, and its buffer is never detached (`open_output`).
        let words = unsafe { words.as_mut() };
        words[..DECISION].copy_from_slice(&numbers);
        u32::from(allowed) | if narrow { 0 } else { 2 }
    }
    /// Writes a reservation, or the decision that refuses it, and returns the code.
    pub(crate) fn write_reserved(&self, reserved: std::result::Result<Slot, Refused>) -> u32 {
        match reserved {
            Ok(slot) => {
                let mut words = self.0.borrow_mut();
                // SAFETY: as in `write_figures`.
                let words = unsafe { words.as_mut() };
                words[DECISION..].copy_from_slice(&slot.into_raw());
                BOOKED
            }
            Err(refused) => {
                let why = match refused.refusal() {
                    Refusal::Never => 1,
                    Refusal::WaitTooLong => 2,
                    Refusal::NoRoom => 4,
                    _ => 3,
                };
                self.write(&refused.decision()) | why << 4
            }
        }
    }

    /// The reservation that JavaScript has put back.
    pub(crate) fn read_slot(&self) -> Slot {
        let words = self.0.borrow();
        let mut raw = [0; WORDS - DECISION];
        raw.copy_from_slice(&words[DECISION..]);
        Slot::from_raw(raw)
    }
}

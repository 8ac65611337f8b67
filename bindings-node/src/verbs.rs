//! The verbs of whatever holds states: a limiter, a table of keys, one of its keys, a group.
//!
//! Each is a function of `(name..., cost, now)`: a table and a group of tables are told which key first, a cost that is left out is 1, a time
//! that is left out is that of the limiter's clock. A clock written in JavaScript is asked by JavaScript, so what it throws needs no way through here.

use std::cell::Cell;

use napi::bindgen_prelude::{Either, External, Function};
use napi::{Env, Result, Unknown};

use crate::call::{Call, function};
use crate::number::{Nanos, Permits, Time};
use crate::output::{Answer, Output};

/// One state, or several as one. What it decides goes to the output, and its code comes back.
pub(crate) trait Gate {
    type Slot;
    fn try_acquire(&self, now: Option<u64>, cost: u64) -> bool;
    fn take(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer;
    fn peek(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer;
    /// The slot, or the code of a refusal.
    fn reserve(&self, now: Option<u64>, cost: u64, longest: u64, out: &Output) -> std::result::Result<Self::Slot, u32>;
    fn cancel(&self, now: Option<u64>, slot: Self::Slot);
    fn settle(&self, now: Option<u64>, slot: Self::Slot, actual: u64, out: &Output) -> u32;
    fn reset(&self) -> bool;
}

/// One that can owe and be given back.
pub(crate) trait Tab: Gate {
    fn charge(&self, now: Option<u64>, cost: u64, out: &Output) -> u32;
    fn refund(&self, now: Option<u64>, permits: u64);
}

/// What verbs belong to.
pub(crate) trait Holder: Clone + 'static {
    /// What is kept for a reservation.
    type Slot: 'static;
    type Gate<'a>: Gate<Slot = Self::Slot>;
    /// How many arguments say which of its gates is meant.
    const NAMED: usize;
    fn gate(&self, call: &Call<'_>) -> Result<Self::Gate<'_>>;
    fn now(&self) -> u64;
}

/// A reservation, until it is given back or settled.
type Kept<H> = Cell<Option<<H as Holder>::Slot>>;

type Made<'env> = Result<Option<Function<'env, (), Unknown<'env>>>>;

/// One verb by its name; nothing if there is none.
pub(crate) fn verb_of<'env, H: Holder>(env: &'env Env, holder: &H, output: &Output, name: &str) -> Made<'env> {
    let (holder, out) = (holder.clone(), output.clone());
    let made = match name {
        "tryAcquire" => function(env, name, move |call| {
            let (now, cost) = asked::<H>(&call)?;
            Ok(holder.gate(&call)?.try_acquire(now, cost))
        }),
        "take" => function(env, name, move |call| {
            let (now, cost) = asked::<H>(&call)?;
            Ok(holder.gate(&call)?.take(now, cost, &out))
        }),
        "peek" => function(env, name, move |call| {
            let (now, cost) = asked::<H>(&call)?;
            Ok(holder.gate(&call)?.peek(now, cost, &out))
        }),
        // (cost, longest wait in nanoseconds, now): what is kept, or why there is nothing.
        "reserve" => function(env, name, move |call| {
            let (cost, longest) = (call.get::<Permits>(H::NAMED)?.0, call.get::<Nanos>(H::NAMED + 1)?.0);
            let booked = holder.gate(&call)?.reserve(time(&call, H::NAMED + 2)?, cost, longest, &out);
            Ok(match booked {
                Ok(slot) => Either::A(External::new(Cell::new(Some(slot)))),
                Err(code) => Either::B(code),
            })
        }),
        // (what is kept, now)
        "cancel" => function(env, name, move |call| {
            let now = time(&call, H::NAMED + 1)?;
            let gate = holder.gate(&call)?;
            if let Some(slot) = kept::<H>(&call, H::NAMED)?.take() {
                gate.cancel(now, slot);
            }
            Ok(())
        }),
        // (what is kept, what it has really cost, now)
        "settle" => function(env, name, move |call| {
            let (actual, now) = (call.get::<Permits>(H::NAMED + 1)?.0, time(&call, H::NAMED + 2)?);
            let gate = holder.gate(&call)?;
            let slot = kept::<H>(&call, H::NAMED)?.take();
            Ok(slot.map(|slot| gate.settle(now, slot, actual, &out)))
        }),
        // (an instant in nanoseconds, now): the milliseconds until then, 0 from then on.
        "until" => function(env, name, move |call| {
            let at = call.get::<Time>(0)?.0;
            let now = time(&call, 1)?.unwrap_or_else(|| holder.now());
            Ok(at.saturating_sub(now) as f64 / 1e6)
        }),
        "reset" => function(env, name, move |call| Ok(holder.gate(&call)?.reset())),
        _ => return Ok(None),
    };
    made.map(Some)
}

/// The same, with the verbs of a tab.
pub(crate) fn tab_verb_of<'env, H: Holder>(env: &'env Env, holder: &H, output: &Output, name: &str) -> Made<'env>
where
    for<'a> H::Gate<'a>: Tab,
{
    let made = match name {
        "charge" => {
            let (holder, out) = (holder.clone(), output.clone());
            function(env, name, move |call| {
                let (now, cost) = asked::<H>(&call)?;
                Ok(holder.gate(&call)?.charge(now, cost, &out))
            })
        }
        "refund" => {
            let holder = holder.clone();
            function(env, name, move |call| {
                let (now, permits) = asked::<H>(&call)?;
                holder.gate(&call)?.refund(now, permits);
                Ok(())
            })
        }
        _ => return verb_of(env, holder, output, name),
    };
    made.map(Some)
}

/// The time and the cost of a call.
#[inline]
fn asked<H: Holder>(call: &Call<'_>) -> Result<(Option<u64>, u64)> {
    let cost = if call.given() > H::NAMED { call.get::<Permits>(H::NAMED)?.0 } else { 1 };
    Ok((time(call, H::NAMED + 1)?, cost))
}

/// The time that is given as an argument.
#[inline]
fn time(call: &Call<'_>, position: usize) -> Result<Option<u64>> {
    if call.given() > position { Ok(Some(call.get::<Time>(position)?.0)) } else { Ok(None) }
}

fn kept<'a, H: Holder>(call: &'a Call<'_>, position: usize) -> Result<&'a Kept<H>> {
    call.external::<Kept<H>>(position).map(|kept| &**kept)
}

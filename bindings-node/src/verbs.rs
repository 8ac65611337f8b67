//! The verbs of whatever holds one state, as closures that own a share of it.
//!
//! Every verb takes `(cost, now)`; a cost that is left out is 1, a time that is left out is that of the limiter's clock. A clock written in
//! JavaScript is asked by JavaScript, so what it throws needs no way through here.

use std::sync::Arc;

use napi::bindgen_prelude::{FromNapiValue, Function, FunctionCallContext, Object, ToNapiValue};
use napi::{Env, JsValue, Result, Unknown};
use tidegate::{Decision, Limiter, Refused, Slot};

use crate::number::{Nanos, Permits, Time};
use crate::output::Output;

/// One state and its verbs: a limiter, or one key of a keyed one.
pub(crate) trait Gate: Clone + 'static {
    fn now(&self) -> u64;
    fn try_acquire_at(&self, now: u64, cost: u64) -> bool;
    fn take_at(&self, now: u64, cost: u64) -> Decision;
    fn peek_at(&self, now: u64, cost: u64) -> Decision;
    fn charge_at(&self, now: u64, cost: u64) -> Decision;
    fn refund_at(&self, now: u64, permits: u64);
    fn reserve_at(&self, now: u64, cost: u64, max_wait: u64) -> std::result::Result<Slot, Refused>;
    fn cancel_at(&self, now: u64, slot: Slot);
    fn reset(&self);
}

impl Gate for Arc<Limiter> {
    #[inline]
    fn now(&self) -> u64 {
        Limiter::now(self)
    }

    #[inline]
    fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        Limiter::try_acquire_at(self, now, cost)
    }

    #[inline]
    fn take_at(&self, now: u64, cost: u64) -> Decision {
        Limiter::take_at(self, now, cost)
    }

    fn peek_at(&self, now: u64, cost: u64) -> Decision {
        Limiter::peek_at(self, now, cost)
    }

    fn charge_at(&self, now: u64, cost: u64) -> Decision {
        Limiter::charge_at(self, now, cost)
    }

    fn refund_at(&self, now: u64, permits: u64) {
        Limiter::refund_at(self, now, permits);
    }

    fn reserve_at(&self, now: u64, cost: u64, max_wait: u64) -> std::result::Result<Slot, Refused> {
        Limiter::reserve_at(self, now, cost, max_wait)
    }

    fn cancel_at(&self, now: u64, slot: Slot) {
        Limiter::cancel_at(self, now, slot);
    }

    fn reset(&self) {
        Limiter::reset(self);
    }
}

/// One verb of `gate` by its name; nothing if there is none.
pub(crate) fn verb_of<'env, G: Gate>(
    env: &'env Env,
    gate: &G,
    output: &Output,
    name: &str,
) -> Result<Option<Function<'env, (), Unknown<'env>>>> {
    let (gate, out) = (gate.clone(), output.clone());
    let made = match name {
        "tryAcquire" => closure(env, name, move |context| {
            let (now, cost) = arguments(&context, &gate)?;
            Ok(gate.try_acquire_at(now, cost))
        }),
        "take" => closure(env, name, move |context| {
            let (now, cost) = arguments(&context, &gate)?;
            Ok(out.write(&gate.take_at(now, cost)))
        }),
        "peek" => closure(env, name, move |context| {
            let (now, cost) = arguments(&context, &gate)?;
            Ok(out.write(&gate.peek_at(now, cost)))
        }),
        "charge" => closure(env, name, move |context| {
            let (now, cost) = arguments(&context, &gate)?;
            Ok(out.write(&gate.charge_at(now, cost)))
        }),
        "refund" => closure(env, name, move |context| {
            let (now, permits) = arguments(&context, &gate)?;
            gate.refund_at(now, permits);
            Ok(())
        }),
        // (cost, longest wait in nanoseconds, now)
        "reserve" => closure(env, name, move |context| {
            let (cost, longest) = (context.get::<Permits>(0)?.0, context.get::<Nanos>(1)?.0);
            let now = time(&context, 2, &gate)?;
            Ok(out.write_reserved(gate.reserve_at(now, cost, longest)))
        }),
        // (now), with the reservation in the output's words.
        "cancel" => closure(env, name, move |context| {
            let now = time(&context, 0, &gate)?;
            gate.cancel_at(now, out.read_slot());
            Ok(())
        }),
        // Milliseconds from the time to an instant in nanoseconds, 0 from then on.
        "until" => closure(env, name, move |context| {
            let at = context.get::<Time>(0)?.0;
            Ok(at.saturating_sub(time(&context, 1, &gate)?) as f64 / 1e6)
        }),
        "reset" => closure(env, name, move |_| {
            gate.reset();
            Ok(())
        }),
        _ => return Ok(None),
    };
    made.map(Some)
}

fn closure<'env, Answer: ToNapiValue + 'static>(
    env: &'env Env,
    name: &str,
    answer: impl Fn(FunctionCallContext<'_>) -> Result<Answer> + 'static,
) -> Result<Function<'env, (), Unknown<'env>>> {
    let function = env.create_function_from_closure::<(), Answer, _>(name, answer)?;
    // SAFETY: a function of this environment; what it returns is left to JavaScript.
    unsafe { Function::from_napi_value(env.raw(), function.raw()) }
}

pub(crate) fn verb<Answer: ToNapiValue + 'static>(
    env: &Env,
    object: &mut Object<'_>,
    name: &str,
    answer: impl Fn(FunctionCallContext<'_>) -> Result<Answer> + 'static,
) -> Result<()> {
    object.set(name, env.create_function_from_closure::<(), Answer, _>(name, answer)?)
}

/// The time and the cost of a call.
#[inline]
fn arguments<G: Gate>(context: &FunctionCallContext<'_>, gate: &G) -> Result<(u64, u64)> {
    let given = context.length();
    let cost = if given == 0 { 1 } else { context.get::<Permits>(0)?.0 };
    let now = if given < 2 { gate.now() } else { context.get::<Time>(1)?.0 };
    Ok((now, cost))
}

/// The time that is given as an argument, or that of the clock.
pub(crate) fn time<G: Gate>(context: &FunctionCallContext<'_>, position: usize, gate: &G) -> Result<u64> {
    if context.length() > position { Ok(context.get::<Time>(position)?.0) } else { Ok(gate.now()) }
}

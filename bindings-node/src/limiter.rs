//! A limiter as a set of closures, each of which owns a share of it.
//!
//! Every verb takes `(cost, now)`; a cost that is left out is 1, a time that is left out is that of the limiter's clock. A clock written in
//! JavaScript is asked by JavaScript, so what it throws needs no way through here.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, External, FunctionCallContext, Object, ToNapiValue};
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Algorithm, Anchor, Limiter, Quota, QuotaError, Refill};

use crate::number::{Permits, Time, range_error};
use crate::output::Output;
use crate::quota::{Refusal, refusal};

/// All that says what a limiter is.
#[napi(object, object_to_js = false)]
pub struct Options {
    /// As text.
    pub quota: String,
    /// By name; `gcra` if not said.
    pub algorithm: Option<String>,
    /// `clock` or `first-use`; what the quota says if not said.
    pub anchor: Option<String>,
    /// After the multiples of the period; goes before `anchor`.
    pub offset: Option<Time>,
    /// `continuous` or `interval`.
    pub refill: Option<String>,
    /// Permits to begin with.
    pub initial: Option<Permits>,
    /// The first reading of the clock that the verbs will be given; the limiter reads its own if not said.
    pub origin: Option<Time>,
}

/// Makes a limiter: an object of verbs, and `quota` and `algorithm` as they are in force.
#[napi(catch_unwind)]
pub fn create_limiter<'env>(
    env: &'env Env,
    output: &External<Output>,
    options: Options,
) -> Result<Either<Object<'env>, Refusal>> {
    let algorithm = match options.algorithm.as_deref().unwrap_or("gcra").parse::<Algorithm>() {
        Ok(algorithm) => algorithm,
        Err(error) => return Err(unknown(env, "algorithm", &error.to_string())),
    };
    let anchor = match (options.offset, options.anchor.as_deref()) {
        (Some(offset), _) => Some(Anchor::Offset(offset.0)),
        (None, None) => None,
        (None, Some("clock")) => Some(Anchor::Clock),
        (None, Some("first-use")) => Some(Anchor::FirstUse),
        (None, Some(_)) => return Err(unknown(env, "anchor", "expected clock, first-use or { offset }")),
    };
    let refill = match options.refill.as_deref() {
        None | Some("continuous") => Refill::Continuous,
        Some("interval") => Refill::Interval,
        Some(_) => return Err(unknown(env, "refill", "expected continuous or interval")),
    };
    match build(algorithm, anchor, refill, &options) {
        Ok(limiter) => verbs(env, Arc::new(limiter), output).map(Either::A),
        Err(error) => Ok(Either::B(refusal(&error, &options.quota))),
    }
}

fn unknown(env: &Env, option: &str, expected: &str) -> napi::Error {
    range_error(env, "ERR_INVALID_ARG_VALUE", &format!("{option}: {expected}"))
}

fn build(
    algorithm: Algorithm,
    anchor: Option<Anchor>,
    refill: Refill,
    options: &Options,
) -> std::result::Result<Limiter, QuotaError> {
    let quota: Quota = options.quota.parse()?;
    let mut builder = Limiter::builder(algorithm, quota).refill(refill);
    if let Some(anchor) = anchor {
        builder = builder.anchor(anchor);
    }
    if let Some(initial) = options.initial {
        builder = builder.initial(initial.0);
    }
    match options.origin {
        Some(origin) => builder.build_at(origin.0),
        None => builder.build(),
    }
}

fn verbs<'env>(env: &'env Env, limiter: Arc<Limiter>, output: &Output) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("quota", limiter.quota().to_string())?;
    object.set("algorithm", limiter.algorithm().name())?;
    let shared = || (Arc::clone(&limiter), output.clone());

    let (gate, _) = shared();
    verb(env, &mut object, "tryAcquire", move |context| {
        let (now, cost) = arguments(&context, &gate)?;
        Ok(gate.try_acquire_at(now, cost))
    })?;
    let (gate, out) = shared();
    verb(env, &mut object, "take", move |context| {
        let (now, cost) = arguments(&context, &gate)?;
        Ok(out.write(&gate.take_at(now, cost)))
    })?;
    let (gate, out) = shared();
    verb(env, &mut object, "peek", move |context| {
        let (now, cost) = arguments(&context, &gate)?;
        Ok(out.write(&gate.peek_at(now, cost)))
    })?;
    let (gate, out) = shared();
    verb(env, &mut object, "charge", move |context| {
        let (now, cost) = arguments(&context, &gate)?;
        Ok(out.write(&gate.charge_at(now, cost)))
    })?;
    let (gate, _) = shared();
    verb(env, &mut object, "refund", move |context| {
        let (now, permits) = arguments(&context, &gate)?;
        gate.refund_at(now, permits);
        Ok(())
    })?;
    let (gate, _) = shared();
    verb(env, &mut object, "reset", move |_| {
        gate.reset();
        Ok(())
    })?;
    Ok(object)
}

fn verb<Answer: ToNapiValue + 'static>(
    env: &Env,
    object: &mut Object<'_>,
    name: &str,
    answer: impl Fn(FunctionCallContext<'_>) -> Result<Answer> + 'static,
) -> Result<()> {
    object.set(name, env.create_function_from_closure::<(), Answer, _>(name, answer)?)
}

/// The time and the cost of a call.
#[inline]
fn arguments(context: &FunctionCallContext<'_>, limiter: &Limiter) -> Result<(u64, u64)> {
    let given = context.length();
    let cost = if given == 0 { 1 } else { context.get::<Permits>(0)?.0 };
    let now = if given < 2 { limiter.now() } else { context.get::<Time>(1)?.0 };
    Ok((now, cost))
}

//! `LimiterGroup`: several limiters at once, all or nothing. The limit that binds is told by its position.

use std::sync::Arc;

use napi::bindgen_prelude::{External, FunctionCallContext, Object};
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{GroupDecision, Limiter, LimiterGroup};

use crate::number::{Permits, Time, range_error};
use crate::output::Output;
use crate::verbs::verb;

/// Makes a group of limiters that were made here; their names are JavaScript's business.
#[napi(catch_unwind)]
pub fn create_group<'env>(
    env: &'env Env,
    output: &External<Output>,
    names: Vec<String>,
    limiters: Vec<&External<Arc<Limiter>>>,
) -> Result<Object<'env>> {
    let members = names.into_iter().zip(limiters.into_iter().map(|limiter| Arc::clone(limiter)));
    let group = match LimiterGroup::new(members) {
        Ok(group) => Arc::new(group),
        Err(error) => return Err(range_error(env, "ERR_INVALID_ARG_VALUE", &error.to_string())),
    };
    let mut object = Object::new(env)?;
    let shared = || (Arc::clone(&group), Output::clone(output));

    let (gate, _) = shared();
    verb(env, &mut object, "tryAcquire", move |context| {
        let (now, cost) = arguments(&context)?;
        Ok(match now {
            Some(now) => gate.try_acquire_at(now, cost),
            None => gate.try_acquire(cost),
        })
    })?;
    let (gate, out) = shared();
    verb(env, &mut object, "take", move |context| {
        let (now, cost) = arguments(&context)?;
        Ok(write(
            &out,
            &match now {
                Some(now) => gate.take_at(now, cost),
                None => gate.take(cost),
            },
        ))
    })?;
    let (gate, out) = shared();
    verb(env, &mut object, "peek", move |context| {
        let (now, cost) = arguments(&context)?;
        Ok(write(&out, &gate.peek_at(now.unwrap_or_else(|| gate.now()), cost)))
    })?;
    let (gate, _) = shared();
    verb(env, &mut object, "reset", move |_| {
        gate.reset();
        Ok(())
    })?;
    Ok(object)
}

fn write(output: &Output, decision: &GroupDecision<'_>) -> u32 {
    // A group has few members: the position fits.
    output.write_figures(
        decision.is_allowed(),
        decision.limit(),
        decision.remaining(),
        decision.retry_after_nanos(),
        decision.reset_after_nanos(),
    ) | (decision.binding_index() as u32) << 8
}

fn arguments(context: &FunctionCallContext<'_>) -> Result<(Option<u64>, u64)> {
    let given = context.length();
    let cost = if given == 0 { 1 } else { context.get::<Permits>(0)?.0 };
    let now = if given < 2 { None } else { Some(context.get::<Time>(1)?.0) };
    Ok((now, cost))
}

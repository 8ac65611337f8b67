//! `Backoff`: a schedule crosses as plain options for each session, and a session is one closure.

use std::cell::RefCell;
use std::time::Duration;

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::backoff::BackoffError;
use tidegate::{Backoff, Jitter};

use crate::call::method;
use crate::limiter::unknown;
use crate::number::{Permits, Time, range_error};

/// All that says what a schedule is; times as everywhere.
#[napi(object, object_to_js = false)]
pub struct BackoffOptions {
    /// `constant`, `linear`, `exponential` or `fibonacci`.
    pub schedule: String,
    /// The first delay.
    pub base: Time,
    /// Of a linear schedule.
    pub step: Option<Time>,
    /// Of an exponential one, as a decimal number.
    pub factor: Option<String>,
    /// The cap, jitter included.
    pub max: Option<Time>,
    /// `none`, `full`, `equal`, `decorrelated`; or additive, if a width is given.
    pub jitter: Option<String>,
    /// Of additive jitter.
    pub jitter_width: Option<Time>,
    /// How many delays there are.
    pub max_retries: Option<Permits>,
    /// The longest sum of the delays.
    pub max_elapsed: Option<Time>,
    /// The same one gives the same delays.
    pub seed: Option<Permits>,
}

fn span(time: Time) -> Duration {
    Duration::from_nanos(time.0)
}

fn build(env: &Env, options: &BackoffOptions) -> Result<Backoff> {
    let base = span(options.base);
    let mut backoff = match options.schedule.as_str() {
        "constant" => Backoff::constant(base),
        "linear" => Backoff::linear(base, options.step.map_or(base, span)),
        "exponential" => Backoff::exponential(base),
        "fibonacci" => Backoff::fibonacci(base),
        _ => return Err(unknown(env, "schedule", "expected constant, linear, exponential or fibonacci")),
    };
    if let Some(factor) = &options.factor {
        backoff = backoff
            .factor_decimal(factor)
            .map_err(|error: BackoffError| range_error(env, "ERR_OUT_OF_RANGE", &error.to_string()))?;
    }
    if let Some(cap) = options.max {
        backoff = backoff.max_delay(span(cap));
    }
    backoff = backoff.jitter(match (options.jitter_width, options.jitter.as_deref()) {
        (Some(width), _) => Jitter::Additive(span(width)),
        (None, None | Some("none")) => Jitter::None,
        (None, Some("full")) => Jitter::Full,
        (None, Some("equal")) => Jitter::Equal,
        (None, Some("decorrelated")) => Jitter::Decorrelated,
        (None, Some(_)) => {
            return Err(unknown(
                env,
                "jitter",
                "expected none, full, equal, decorrelated or a number of milliseconds to add",
            ));
        }
    });
    if let Some(retries) = options.max_retries {
        // More than 32 bits can count is more than anybody waits for.
        backoff = backoff.max_retries(u32::try_from(retries.0).unwrap_or(u32::MAX));
    }
    if let Some(elapsed) = options.max_elapsed {
        backoff = backoff.max_elapsed(span(elapsed));
    }
    if let Some(seed) = options.seed {
        backoff = backoff.seed(seed.0);
    }
    Ok(backoff)
}

/// Begins a session: `next(hint)` in milliseconds, -1 when it gives up.
#[napi(catch_unwind)]
pub fn start_backoff<'env>(env: &'env Env, options: BackoffOptions) -> Result<Object<'env>> {
    let session = RefCell::new(build(env, &options)?.start());
    let mut object = Object::new(env)?;
    object.set("seed", session.borrow().seed().to_string())?;
    method(env, &mut object, "next", move |call| {
        let hint = if call.given() > 0 { Some(call.get::<Time>(0)?.0) } else { None };
        Ok(session.borrow_mut().next_delay_nanos(hint).map_or(-1.0, |nanos| nanos as f64 / 1e6))
    })?;
    Ok(object)
}

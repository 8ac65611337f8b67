//! What a JavaScript value means as a number: [`Permits`], [`Nanos`], [`Time`].
//!
//! A permit count or a span is a whole number from 0 to 2^53 - 1, above which numbers skip integers, or a bigint from 0 to 2^64 - 1. A
//! time (of a clock, or an offset) is a number of milliseconds or a bigint of nanoseconds. A number of another value is a `RangeError` (`ERR_OUT_OF_RANGE`), a value of another type a `TypeError` (`ERR_INVALID_ARG_TYPE`):
//! nothing is rounded, wrapped or parsed.

use napi::bindgen_prelude::{BigInt, FromNapiValue, TypeName, ValidateNapiValue};
use napi::{Env, Error, Result, Status, Unknown, ValueType, sys};

/// `Number.MAX_SAFE_INTEGER`.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A number of permits.
#[derive(Clone, Copy)]
pub struct Permits(pub(crate) u64);

/// A span in nanoseconds.
#[derive(Clone, Copy)]
pub struct Nanos(pub(crate) u64);

/// A number of milliseconds or a bigint of nanoseconds: nanoseconds.
#[derive(Clone, Copy)]
pub struct Time(pub(crate) u64);

impl FromNapiValue for Permits {
    #[inline]
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise: a live environment and a value of it.
        unsafe { whole(env, value, "a number of permits must be") }.map(Permits)
    }
}

impl FromNapiValue for Nanos {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: as above.
        unsafe { whole(env, value, "a span in nanoseconds must be") }.map(Nanos)
    }
}

impl FromNapiValue for Time {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        const MUST: &str = "a time (of a clock, or an offset) must be milliseconds as a finite number from 0, or nanoseconds as a bigint from 0n";
        // SAFETY: as above.
        match unsafe { read(env, value) }? {
            Read::Number(millis) if millis >= 0.0 && millis.is_finite() => Ok(Time(from_millis(millis))),
            Read::Number(number) => Err(out_of_range(env, MUST, &shown(number))),
            Read::Big { negative: true, .. } => Err(out_of_range(env, MUST, "a negative bigint")),
            // Limiters read every time beyond 2^63 - 1 as that one.
            Read::Big { value, .. } => Ok(Time(value.unwrap_or(u64::MAX))),
            Read::Other(name) => Err(wrong_type(env, MUST, name)),
        }
    }
}

macro_rules! numeric {
    ($($name:ident),*) => {$(
        impl TypeName for $name {
            fn type_name() -> &'static str {
                stringify!($name)
            }

            fn value_type() -> ValueType {
                ValueType::Number
            }
        }

        impl ValidateNapiValue for $name {}
    )*};
}

numeric!(Permits, Nanos, Time);

/// To the nearest nanosecond: `performance.now()` has a fraction.
fn from_millis(millis: f64) -> u64 {
    // The casts saturate. Below 2^53 the whole part is exact, and so is the difference; above it there is no fraction.
    let whole = millis as u64;
    let fraction = ((millis - whole as f64) * NANOS_PER_MILLI as f64 + 0.5) as u64;
    whole.saturating_mul(NANOS_PER_MILLI).saturating_add(fraction)
}

/// A whole number of at least 0.
///
/// # Safety
/// `env` is live and `value` belongs to it.
#[inline]
unsafe fn whole(env: sys::napi_env, value: sys::napi_value, must: &str) -> Result<u64> {
    // SAFETY: the caller's promise.
    let read = unsafe { read(env, value) }?;
    if let Read::Number(number) = read {
        // The cast saturates, and turns NaN into 0: whatever is no whole number does not come back as itself.
        let whole = number as u64;
        if whole as f64 == number && whole <= MAX_SAFE {
            return Ok(whole);
        }
    }
    not_safe(env, read, must)
}

/// Whatever is not a safe integer.
#[cold]
fn not_safe(env: sys::napi_env, read: Read, must: &str) -> Result<u64> {
    let number = format!("{must} a whole number from 0 to 2 ** 53 - 1, or a bigint from 0n to 2n ** 64n - 1n");
    match read {
        Read::Big { negative: false, value: Some(value) } => Ok(value),
        Read::Big { negative: true, .. } => Err(out_of_range(env, &number, "a negative bigint")),
        Read::Big { value: None, .. } => Err(out_of_range(env, &number, "a bigint of more than 64 bits")),
        Read::Number(value) => Err(out_of_range(env, &number, &shown(value))),
        Read::Other(name) => Err(wrong_type(env, &number, name)),
    }
}

enum Read {
    Number(f64),
    /// `value` is `None` if it needs more than 64 bits.
    Big {
        negative: bool,
        value: Option<u64>,
    },
    /// Its type, as `typeof` says (but `null`).
    Other(&'static str),
}

/// # Safety
/// `env` is live and `value` belongs to it.
#[inline]
unsafe fn read(env: sys::napi_env, value: sys::napi_value) -> Result<Read> {
    // SAFETY: the caller's promise.
    match unsafe { f64::from_napi_value(env, value) } {
        Ok(number) => Ok(Read::Number(number)),
        // SAFETY: the caller's promise.
        Err(_) => unsafe { read_other(env, value) },
    }
}

/// # Safety
/// `env` is live and `value` belongs to it.
#[cold]
unsafe fn read_other(env: sys::napi_env, value: sys::napi_value) -> Result<Read> {
    // SAFETY: the caller's promise.
    let kind = unsafe { Unknown::from_napi_value(env, value) }?.get_type()?;
    Ok(match kind {
        ValueType::BigInt => {
            // SAFETY: the caller's promise.
            let big = unsafe { BigInt::from_napi_value(env, value) }?;
            let value = if big.words.len() <= 1 { Some(big.words.first().copied().unwrap_or(0)) } else { None };
            Read::Big { negative: big.sign_bit, value }
        }
        ValueType::Undefined => Read::Other("undefined"),
        ValueType::Null => Read::Other("null"),
        ValueType::Boolean => Read::Other("boolean"),
        ValueType::String => Read::Other("string"),
        ValueType::Symbol => Read::Other("symbol"),
        ValueType::Function => Read::Other("function"),
        _ => Read::Other("object"),
    })
}

/// A number as JavaScript writes it, or nearly.
fn shown(number: f64) -> String {
    if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else if number.abs() < 1e21 {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

fn out_of_range(env: sys::napi_env, must: &str, received: &str) -> Error {
    range_error(&Env::from_raw(env), "ERR_OUT_OF_RANGE", &format!("{must}; received {received}"))
}

pub(crate) fn wrong_type(env: sys::napi_env, must: &str, received: &str) -> Error {
    let message = format!("{must}; received {received}");
    thrown(Env::from_raw(env).throw_type_error(&message, Some("ERR_INVALID_ARG_TYPE")))
}

/// Throws a `RangeError`; what is returned says that it is on its way.
pub(crate) fn range_error(env: &Env, code: &str, message: &str) -> Error {
    thrown(env.throw_range_error(message, Some(code)))
}

fn thrown(outcome: Result<()>) -> Error {
    match outcome {
        Ok(()) => Error::from_status(Status::PendingException),
        Err(error) => error,
    }
}

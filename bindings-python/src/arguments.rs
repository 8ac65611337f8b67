//! What Python may pass: permits, nanoseconds, names and offsets, checked before anything else happens.
//!
//! Whole numbers are `int` or whatever has `__index__`; a `bool` or a `float` is a `TypeError`, because one that arrives here is a
//! mistake. A negative number is a `ValueError`. A number of permits above 2^64 - 1 needs no error: it is above every capacity,
//! as 2^64 - 1 is.

use std::time::Duration;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyFloat, PyInt, PyString};
use tidegate::{Algorithm, Anchor, Carry, Refill};

/// A whole number as far as 64 bits can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    Negative,
    Fits(u64),
    TooLarge,
}

impl Whole {
    /// The nearest number that 64 bits hold.
    pub(crate) fn or_nearest(self) -> u64 {
        match self {
            Whole::Negative => 0,
            Whole::Fits(number) => number,
            Whole::TooLarge => u64::MAX,
        }
    }
}

/// Reads a whole number.
///
/// # Errors
/// `TypeError` if it is none; what its `__index__` raises.
#[inline]
pub(crate) fn whole(value: &Bound<'_, PyAny>) -> PyResult<Whole> {
    // The usual case: an `int`, and it fits. A bool is not exactly an int.
    if value.is_exact_instance_of::<PyInt>()
        && let Ok(number) = value.extract::<u64>()
    {
        return Ok(Whole::Fits(number));
    }
    unusual(value)
}

#[cold]
fn unusual(value: &Bound<'_, PyAny>) -> PyResult<Whole> {
    if value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err("expected an int, not bool"));
    }
    match value.extract::<u64>() {
        Ok(number) => Ok(Whole::Fits(number)),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            Ok(if value.lt(0)? { Whole::Negative } else { Whole::TooLarge })
        }
        Err(error) => Err(error),
    }
}

/// As [`whole`], or `None`.
///
/// # Errors
/// As [`whole`].
pub(crate) fn whole_or_none(value: &Bound<'_, PyAny>) -> PyResult<Option<Whole>> {
    if value.is_none() { Ok(None) } else { whole(value).map(Some) }
}

/// A number of permits.
///
/// # Errors
/// `TypeError` if it is no whole number, `ValueError` if it is negative.
#[inline]
pub(crate) fn permits(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    count(value, "permits")
}

/// How many keys are remembered. What is beyond the address space is beyond its memory, too.
///
/// # Errors
/// As [`permits`].
pub(crate) fn max_keys(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    count(value, "max_keys").map(|keys| usize::try_from(keys).unwrap_or(usize::MAX))
}

/// A number that is not of permits, by its name; the nearest that 64 bits hold.
///
/// # Errors
/// As [`permits`].
pub(crate) fn count(value: &Bound<'_, PyAny>, what: &str) -> PyResult<u64> {
    match whole(value)? {
        Whole::Negative => Err(negative(what, value)),
        number => Ok(number.or_nearest()),
    }
}

/// A number of permits, or `None`.
///
/// # Errors
/// As [`permits`].
pub(crate) fn permits_or_none(value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    if value.is_none() { Ok(None) } else { permits(value).map(Some) }
}

/// A number that must be what it says: a nanosecond, a count in a decision.
///
/// # Errors
/// `TypeError` if it is no whole number, `ValueError` outside 0 to 2^64 - 1.
pub(crate) fn exact(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    match whole(value)? {
        Whole::Fits(number) => Ok(number),
        Whole::TooLarge => Err(PyValueError::new_err(format!("{value} does not fit in 64 bits"))),
        Whole::Negative => Err(negative("the number", value)),
    }
}

/// As [`exact`], or `None`.
///
/// # Errors
/// As [`exact`].
pub(crate) fn exact_or_none(value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    if value.is_none() { Ok(None) } else { exact(value).map(Some) }
}

#[cold]
fn negative(what: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!("{what} must be at least 0, not {value}"))
}

/// The name of an algorithm.
///
/// # Errors
/// `TypeError` if it is no text, `ValueError` if no algorithm has that name.
pub(crate) fn algorithm(value: &Bound<'_, PyAny>) -> PyResult<Algorithm> {
    let name = text(value)?;
    name.parse().map_err(|error| PyValueError::new_err(format!("unknown algorithm {name:?}: {error}")))
}

/// The name of a refill.
///
/// # Errors
/// As [`algorithm`].
pub(crate) fn refill(value: &Bound<'_, PyAny>) -> PyResult<Refill> {
    match text(value)?.as_str() {
        "continuous" => Ok(Refill::Continuous),
        "interval" => Ok(Refill::Interval),
        name => Err(PyValueError::new_err(format!("unknown refill {name:?}: expected continuous or interval"))),
    }
}

/// How use is carried over to another quota.
///
/// # Errors
/// As [`algorithm`].
pub(crate) fn carry(value: &Bound<'_, PyAny>) -> PyResult<Carry> {
    match text(value)?.as_str() {
        "keep" | "time" => Ok(Carry::Time),
        "permits" => Ok(Carry::Permits),
        "proportional" => Ok(Carry::Proportional),
        "reset" => Ok(Carry::Reset),
        name => Err(PyValueError::new_err(format!(
            "unknown carry {name:?}: expected time (or keep), permits, proportional or reset"
        ))),
    }
}

/// The text of [`refill`].
pub(crate) fn refill_name(refill: Refill) -> &'static str {
    match refill {
        Refill::Interval => "interval",
        _ => "continuous",
    }
}

/// `"clock"`, `"first-use"`, or an offset in seconds (a number or a `timedelta`). `None` leaves it to the quota.
///
/// # Errors
/// `TypeError` for another type, `ValueError` for another name, for NaN, and for an offset that is negative or beyond 64 bits of
/// nanoseconds.
pub(crate) fn anchor(value: &Bound<'_, PyAny>) -> PyResult<Option<Anchor>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.is_instance_of::<PyString>() {
        return named_anchor(value).map(Some);
    }
    match span(value, "the offset")? {
        Some(Span::Nanos(nanos)) => Ok(Some(Anchor::Offset(nanos))),
        Some(Span::TooLong) => Err(too_far("the offset", value)),
        None => Err(PyTypeError::new_err(format!(
            "an anchor is \"clock\", \"first-use\" or an offset in seconds (a number or a timedelta), not {}",
            value.get_type().name()?
        ))),
    }
}

/// A span of time of at least 0.
enum Span {
    Nanos(u64),
    TooLong,
}

/// Seconds as a number, or a `timedelta`; `None` if it is neither.
///
/// # Errors
/// `ValueError` if it is negative or NaN.
fn span(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Option<Span>> {
    if value.is_instance_of::<PyDelta>() {
        // Fails for a negative span only.
        let span: Duration = value.extract().map_err(|_| negative(what, value))?;
        return Ok(Some(u64::try_from(span.as_nanos()).map_or(Span::TooLong, Span::Nanos)));
    }
    if value.is_instance_of::<PyFloat>() {
        let nanos = (value.extract::<f64>()? * 1e9).round_ties_even();
        if nanos.is_nan() {
            return Err(PyValueError::new_err(format!("{what} must be a number, not nan")));
        }
        if nanos < 0.0 {
            return Err(negative(what, value));
        }
        // 2^64 as a float is exact; everything below it fits.
        return Ok(Some(if nanos >= 18_446_744_073_709_551_616.0 { Span::TooLong } else { Span::Nanos(nanos as u64) }));
    }
    match whole(value) {
        Ok(Whole::Fits(n)) => Ok(Some(n.checked_mul(1_000_000_000).map_or(Span::TooLong, Span::Nanos))),
        Ok(Whole::TooLarge) => Ok(Some(Span::TooLong)),
        Ok(Whole::Negative) => Err(negative(what, value)),
        Err(error) if !error.is_instance_of::<PyTypeError>(value.py()) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The longest wait, in nanoseconds: seconds as a number, or a `timedelta`. `None`, and what is beyond 64 bits (584 years), is no bound.
///
/// # Errors
/// `TypeError` for another type, `ValueError` if it is negative or NaN.
pub(crate) fn longest(value: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    value.map_or(Ok(u64::MAX), |value| duration(value, "the longest wait"))
}

/// As [`longest`], or the same in whole nanoseconds, but not both.
///
/// # Errors
/// As [`longest`]; `TypeError` for both.
pub(crate) fn longest_or_nanos(value: Option<&Bound<'_, PyAny>>, nanos: Option<&Bound<'_, PyAny>>) -> PyResult<u64> {
    match (value, nanos) {
        (value, None) => longest(value),
        (None, Some(nanos)) => permits(nanos),
        _ => Err(PyTypeError::new_err("the longest wait was given twice: in seconds and in nanoseconds")),
    }
}

/// A duration in nanoseconds, at most 2^64 - 1: seconds as a number, or a `timedelta`.
///
/// # Errors
/// As [`longest`].
pub(crate) fn duration(value: &Bound<'_, PyAny>, what: &str) -> PyResult<u64> {
    match span(value, what)? {
        Some(Span::Nanos(nanos)) => Ok(nanos),
        Some(Span::TooLong) => Ok(u64::MAX),
        None => Err(PyTypeError::new_err(format!(
            "{what} is a number of seconds or a timedelta, not {}",
            value.get_type().name()?
        ))),
    }
}

/// A span of time as float seconds, for what sleeps in Python.
///
/// # Errors
/// As [`longest`].
#[pyfunction]
pub(crate) fn _seconds(span: &Bound<'_, PyAny>) -> PyResult<f64> {
    longest(Some(span)).map(crate::decision::seconds)
}

/// `"clock"` or `"first-use"`.
///
/// # Errors
/// `TypeError` if it is no text, `ValueError` for another name.
pub(crate) fn named_anchor(value: &Bound<'_, PyAny>) -> PyResult<Anchor> {
    match text(value)?.as_str() {
        "clock" => Ok(Anchor::Clock),
        "first-use" => Ok(Anchor::FirstUse),
        name => Err(PyValueError::new_err(format!("unknown anchor {name:?}: expected clock or first-use"))),
    }
}

#[cold]
fn too_far(what: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!("{what} of {value} is beyond 64 bits of nanoseconds (584 years)"))
}

/// A text. What UTF-8 cannot say (a lone surrogate) becomes a mark that no name and no quota contains.
///
/// # Errors
/// `TypeError` if it is no `str`.
pub(crate) fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(value.cast::<PyString>()?.to_string_lossy().into_owned())
}

//! `Decision` for Python: a frozen value, in nanoseconds and in seconds.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};

use crate::arguments::{exact, exact_or_none};

/// What a limiter answered. True when allowed.
///
/// Times exist twice: in float seconds, rounded up where a float cannot say them, and exactly in int nanoseconds (`_ns`).
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Decision {
    /// Whether the call may go ahead. What it cost has then been spent (by `take` and `charge`, not by `peek`).
    #[pyo3(get)]
    pub(crate) allowed: bool,
    /// The capacity: the burst of a bucket, the limit of a window. Permits.
    #[pyo3(get)]
    pub(crate) limit: u64,
    /// The largest cost that would be allowed right after this decision, at the same time. Permits.
    #[pyo3(get)]
    pub(crate) remaining: u64,
    /// As `retry_after`, in whole nanoseconds.
    #[pyo3(get)]
    pub(crate) retry_after_ns: Option<u64>,
    /// As `reset_after`, in whole nanoseconds.
    #[pyo3(get)]
    pub(crate) reset_after_ns: u64,
    binding: Option<Box<str>>,
}

impl From<&tidegate::GroupDecision<'_>> for Decision {
    fn from(decision: &tidegate::GroupDecision<'_>) -> Decision {
        Decision {
            allowed: decision.is_allowed(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after_ns: decision.retry_after_nanos(),
            reset_after_ns: decision.reset_after_nanos(),
            binding: decision.binding().map(Box::from),
        }
    }
}

impl From<tidegate::Decision> for Decision {
    #[inline]
    fn from(decision: tidegate::Decision) -> Decision {
        Decision {
            allowed: decision.is_allowed(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after_ns: decision.retry_after_nanos(),
            reset_after_ns: decision.reset_after_nanos(),
            binding: None,
        }
    }
}

#[pymethods]
impl Decision {
    #[new]
    #[pyo3(signature = (allowed, limit, remaining, retry_after_ns, reset_after_ns, binding=None))]
    fn new(
        allowed: Bound<'_, PyBool>,
        #[pyo3(from_py_with = exact)] limit: u64,
        #[pyo3(from_py_with = exact)] remaining: u64,
        #[pyo3(from_py_with = exact_or_none)] retry_after_ns: Option<u64>,
        #[pyo3(from_py_with = exact)] reset_after_ns: u64,
        binding: Option<Bound<'_, PyString>>,
    ) -> PyResult<Decision> {
        let binding = binding.map(|name| name.to_str().map(Box::from)).transpose()?;
        Ok(Decision { allowed: allowed.is_true(), limit, remaining, retry_after_ns, reset_after_ns, binding })
    }

    /// Seconds to wait until the same call is allowed, if nobody else calls. 0.0 if this one was; None means never.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns.map(seconds)
    }

    /// Seconds until the limiter is as good as new, if nobody else calls.
    #[getter]
    fn reset_after(&self) -> f64 {
        seconds(self.reset_after_ns)
    }

    /// Of a group: the name of the limit that binds (denied: the longest wait; allowed: the least share left). Otherwise None.
    #[getter]
    fn binding(&self) -> Option<&str> {
        self.binding.as_deref()
    }

    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __repr__(&self) -> String {
        let binding = self.binding.as_ref().map_or_else(String::new, |name| format!(", binding={name:?}"));
        format!(
            "Decision(allowed={}, limit={}, remaining={}, retry_after_ns={}, reset_after_ns={}{binding})",
            if self.allowed { "True" } else { "False" },
            self.limit,
            self.remaining,
            self.retry_after_ns.map_or_else(|| "None".to_owned(), grouped),
            grouped(self.reset_after_ns),
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let Decision { allowed, limit, remaining, retry_after_ns, reset_after_ns, binding } = slf.get().clone();
        let binding = binding.as_deref();
        let arguments = (allowed, limit, remaining, retry_after_ns, reset_after_ns, binding).into_pyobject(slf.py())?;
        Ok((slf.get_type().into_any(), arguments))
    }
}

/// Nanoseconds as seconds: the nearest float, or above it where floats lie more than a nanosecond apart (2^53 ns, 104 days), so that
/// a wait for it does not end early.
pub(crate) fn seconds(nanos: u64) -> f64 {
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if nanos < 1 << 53 {
        return nanos as f64 / 1e9;
    }
    // At most 2^35 seconds: exact.
    let seconds = whole as f64 + rest as f64 / 1e9;
    if rest == 0 { seconds } else { seconds.next_up() }
}

/// Digits in groups of three, as Python writes and reads them.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

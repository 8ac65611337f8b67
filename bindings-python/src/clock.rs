//! A clock of the caller's own: any callable that takes nothing and returns whole nanoseconds.
//!
//! It is read before the limiter is asked, so whatever it raises leaves the limiter as it was and reaches the caller unchanged.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::arguments::{Whole, whole};

/// A callable `() -> int`.
#[derive(Debug)]
pub(crate) struct Clock(Py<PyAny>);

impl Clock {
    /// # Errors
    /// `TypeError` if it cannot be called.
    pub(crate) fn new(callable: Bound<'_, PyAny>) -> PyResult<Clock> {
        if callable.is_callable() {
            return Ok(Clock(callable.unbind()));
        }
        let kind = callable.get_type();
        Err(PyTypeError::new_err(format!("a clock is a callable that returns nanoseconds, not {}", kind.name()?)))
    }

    /// The time in nanoseconds.
    ///
    /// # Errors
    /// What the clock raises; `TypeError` if it returns no whole number, `ValueError` outside 0 to 2^64 - 1.
    #[inline]
    pub(crate) fn read(&self, py: Python<'_>) -> PyResult<u64> {
        let time = self.0.bind(py).call0()?;
        match whole(&time) {
            Ok(Whole::Fits(nanos)) => Ok(nanos),
            Ok(Whole::Negative | Whole::TooLarge) => Err(out_of_range(&time)),
            Err(error) if error.is_instance_of::<PyTypeError>(py) => Err(not_whole(&time)),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Clock {
        Clock(self.0.clone_ref(py))
    }

    pub(crate) fn callable<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.0.bind(py)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

#[cold]
fn out_of_range(time: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!("the clock must return nanoseconds from 0 to 2**64 - 1, not {time}"))
}

#[cold]
fn not_whole(time: &Bound<'_, PyAny>) -> PyErr {
    match time.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("the clock must return an int of nanoseconds, not {kind}")),
        Err(error) => error,
    }
}

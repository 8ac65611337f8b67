//! `Reservation` for Python: permits booked for an instant, given back at most once.
//!
//! The sleeping is Python's (`tidegate/_waiting.py`): `time.sleep` answers Ctrl-C at once and `asyncio.sleep` belongs to the loop.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBool;
use tidegate::{Refusal, Refused, Slot};

use crate::decision::seconds;
use crate::errors;
use crate::keyed::KeyedLimiter;
use crate::limiter::Limiter;

/// Whose permits they are.
#[derive(Debug)]
pub(crate) enum Booked {
    Limiter(Py<Limiter>),
    Keyed(Py<KeyedLimiter>, Box<[u8]>),
}

/// Permits booked for an instant ahead: wait until then, or cancel. Made by `reserve`.
///
/// Dropping it keeps the permits booked.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Reservation {
    booked: Booked,
    slot: Mutex<Option<Slot>>,
    at_ns: u64,
    n: u64,
}

impl Reservation {
    pub(crate) fn new(booked: Booked, slot: Slot) -> Reservation {
        Reservation { at_ns: slot.at_nanos(), n: slot.cost(), slot: Mutex::new(Some(slot)), booked }
    }

    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.booked {
            Booked::Limiter(limiter) => limiter.get().now(py),
            Booked::Keyed(limiter, _) => limiter.get().now(py),
        }
    }
}

#[pymethods]
impl Reservation {
    /// The instant from which the permits may be used, in nanoseconds of the limiter's clock.
    #[getter]
    fn at_ns(&self) -> u64 {
        self.at_ns
    }

    /// How many permits.
    #[getter]
    fn n(&self) -> u64 {
        self.n
    }

    /// Seconds from now until the instant, by the limiter's clock; 0.0 from then on.
    #[getter]
    fn wait(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(seconds(self.wait_ns(py)?))
    }

    /// As `wait`, in whole nanoseconds.
    #[getter]
    fn wait_ns(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.at_ns.saturating_sub(self.now(py)?))
    }

    /// Whether it has been cancelled.
    #[getter]
    fn cancelled(&self) -> bool {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Give the permits back, as far as nobody else relies on them. Whether this call did; later calls do nothing.
    fn cancel(&self, py: Python<'_>) -> PyResult<bool> {
        // The clock first: what it raises leaves the reservation as it was.
        let now = self.now(py)?;
        let Some(slot) = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(false);
        };
        match &self.booked {
            Booked::Limiter(limiter) => limiter.get().core().cancel_at(now, slot),
            Booked::Keyed(limiter, key) => limiter.get().core().cancel_at(key, now, slot),
        }
        Ok(true)
    }

    fn __repr__(&self) -> String {
        let state = if self.cancelled() { ", cancelled" } else { "" };
        format!("<Reservation of {} at {} ns{state}>", self.n, self.at_ns)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a reservation cannot be pickled or copied: its permits belong to one limiter"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.booked {
            Booked::Limiter(limiter) => visit.call(limiter),
            Booked::Keyed(limiter, _) => visit.call(limiter),
        }
    }
}

/// What `reserve` raises: `ValueError` for what can never be, `RateLimitExceeded` with the denied decision otherwise.
pub(crate) fn refusal(refused: Refused) -> PyErr {
    match refused.refusal() {
        Refusal::Never => PyValueError::new_err(refused.to_string()),
        _ => errors::exceeded(refused.to_string(), refused.decision().into()),
    }
}

/// What `acquire` goes on with: True (go ahead), False (it would take too long), or the reservation to wait for.
///
/// # Errors
/// `ValueError` for what can never be; `RateLimitExceeded` where no reservation can be kept, whatever the timeout.
pub(crate) fn queued(
    py: Python<'_>,
    reserved: Result<Slot, Refused>,
    now: u64,
    booked: impl FnOnce() -> Booked,
) -> PyResult<Py<PyAny>> {
    let answer = |yes| PyBool::new(py, yes).to_owned().into_any().unbind();
    match reserved {
        Ok(slot) if slot.at_nanos() <= now => Ok(answer(true)),
        Ok(slot) => Ok(Py::new(py, Reservation::new(booked(), slot))?.into_any()),
        Err(refused) if refused.refusal() == Refusal::WaitTooLong => Ok(answer(false)),
        Err(refused) => Err(refusal(refused)),
    }
}

//! `Reservation` for Python: permits booked for an instant, given back at most once.
//!
//! The sleeping is Python's (`tidegate/_waiting.py`): `time.sleep` answers Ctrl-C at once and `asyncio.sleep` belongs to the loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBool;
use tidegate::{GroupRefused, GroupSlot, Refusal, Refused, Slot};

use crate::arguments;
use crate::decision::{Decision, seconds};
use crate::errors;
use crate::group::LimiterGroup;
use crate::keyed::KeyedLimiter;
use crate::keyed_group::KeyedLimiterGroup;
use crate::limiter::Limiter;

/// Whose permits they are.
#[derive(Debug)]
pub(crate) enum Booked {
    Limiter(Py<Limiter>),
    Keyed(Py<KeyedLimiter>, Box<[u8]>),
    Group(Py<LimiterGroup>),
    KeyedGroup(Py<KeyedLimiterGroup>, Box<[u8]>),
}

/// Where they are booked.
#[derive(Debug)]
enum Place {
    One(Slot),
    Group(Box<GroupSlot>, u64),
}

impl Place {
    fn at_ns(&self) -> u64 {
        match self {
            Place::One(slot) => slot.at_nanos(),
            Place::Group(slot, _) => slot.at_nanos(),
        }
    }

    fn n(&self) -> u64 {
        match self {
            Place::One(slot) => slot.cost(),
            Place::Group(_, n) => *n,
        }
    }
}

/// What has become of them. Cancelled or settled once.
#[derive(Debug)]
enum State {
    Booked(Place),
    Cancelled,
    Settled,
}

/// Why nothing was booked.
struct Denied {
    refusal: Refusal,
    message: String,
    decision: Decision,
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Denied {
        let (refusal, message) = (refused.refusal(), refused.to_string());
        Denied { refusal, message, decision: refused.decision().into() }
    }
}

impl From<GroupRefused<'_>> for Denied {
    fn from(refused: GroupRefused<'_>) -> Denied {
        let (refusal, message) = (refused.refusal(), refused.to_string());
        Denied { refusal, message, decision: refused.decision().into() }
    }
}

/// `ValueError` for what can never be, `RateLimitExceeded` with the denied decision otherwise.
impl From<Denied> for PyErr {
    fn from(denied: Denied) -> PyErr {
        match denied.refusal {
            Refusal::Never => PyValueError::new_err(denied.message),
            _ => errors::exceeded(denied.message, denied.decision),
        }
    }
}

/// Permits booked for an instant ahead: wait until then, or cancel; or settle what it has really cost. Made by `reserve`.
///
/// Dropping it keeps the permits booked.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Reservation {
    booked: Booked,
    state: Mutex<State>,
    /// Of `acquire`, until its wait is over: wherever an interrupt strikes, whoever does not come to the end of it gives it back.
    waits: AtomicBool,
    at_ns: u64,
    n: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if *self.waits.get_mut() {
            // What a clock raises here reaches nobody; the permits then stay booked.
            Python::try_attach(|py| {
                let _ = self.cancel(py);
            });
        }
    }
}

impl Reservation {
    fn new(booked: Booked, place: Place) -> Reservation {
        let (at_ns, n) = (place.at_ns(), place.n());
        Reservation { state: Mutex::new(State::Booked(place)), booked, waits: AtomicBool::new(false), at_ns, n }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place, to whoever is first.
    fn leave(&self, after: State) -> Option<Place> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, after) {
            State::Booked(place) => Some(place),
            earlier => {
                *state = earlier;
                None
            }
        }
    }

    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.booked {
            Booked::Limiter(limiter) => limiter.get().now(py),
            Booked::Keyed(limiter, _) => limiter.get().now(py),
            Booked::Group(group) => group.get().now(py),
            Booked::KeyedGroup(group, _) => group.get().now(py),
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
        let wait = self.at_ns.saturating_sub(self.now(py)?);
        if wait == 0 {
            self.waits.store(false, Ordering::Relaxed);
        }
        Ok(wait)
    }

    /// Whether it has been cancelled.
    #[getter]
    fn cancelled(&self) -> bool {
        matches!(*self.state(), State::Cancelled)
    }

    /// Give the permits back, as far as nobody else relies on them. Whether this call did; later calls do nothing.
    fn cancel(&self, py: Python<'_>) -> PyResult<bool> {
        // The clock first: what it raises leaves the reservation as it was.
        let now = self.now(py)?;
        let Some(place) = self.leave(State::Cancelled) else { return Ok(false) };
        match (&self.booked, place) {
            (Booked::Limiter(limiter), Place::One(slot)) => limiter.get().core().cancel_at(now, slot),
            (Booked::Keyed(limiter, key), Place::One(slot)) => limiter.get().core().cancel_at(key, now, slot),
            (Booked::Group(group), Place::Group(slot, _)) => group.get().core().cancel_at(now, *slot),
            (Booked::KeyedGroup(group, key), Place::Group(slot, _)) => group.get().core().cancel_at(key, now, *slot),
            // A place is of the kind of its owner.
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Say what it has really cost, in place of cancel: permits that were booked and not used come back, further ones are charged (see `charge`).
    ///
    /// The decision of what further ones cost: if it is denied, they were not charged. Raises ValueError if it has been cancelled or settled before.
    fn settle(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] actual: u64) -> PyResult<Decision> {
        let now = self.now(py)?;
        let place = self.leave(State::Settled);
        match (&self.booked, place) {
            (Booked::Limiter(limiter), Some(Place::One(slot))) => {
                Ok(limiter.get().core().settle_at(now, slot, actual).into())
            }
            (Booked::Keyed(limiter, key), Some(Place::One(slot))) => {
                Ok(limiter.get().core().settle_at(key, now, slot, actual).into())
            }
            (Booked::Group(group), Some(Place::Group(slot, _))) => {
                Ok((&group.get().core().settle_at(now, *slot, actual)).into())
            }
            (Booked::KeyedGroup(group, key), Some(Place::Group(slot, _))) => {
                Ok((&group.get().core().settle_at(key, now, *slot, actual)).into())
            }
            _ => Err(PyValueError::new_err("the reservation has been cancelled or settled before")),
        }
    }

    fn __repr__(&self) -> String {
        let state = match *self.state() {
            State::Booked(_) => "",
            State::Cancelled => ", cancelled",
            State::Settled => ", settled",
        };
        format!("<Reservation of {} at {} ns{state}>", self.n, self.at_ns)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a reservation cannot be pickled or copied: its permits belong to one limiter"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match &self.booked {
            Booked::Limiter(limiter) => visit.call(limiter),
            Booked::Keyed(limiter, _) => visit.call(limiter),
            Booked::Group(group) => visit.call(group),
            Booked::KeyedGroup(group, _) => visit.call(group),
        }
    }
}

/// What a limiter answered to whoever wants to book, and the time at which it was asked.
pub(crate) struct Booking {
    now: u64,
    place: Result<Place, Denied>,
}

impl Booking {
    pub(crate) fn one(now: u64, slot: Result<Slot, Refused>) -> Booking {
        Booking { now, place: slot.map(Place::One).map_err(Denied::from) }
    }

    pub(crate) fn group(now: u64, n: u64, slot: Result<GroupSlot, GroupRefused<'_>>) -> Booking {
        Booking { now, place: slot.map(|slot| Place::Group(Box::new(slot), n)).map_err(Denied::from) }
    }

    /// What `reserve` returns.
    ///
    /// # Errors
    /// `ValueError` for what can never be, `RateLimitExceeded` if the wait would be too long.
    pub(crate) fn reserved(self, booked: Booked) -> PyResult<Reservation> {
        Ok(Reservation::new(booked, self.place?))
    }

    /// What `acquire` goes on with: True (go ahead), False (it would take too long), or the reservation to wait for.
    ///
    /// # Errors
    /// `ValueError` for what can never be; `RateLimitExceeded` where no reservation can be kept, whatever the timeout.
    pub(crate) fn queued(self, py: Python<'_>, booked: impl FnOnce() -> Booked) -> PyResult<Py<PyAny>> {
        let answer = |yes| PyBool::new(py, yes).to_owned().into_any().unbind();
        match self.place {
            Ok(place) if place.at_ns() <= self.now => Ok(answer(true)),
            Ok(place) => {
                let mut reservation = Reservation::new(booked(), place);
                *reservation.waits.get_mut() = true;
                Ok(Py::new(py, reservation)?.into_any())
            }
            Err(denied) if denied.refusal == Refusal::WaitTooLong => Ok(answer(false)),
            Err(denied) => Err(denied.into()),
        }
    }
}

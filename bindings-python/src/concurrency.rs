//! `Concurrency` for Python: at most so many in flight.
//!
//! Who waits stands in the core's line; the sleeping is Python's (`tidegate/_concurrency.py`), woken by a callable that must be safe to call from
//! any thread and from a finalizer: `SimpleQueue.put`, `loop.call_soon_threadsafe`.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tidegate::{Enter, EnterError};

use crate::arguments;

/// At most `limit` permits in flight at once, whatever the rate; from 1 to 2**31 - 1.
///
/// First come, first served: while anyone waits nobody who came later passes, however few permits it wants. Threads and event loops may share it.
#[pyclass(frozen, subclass, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Concurrency {
    limit: Arc<tidegate::Concurrency>,
    /// What `with` holds. Single permits are alike, so whoever leaves gives back any of them.
    held: Mutex<Vec<tidegate::Permit<'static>>>,
}

/// Permits in flight, given back by `release`, at the end of a `with`, or when nobody holds the object any more; exactly once.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Permit {
    permit: Mutex<Option<tidegate::Permit<'static>>>,
    n: u64,
}

/// A place in line; leaves it when closed or dropped.
#[pyclass(frozen, name = "_Entering", module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Entering(Mutex<Option<Enter<'static>>>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn never(error: EnterError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

impl Permit {
    fn of(permit: tidegate::Permit<'static>) -> Permit {
        Permit { n: permit.permits(), permit: Mutex::new(Some(permit)) }
    }
}

#[pymethods]
impl Concurrency {
    #[new]
    fn new(#[pyo3(from_py_with = arguments::permits)] limit: u64) -> PyResult<Concurrency> {
        let limit = tidegate::Concurrency::new(limit).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Concurrency { limit: Arc::new(limit), held: Mutex::new(Vec::new()) })
    }

    /// n permits if they are free now and nobody waits for them, or else None. More than the limit never are.
    #[pyo3(signature = (n=1))]
    fn try_enter(&self, #[pyo3(from_py_with = arguments::permits)] n: u64) -> Option<Permit> {
        self.limit.try_enter_owned(n).map(Permit::of)
    }

    /// A place in line for n permits. Raises ValueError for more than the limit.
    fn _entering(&self, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Entering> {
        let limit = self.limit.limit();
        if n > limit {
            return Err(never(EnterError::TooMany { permits: n, limit }));
        }
        Ok(Entering(Mutex::new(Some(self.limit.enter_owned_async(n)))))
    }

    /// Keeps a permit for the end of a `with`.
    fn _hold(&self, permit: &Bound<'_, Permit>) {
        let permit = locked(&permit.get().permit).take();
        locked(&self.held).extend(permit);
    }

    /// The end of a `with`.
    fn _leave(&self) {
        let permit = locked(&self.held).pop();
        // Outside the lock: it may wake somebody.
        drop(permit);
    }

    /// Change the limit. Whoever waits and fits enters; nobody is thrown out.
    fn set_limit(&self, #[pyo3(from_py_with = arguments::permits)] limit: u64) -> PyResult<()> {
        self.limit.set_limit(limit).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The limit in force.
    #[getter]
    fn limit(&self) -> u64 {
        self.limit.limit()
    }

    /// Permits in flight now; more than the limit for a while after it was lowered.
    #[getter]
    fn in_flight(&self) -> u64 {
        self.limit.in_flight()
    }

    fn __repr__(&self) -> String {
        format!("<Concurrency of {}, {} in flight>", self.limit(), self.in_flight())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a concurrency limit cannot be pickled or copied: its permits belong to this process"))
    }
}

#[pymethods]
impl Permit {
    /// How many permits.
    #[getter]
    fn n(&self) -> u64 {
        self.n
    }

    /// Give the permits back. Whether this call did; later calls do nothing.
    fn release(&self) -> bool {
        let permit = locked(&self.permit).take();
        permit.is_some()
    }

    /// Whether they have been given back.
    #[getter]
    fn released(&self) -> bool {
        locked(&self.permit).is_none()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyAny>) {
        self.release();
    }

    fn __repr__(&self) -> String {
        format!("<Permit of {}{}>", self.n, if self.released() { ", released" } else { "" })
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a permit cannot be pickled or copied: there is one"))
    }
}

struct Call(Py<PyAny>);

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Nobody waits in an interpreter that is shutting down. What a closed loop raises reaches nobody: its tasks are gone.
        Python::try_attach(|py| {
            let _ = self.0.call0(py);
        });
    }
}

#[pymethods]
impl Entering {
    /// The permit if the turn has come; otherwise None, and `wake` is called when it has.
    ///
    /// Raises ValueError if the limit has become smaller than n.
    fn poll(&self, wake: Bound<'_, PyAny>) -> PyResult<Option<Permit>> {
        let waker = Waker::from(Arc::new(Call(wake.unbind())));
        let mut place = locked(&self.0);
        let Some(entering) = place.as_mut() else { return Ok(None) };
        match Pin::new(entering).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => Ok(None),
            Poll::Ready(Ok(permit)) => Ok(Some(Permit::of(permit))),
            Poll::Ready(Err(error)) => Err(never(error)),
        }
    }

    /// Leave the line; what was given in the meantime goes to the next.
    fn close(&self) {
        let entering = locked(&self.0).take();
        drop(entering);
    }
}

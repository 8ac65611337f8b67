//! `Limiter` for Python: each verb reads the clock, asks the core, and converts the answer.
//!
//! No verb releases the GIL: a step of the core takes less time than that does, and it never waits.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use tidegate::{Algorithm, Anchor, Carry, ReconfigureError, Refill};

use crate::arguments;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::errors;
use crate::quota::{self, Quota};
use crate::repr::{self, Repr};
use crate::reservation::{Booked, Booking, Reservation};

/// A rate limiter: one quota under one algorithm.
///
/// quota: a text such as "300/min burst 50", or a Quota.
/// algorithm: "gcra", "token-bucket", "fixed-window", "sliding-window" or "sliding-log".
/// anchor: where windows begin: "clock" (the multiples of the period), seconds after those as a number or a timedelta, or
///     "first-use". None leaves it to the quota, whose text may end in "offset 5min" or "from first use".
/// refill: of a token bucket, "continuous" or "interval".
/// initial: how many permits a token bucket begins with; None: as many as it holds.
/// clock: a callable that returns int nanoseconds. None: the system's monotonic clock, set to Unix time once.
///
/// Raises QuotaError (a ValueError) for a quota that means nothing or that the algorithm cannot hold, ValueError for an unknown name
/// or a negative number, TypeError for a wrong type, and whatever the clock raises: it is read once here, and once in every verb.
///
/// Threads may share a limiter: each verb is one atomic step. A verb that raises has changed nothing.
#[pyclass(frozen, subclass, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Limiter {
    limiter: Arc<tidegate::Limiter>,
    clock: Option<Clock>,
    // For `__repr__`: the core keeps what follows from them.
    refill: Refill,
    initial: Option<u64>,
}

impl Limiter {
    pub(crate) fn core(&self) -> &Arc<tidegate::Limiter> {
        &self.limiter
    }

    pub(crate) fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    #[inline]
    pub(crate) fn now(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.clock {
            None => Ok(self.limiter.now()),
            Some(clock) => clock.read(py),
        }
    }

    fn book(&self, py: Python<'_>, n: u64, longest: u64) -> PyResult<Booking> {
        let now = self.now(py)?;
        Ok(Booking::one(now, self.limiter.reserve_at(now, n, longest)))
    }
}

#[pymethods]
impl Limiter {
    #[new]
    #[pyo3(
        signature = (
            quota, algorithm=Algorithm::Gcra, *,
            anchor=None, refill=Refill::Continuous, initial=None, clock=None
        ),
        text_signature = "(quota, algorithm='gcra', *, anchor=None, refill='continuous', initial=None, clock=None)"
    )]
    fn new(
        #[pyo3(from_py_with = quota::quota)] quota: tidegate::Quota,
        #[pyo3(from_py_with = arguments::algorithm)] algorithm: Algorithm,
        #[pyo3(from_py_with = arguments::anchor)] anchor: Option<Anchor>,
        #[pyo3(from_py_with = arguments::refill)] refill: Refill,
        #[pyo3(from_py_with = arguments::permits_or_none)] initial: Option<u64>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Limiter> {
        let mut builder = tidegate::Limiter::builder(algorithm, quota).refill(refill);
        if let Some(anchor) = anchor {
            builder = builder.anchor(anchor);
        }
        if let Some(initial) = initial {
            builder = builder.initial(initial);
        }
        let Some(clock) = clock else {
            let limiter = builder.build().map_err(errors::refused)?;
            return Ok(Limiter { limiter: Arc::new(limiter), clock: None, refill, initial });
        };
        let py = clock.py();
        let clock = Clock::new(clock)?;
        let limiter = builder.build_at(clock.read(py)?).map_err(errors::refused)?;
        Ok(Limiter { limiter: Arc::new(limiter), clock: Some(clock), refill, initial })
    }

    /// Spend n permits if they fit; whether they did.
    ///
    /// n = 0 is always allowed; n above the capacity never is. Being denied is an answer, not an exception.
    #[pyo3(signature = (n=1))]
    fn try_acquire(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<bool> {
        let now = self.now(py)?;
        Ok(self.limiter.try_acquire_at(now, n))
    }

    /// Spend n permits if they fit, and say everything about it.
    #[pyo3(signature = (n=1))]
    fn take(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(py)?;
        Ok(self.limiter.take_at(now, n).into())
    }

    /// What take would answer, without spending.
    #[pyo3(signature = (n=1))]
    fn peek(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(py)?;
        Ok(self.limiter.peek_at(now, n).into())
    }

    /// Give back up to n permits of what is owed; never more than the capacity comes of it.
    fn refund(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<()> {
        let now = self.now(py)?;
        self.limiter.refund_at(now, n);
        Ok(())
    }

    /// Spend n permits although they do not fit, into a debt of at most one more capacity.
    ///
    /// Allowed means spent; retry_after is then how long to pause until the debt is paid. Denied means that nothing was spent.
    fn charge(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(py)?;
        Ok(self.limiter.charge_at(now, n).into())
    }

    /// As new and full.
    fn reset(&self) {
        self.limiter.reset();
    }

    /// Book n permits for the earliest instant at which they fit, at most max_wait seconds ahead (None: however far), or max_wait_ns nanoseconds.
    ///
    /// First come, first served. Raises ValueError if n can never fit, RateLimitExceeded if the wait would be longer; nothing is then booked.
    #[pyo3(
        signature = (n=1, max_wait=None, *, max_wait_ns=None),
        text_signature = "($self, n=1, max_wait=None, *, max_wait_ns=None)"
    )]
    fn reserve(
        slf: &Bound<'_, Self>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        max_wait: Option<Bound<'_, PyAny>>,
        max_wait_ns: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Reservation> {
        let longest = arguments::longest_or_nanos(max_wait.as_ref(), max_wait_ns.as_ref())?;
        slf.get().book(slf.py(), n, longest)?.reserved(Booked::Limiter(slf.clone().unbind()))
    }

    /// The first half of acquire: True, False, or the reservation to wait for.
    #[pyo3(signature = (n, timeout))]
    fn _queue(
        slf: &Bound<'_, Self>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let longest = arguments::longest(timeout.as_ref())?;
        slf.get().book(slf.py(), n, longest)?.queued(slf.py(), || Booked::Limiter(slf.clone().unbind()))
    }

    /// Put another quota in force; the algorithm stays.
    ///
    /// carry: what becomes of the permits that are used: "time" (or "keep": the time in which they are earned back stays), "permits" (their number),
    ///     "proportional" (their share of the capacity), "reset" (nothing is used).
    /// Raises QuotaError if the algorithm cannot hold the quota, ValueError if it cannot count what is carried over; nothing has changed then.
    #[pyo3(signature = (quota, carry=Carry::Time), text_signature = "($self, quota, carry='keep')")]
    fn reconfigure(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = quota::quota)] quota: tidegate::Quota,
        #[pyo3(from_py_with = arguments::carry)] carry: Carry,
    ) -> PyResult<()> {
        let now = self.now(py)?;
        self.limiter.reconfigure_at(now, quota, carry).map_err(|error| match error {
            ReconfigureError::Quota(error) => errors::refused(error),
            other => PyValueError::new_err(other.to_string()),
        })
    }

    /// The state and the quota as a JSON text, for `restore` after a restart. Times are those of the limiter's clock.
    fn snapshot(&self) -> PyResult<String> {
        serde_json::to_string(&self.limiter.snapshot()).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Go back to a snapshot of this limiter, or of one with the same quota and algorithm.
    ///
    /// Raises ValueError for any other text; nothing has changed then.
    fn restore(&self, #[pyo3(from_py_with = arguments::text)] snapshot: String) -> PyResult<()> {
        let snapshot: tidegate::Snapshot =
            serde_json::from_str(&snapshot).map_err(|error| PyValueError::new_err(format!("no snapshot: {error}")))?;
        self.limiter.restore(&snapshot).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The quota in force.
    #[getter]
    fn quota(&self) -> Quota {
        Quota(self.limiter.quota())
    }

    /// The name of the algorithm.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.limiter.algorithm().name()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        Repr::new(slf, &quota::argument(&this.limiter.quota()))?
            .argument(&format!("{:?}", this.limiter.algorithm().name()))
            .option("refill", repr::unless("continuous", arguments::refill_name(this.refill)))
            .option("initial", this.initial.map(|initial| initial.to_string()))
            .end(slf.py(), this.clock.as_ref())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a limiter cannot be pickled or copied: its permits belong to this process, and a copy would let them be spent twice; \
             send its quota and algorithm and make another",
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.traverse(&visit))
    }
}

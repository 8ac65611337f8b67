//! `KeyedLimiter` for Python: the verbs of `Limiter`, for one key of many.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use tidegate::{Algorithm, Anchor, KeyedLimiterError, Refill, WhenFull};

use crate::arguments;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::errors;
use crate::keys::with_key;
use crate::quota::{self, Quota};
use crate::repr::{self, Repr};
use crate::reservation::{Booked, Booking, Reservation};

/// A rate limiter for each key, in a table of fixed size: 22 bytes a key, whatever the key.
///
/// quota, algorithm, anchor, refill, initial, clock: as for Limiter; any algorithm but "sliding-log".
/// max_keys: the most keys remembered at once; memory for them is taken at once.
/// when_full: what becomes of a newcomer when every slot in reach is used by a key that is not idle: "evict" (the key that would be idle
///     first is forgotten, and counted in `evictions`), "refuse" (the newcomer is denied), "overflow" (newcomers share one limiter).
///
/// A key is a str, bytes or int. It is hashed under a secret of this table's own and not kept. A key whose permits are all back is
/// idle: newcomers reuse its slot. There is nothing to sweep and no thread.
///
/// Raises as Limiter does. Threads may share it: each verb is one atomic step on its key.
#[pyclass(frozen, subclass, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct KeyedLimiter {
    limiter: Arc<tidegate::KeyedLimiter<[u8]>>,
    clock: Option<Clock>,
    refill: Refill,
    initial: Option<u64>,
    when_full: WhenFull,
}

impl KeyedLimiter {
    pub(crate) fn core(&self) -> &Arc<tidegate::KeyedLimiter<[u8]>> {
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

    fn book(&self, py: Python<'_>, key: &[u8], n: u64, longest: u64) -> PyResult<Booking> {
        let now = self.now(py)?;
        Ok(Booking::one(now, self.limiter.reserve_at(key, now, n, longest)))
    }
}

pub(crate) fn refused(error: KeyedLimiterError) -> PyErr {
    match error {
        KeyedLimiterError::Quota(error) => errors::refused(error),
        other => PyValueError::new_err(other.to_string()),
    }
}

fn when_full(value: &Bound<'_, PyAny>) -> PyResult<WhenFull> {
    match arguments::text(value)?.as_str() {
        "evict" => Ok(WhenFull::EvictNearestIdle),
        "refuse" => Ok(WhenFull::Refuse),
        "overflow" => Ok(WhenFull::Overflow),
        name => Err(PyValueError::new_err(format!("unknown when_full {name:?}: expected evict, refuse or overflow"))),
    }
}

fn when_full_name(when_full: WhenFull) -> &'static str {
    match when_full {
        WhenFull::Refuse => "refuse",
        WhenFull::Overflow => "overflow",
        _ => "evict",
    }
}

#[pymethods]
impl KeyedLimiter {
    #[new]
    #[pyo3(
        signature = (
            quota, algorithm=Algorithm::Gcra, *,
            max_keys=100_000, when_full=WhenFull::EvictNearestIdle, anchor=None, refill=Refill::Continuous, initial=None, clock=None
        ),
        text_signature = "(quota, algorithm='gcra', *, max_keys=100_000, when_full='evict', anchor=None, refill='continuous', initial=None, clock=None)"
    )]
    #[allow(clippy::too_many_arguments)]
    fn new(
        #[pyo3(from_py_with = quota::quota)] quota: tidegate::Quota,
        #[pyo3(from_py_with = arguments::algorithm)] algorithm: Algorithm,
        #[pyo3(from_py_with = arguments::max_keys)] max_keys: usize,
        #[pyo3(from_py_with = when_full)] when_full: WhenFull,
        #[pyo3(from_py_with = arguments::anchor)] anchor: Option<Anchor>,
        #[pyo3(from_py_with = arguments::refill)] refill: Refill,
        #[pyo3(from_py_with = arguments::permits_or_none)] initial: Option<u64>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<KeyedLimiter> {
        let mut builder =
            tidegate::KeyedLimiter::builder(algorithm, quota).max_keys(max_keys).when_full(when_full).refill(refill);
        if let Some(anchor) = anchor {
            builder = builder.anchor(anchor);
        }
        if let Some(initial) = initial {
            builder = builder.initial(initial);
        }
        let Some(clock) = clock else {
            let limiter = Arc::new(builder.build().map_err(refused)?);
            return Ok(KeyedLimiter { limiter, clock: None, refill, initial, when_full });
        };
        let py = clock.py();
        let clock = Clock::new(clock)?;
        let limiter = Arc::new(builder.build_at(clock.read(py)?).map_err(refused)?);
        Ok(KeyedLimiter { limiter, clock: Some(clock), refill, initial, when_full })
    }

    /// Spend n permits of the key's if they fit; whether they did.
    #[pyo3(signature = (key, n=1))]
    fn try_acquire(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<bool> {
        let now = self.now(key.py())?;
        with_key(key, |key| Ok(self.limiter.try_acquire_at(key, now, n)))
    }

    /// Spend n permits of the key's if they fit, and say everything about it.
    #[pyo3(signature = (key, n=1))]
    fn take(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(key.py())?;
        with_key(key, |key| Ok(self.limiter.take_at(key, now, n).into()))
    }

    /// take for each of several keys, in their order. Each is a decision of its own.
    ///
    /// All keys are looked at before anything is spent: a wrong one raises TypeError and leaves all as they were.
    #[pyo3(signature = (keys, n=1))]
    fn take_many(
        &self,
        keys: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
    ) -> PyResult<Vec<Decision>> {
        let mut owned: Vec<Vec<u8>> = Vec::new();
        for key in keys.try_iter()? {
            with_key(&key?, |key| {
                owned.push(key.to_vec());
                Ok(())
            })?;
        }
        let now = self.now(keys.py())?;
        let keys: Vec<&[u8]> = owned.iter().map(Vec::as_slice).collect();
        Ok(self.limiter.take_many_at(&keys, now, n).into_iter().map(Decision::from).collect())
    }

    /// What take would answer, without spending.
    #[pyo3(signature = (key, n=1))]
    fn peek(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(key.py())?;
        with_key(key, |key| Ok(self.limiter.peek_at(key, now, n).into()))
    }

    /// Give back up to n permits of what the key owes.
    fn refund(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<()> {
        let now = self.now(key.py())?;
        with_key(key, |key| {
            self.limiter.refund_at(key, now, n);
            Ok(())
        })
    }

    /// Spend n permits of the key's although they do not fit, into a debt of at most one more capacity.
    fn charge(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(key.py())?;
        with_key(key, |key| Ok(self.limiter.charge_at(key, now, n).into()))
    }

    /// Forget the key: it is new and full. Whether it was remembered.
    fn reset(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        with_key(key, |key| Ok(self.limiter.reset(key)))
    }

    /// Book n permits of the key's for the earliest instant at which they fit (see Limiter.reserve).
    #[pyo3(
        signature = (key, n=1, max_wait=None, *, max_wait_ns=None),
        text_signature = "($self, key, n=1, max_wait=None, *, max_wait_ns=None)"
    )]
    fn reserve(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        max_wait: Option<Bound<'_, PyAny>>,
        max_wait_ns: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Reservation> {
        let longest = arguments::longest_or_nanos(max_wait.as_ref(), max_wait_ns.as_ref())?;
        with_key(key, |key| {
            slf.get().book(slf.py(), key, n, longest)?.reserved(Booked::Keyed(slf.clone().unbind(), key.into()))
        })
    }

    /// The first half of acquire: True, False, or the reservation to wait for.
    #[pyo3(signature = (key, n, timeout))]
    fn _queue(
        slf: &Bound<'_, Self>,
        key: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let longest = arguments::longest(timeout.as_ref())?;
        with_key(key, |key| {
            let booked = || Booked::Keyed(slf.clone().unbind(), key.into());
            slf.get().book(slf.py(), key, n, longest)?.queued(slf.py(), booked)
        })
    }

    /// Forget all keys.
    fn clear(&self) {
        self.limiter.clear();
    }

    /// The keys remembered, idle ones included.
    fn __len__(&self) -> usize {
        self.limiter.len()
    }

    fn __bool__(&self) -> bool {
        // Not its length: an empty limiter is still a limiter.
        true
    }

    /// The most keys remembered at once.
    #[getter]
    fn max_keys(&self) -> usize {
        self.limiter.max_keys()
    }

    /// How many keys were forgotten although they were not idle.
    #[getter]
    fn evictions(&self) -> u64 {
        self.limiter.evictions()
    }

    /// The bytes that the table takes.
    #[getter]
    fn memory(&self) -> usize {
        self.limiter.memory()
    }

    /// The quota of each key.
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
            .option("max_keys", Some(this.limiter.max_keys().to_string()))
            .option("when_full", repr::unless("evict", when_full_name(this.when_full)))
            .option("refill", repr::unless("continuous", arguments::refill_name(this.refill)))
            .option("initial", this.initial.map(|initial| initial.to_string()))
            .end(slf.py(), this.clock.as_ref())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a limiter cannot be pickled or copied: its permits belong to this process, and a copy would let them be spent twice",
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.traverse(&visit))
    }
}

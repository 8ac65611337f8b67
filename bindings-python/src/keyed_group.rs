//! `KeyedLimiterGroup` for Python: several limits for each key, and limits that all keys share; all or nothing.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidegate::{Algorithm, KeyedMember};

use crate::arguments;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::group::{members, quotas, same_clock};
use crate::keyed::{self, KeyedLimiter};
use crate::keys::with_key;
use crate::limiter::Limiter;
use crate::quota::{self, Quota};
use crate::repr::{self, Repr};
use crate::reservation::{Booked, Booking, Reservation};

/// Several limits for each key, such as "10/s" and "1000/day": a call is allowed if all of them allow it, and then charged to all; otherwise to none.
///
/// Each keyword names a limit: a quota (text or Quota) or a KeyedLimiter, for each key; or a Limiter, which all keys share. Names that are no
/// keywords go in a mapping before them, or as one text, such as "10/s; 1000/day", in which each quota is its own name. algorithm, max_keys: those of the quotas. clock: that of all.
///
/// Raises as LimiterGroup does. Threads may share it.
#[pyclass(frozen, subclass, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct KeyedLimiterGroup {
    group: tidegate::KeyedLimiterGroup<[u8]>,
    clock: Option<Clock>,
}

impl KeyedLimiterGroup {
    pub(crate) fn core(&self) -> &tidegate::KeyedLimiterGroup<[u8]> {
        &self.group
    }

    pub(crate) fn now(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.clock {
            None => Ok(self.group.now()),
            Some(clock) => clock.read(py),
        }
    }

    fn book(&self, py: Python<'_>, key: &[u8], n: u64, longest: u64) -> PyResult<Booking> {
        let now = self.now(py)?;
        Ok(Booking::group(now, n, self.group.reserve_at(key, now, n, longest)))
    }
}

fn member(
    name: &str,
    value: &Bound<'_, PyAny>,
    algorithm: Algorithm,
    max_keys: usize,
    clock: Option<&Clock>,
) -> PyResult<KeyedMember<[u8]>> {
    if let Ok(limiter) = value.cast::<KeyedLimiter>() {
        same_clock(value.py(), name, limiter.get().clock(), clock)?;
        return Ok(KeyedMember::Keyed(limiter.get().core().clone()));
    }
    if let Ok(limiter) = value.cast::<Limiter>() {
        same_clock(value.py(), name, limiter.get().clock(), clock)?;
        return Ok(KeyedMember::Limiter(limiter.get().core().clone()));
    }
    let builder = tidegate::KeyedLimiter::builder(algorithm, quota::quota(value)?).max_keys(max_keys);
    let built = match clock {
        None => builder.build(),
        Some(clock) => builder.build_at(clock.read(value.py())?),
    };
    built.map(|limiter| KeyedMember::Keyed(Arc::new(limiter))).map_err(keyed::refused)
}

fn told(member: &KeyedMember<[u8]>) -> (tidegate::Quota, Algorithm) {
    match member {
        KeyedMember::Limiter(limiter) => (limiter.quota(), limiter.algorithm()),
        KeyedMember::Keyed(limiter) => (limiter.quota(), limiter.algorithm()),
    }
}

#[pymethods]
impl KeyedLimiterGroup {
    #[new]
    #[pyo3(
        signature = (limits=None, /, *, algorithm=Algorithm::Gcra, max_keys=100_000, clock=None, **named),
        text_signature = "(limits=None, /, *, algorithm='gcra', max_keys=100_000, clock=None, **named)"
    )]
    fn new(
        py: Python<'_>,
        limits: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::algorithm)] algorithm: Algorithm,
        #[pyo3(from_py_with = arguments::max_keys)] max_keys: usize,
        clock: Option<Bound<'_, PyAny>>,
        named: Option<Bound<'_, PyDict>>,
    ) -> PyResult<KeyedLimiterGroup> {
        let clock = clock.map(Clock::new).transpose()?;
        let members = members(py, limits.as_ref(), named.as_ref(), |name, value| {
            member(name, value, algorithm, max_keys, clock.as_ref())
        })?;
        let group = tidegate::KeyedLimiterGroup::new(members);
        Ok(KeyedLimiterGroup { group: group.map_err(|error| PyValueError::new_err(error.to_string()))?, clock })
    }

    /// Spend n permits on every limit of the key if they fit in all; whether they did.
    #[pyo3(signature = (key, n=1))]
    fn try_acquire(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<bool> {
        Ok(self.take(key, n)?.allowed)
    }

    /// Spend n permits on every limit of the key if they fit in all. `binding` of the decision names the limit that binds.
    #[pyo3(signature = (key, n=1))]
    fn take(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let py = key.py();
        with_key(key, |key| match &self.clock {
            None => Ok((&self.group.take(key, n)).into()),
            Some(clock) => Ok((&self.group.take_at(key, clock.read(py)?, n)).into()),
        })
    }

    /// What take would answer, without spending.
    #[pyo3(signature = (key, n=1))]
    fn peek(&self, key: &Bound<'_, PyAny>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        let now = self.now(key.py())?;
        with_key(key, |key| Ok((&self.group.peek_at(key, now, n)).into()))
    }

    /// What each limit by itself would answer to n permits of the key's, by name, without spending.
    #[pyo3(signature = (key, n=1))]
    fn members<'py>(
        &self,
        key: &Bound<'py, PyAny>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (now, members) = (self.now(key.py())?, PyDict::new(key.py()));
        with_key(key, |key| {
            for (name, decision) in self.group.peek_at(key, now, n).members() {
                members.set_item(name, Decision::from(decision))?;
            }
            Ok(members)
        })
    }

    /// Book n permits of every limit of the key for the earliest instant at which they fit in all (see Limiter.reserve).
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
            slf.get().book(slf.py(), key, n, longest)?.reserved(Booked::KeyedGroup(slf.clone().unbind(), key.into()))
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
            let booked = || Booked::KeyedGroup(slf.clone().unbind(), key.into());
            slf.get().book(slf.py(), key, n, longest)?.queued(slf.py(), booked)
        })
    }

    /// The quota of each limit, by name.
    #[getter]
    fn quotas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let quotas = PyDict::new(py);
        for (name, member) in self.group.iter() {
            quotas.set_item(name, Quota(told(member).0))?;
        }
        Ok(quotas)
    }

    /// Forget the key in every limit that is for each key: there it is new and full. What all keys share stays.
    fn reset(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        with_key(key, |key| {
            for (_, member) in self.group.iter() {
                if let KeyedMember::Keyed(limiter) = member {
                    limiter.reset(key);
                }
            }
            Ok(())
        })
    }

    /// The number of limits.
    fn __len__(&self) -> usize {
        self.group.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let members = this.group.iter().map(|(name, member)| (name, told(member).0));
        let algorithm = this.group.iter().next().map_or("gcra", |(_, first)| told(first).1.name());
        Repr::new(slf, &quotas(members))?
            .option("algorithm", repr::unless("gcra", algorithm))
            .end(slf.py(), this.clock.as_ref())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a group cannot be pickled or copied: its permits belong to this process"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.traverse(&visit))
    }
}

//! `LimiterGroup` for Python: several limits at once, all or nothing.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tidegate::Algorithm;

use crate::arguments;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::errors;
use crate::limiter::Limiter;
use crate::quota;
use crate::reservation::{self, Booked, Denied, Place, Reservation};

/// Several limits at once: a call is allowed if all of them allow it, and then charged to all of them; otherwise to none.
///
/// Each keyword names a limit: a quota (text or Quota), or a Limiter, which may be used elsewhere, too. Names that are no keywords go in a
/// mapping before them. algorithm: that of the quotas. clock: that of all; a Limiter must have the same one.
///
/// Raises QuotaError for a quota, ValueError for an empty group, a name or a Limiter given twice, or a Limiter with another clock.
///
/// Threads may share a group. A race may refuse what would have fitted; no limit ever lets more through than alone.
#[pyclass(frozen, subclass, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct LimiterGroup {
    group: tidegate::LimiterGroup,
    clock: Option<Clock>,
}

impl LimiterGroup {
    pub(crate) fn core(&self) -> &tidegate::LimiterGroup {
        &self.group
    }

    pub(crate) fn now(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.clock {
            None => Ok(self.group.now()),
            Some(clock) => clock.read(py),
        }
    }
}

fn member(
    value: &Bound<'_, PyAny>,
    algorithm: Algorithm,
    clock: Option<&Clock>,
    name: &str,
) -> PyResult<Arc<tidegate::Limiter>> {
    let Ok(limiter) = value.cast::<Limiter>() else {
        let builder = tidegate::Limiter::builder(algorithm, quota::quota(value)?);
        let built = match clock {
            None => builder.build(),
            Some(clock) => builder.build_at(clock.read(value.py())?),
        };
        return built.map(Arc::new).map_err(errors::refused);
    };
    let same = match (limiter.get().clock(), clock) {
        (None, None) => true,
        (Some(its), Some(clock)) => its.callable(value.py()).is(clock.callable(value.py())),
        _ => false,
    };
    if !same {
        return Err(PyValueError::new_err(format!("the limiter {name:?} has another clock than the group")));
    }
    Ok(limiter.get().core().clone())
}

#[pymethods]
impl LimiterGroup {
    #[new]
    #[pyo3(
        signature = (limits=None, /, *, algorithm=Algorithm::Gcra, clock=None, **named),
        text_signature = "(limits=None, /, *, algorithm='gcra', clock=None, **named)"
    )]
    fn new(
        limits: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::algorithm)] algorithm: Algorithm,
        clock: Option<Bound<'_, PyAny>>,
        named: Option<Bound<'_, PyDict>>,
    ) -> PyResult<LimiterGroup> {
        let clock = clock.map(Clock::new).transpose()?;
        let mut members: Vec<(String, Arc<tidegate::Limiter>)> = Vec::new();
        let mut add = |name: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| {
            let name = name.cast::<PyString>()?.to_str()?.to_owned();
            let limiter = member(value, algorithm, clock.as_ref(), &name)?;
            members.push((name, limiter));
            PyResult::Ok(())
        };
        if let Some(limits) = limits {
            for pair in limits.call_method0("items")?.try_iter()? {
                let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
                add(&name, &value)?;
            }
        }
        for (name, value) in named.iter().flatten() {
            add(&name, &value)?;
        }
        let group = tidegate::LimiterGroup::new(members).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(LimiterGroup { group, clock })
    }

    /// Spend n permits on every limit if they fit in all; whether they did.
    #[pyo3(signature = (n=1))]
    fn try_acquire(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<bool> {
        match &self.clock {
            None => Ok(self.group.try_acquire(n)),
            Some(clock) => Ok(self.group.try_acquire_at(clock.read(py)?, n)),
        }
    }

    /// Spend n permits on every limit if they fit in all. `binding` of the decision names the limit that binds.
    #[pyo3(signature = (n=1))]
    fn take(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        match &self.clock {
            None => Ok((&self.group.take(n)).into()),
            Some(clock) => Ok((&self.group.take_at(clock.read(py)?, n)).into()),
        }
    }

    /// What take would answer, without spending.
    #[pyo3(signature = (n=1))]
    fn peek(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::permits)] n: u64) -> PyResult<Decision> {
        Ok((&self.group.peek_at(self.now(py)?, n)).into())
    }

    /// What each limit by itself would answer to n permits, by name, without spending.
    #[pyo3(signature = (n=1))]
    fn members<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let members = PyDict::new(py);
        for (name, decision) in self.group.peek_at(self.now(py)?, n).members() {
            members.set_item(name, Decision::from(decision))?;
        }
        Ok(members)
    }

    /// Book n permits of every limit for the earliest instant at which they fit in all (see Limiter.reserve).
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
        let (this, longest) = (slf.get(), arguments::longest_or_nanos(max_wait.as_ref(), max_wait_ns.as_ref())?);
        let slot = this.group.reserve_at(this.now(slf.py())?, n, longest).map_err(Denied::from)?;
        Ok(Reservation::new(Booked::Group(slf.clone().unbind()), Place::Group(Box::new(slot), n)))
    }

    /// The first half of acquire: True, False, or the reservation to wait for.
    #[pyo3(signature = (n, timeout))]
    fn _queue(
        slf: &Bound<'_, Self>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (this, py) = (slf.get(), slf.py());
        let longest = arguments::longest(timeout.as_ref())?;
        let now = this.now(py)?;
        let reserved = this.group.reserve_at(now, n, longest).map_err(Denied::from);
        let reserved = reserved.map(|slot| Place::Group(Box::new(slot), n));
        reservation::queued(py, reserved, now, || Booked::Group(slf.clone().unbind()))
    }

    /// Every limit as new and full.
    fn reset(&self) {
        self.group.reset();
    }

    fn __len__(&self) -> usize {
        self.group.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let mut text = format!("{}({{", slf.get_type().name()?);
        for (index, (name, limiter)) in this.group.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            text += &format!("{comma}{name:?}: {}", quota::argument(&limiter.quota()));
        }
        text += "}";
        if let Some((_, first)) = this.group.iter().next()
            && first.algorithm() != Algorithm::Gcra
        {
            text += &format!(", algorithm={:?}", first.algorithm().name());
        }
        if let Some(clock) = &this.clock {
            text += &format!(", clock={}", clock.callable(slf.py()).repr()?);
        }
        Ok(text + ")")
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a group cannot be pickled or copied: its permits belong to this process"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.traverse(&visit))
    }
}

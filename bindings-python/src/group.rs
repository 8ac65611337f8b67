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
use crate::quota::{self, Quota};
use crate::repr::{self, Repr};
use crate::reservation::{Booked, Booking, Reservation};

/// Several limits at once: a call is allowed if all of them allow it, and then charged to all of them; otherwise to none.
///
/// Each keyword names a limit: a quota (text or Quota), or a Limiter, which may be used elsewhere, too. Names that are no keywords go in a
/// mapping before them, or as one text, such as "10/s; 1000/day", in which each quota is its own name. algorithm: that of the quotas. clock: that of all; a Limiter must have the same one.
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

    fn book(&self, py: Python<'_>, n: u64, longest: u64) -> PyResult<Booking> {
        let now = self.now(py)?;
        Ok(Booking::group(now, n, self.group.reserve_at(now, n, longest)))
    }
}

/// The members of a group: those of the mapping or of the text, then the keywords.
///
/// # Errors
/// What `read` returns for a value; `TypeError` for a name that is no `str`.
pub(crate) fn members<'py, M>(
    py: Python<'py>,
    limits: Option<&Bound<'py, PyAny>>,
    named: Option<&Bound<'py, PyDict>>,
    read: impl Fn(&str, &Bound<'py, PyAny>) -> PyResult<M>,
) -> PyResult<Vec<(String, M)>> {
    let mut pairs: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = Vec::new();
    match limits {
        None => {}
        Some(text) if text.is_instance_of::<PyString>() => {
            let text = arguments::text(text)?;
            for quota in tidegate::parse_list(&text) {
                let quota = Quota(quota.map_err(|error| errors::unreadable(error, &text))?);
                let name = PyString::new(py, &quota.0.to_string());
                pairs.push((name.into_any(), Bound::new(py, quota)?.into_any()));
            }
        }
        Some(mapping) => {
            if !mapping.hasattr("items")? {
                let kind = mapping.get_type();
                let expected = "a group is a mapping of names to limits, or a text such as \"10/s; 1000/day\"";
                return Err(PyTypeError::new_err(format!("{expected}, not {}", kind.name()?)));
            }
            for pair in mapping.call_method0("items")?.try_iter()? {
                pairs.push(pair?.extract()?);
            }
        }
    }
    pairs.extend(named.iter().flat_map(|named| named.iter()));
    let read = |(name, value): (Bound<'_, PyAny>, Bound<'py, PyAny>)| {
        let name = name.cast::<PyString>()?.to_str()?.to_owned();
        let member = read(&name, &value)?;
        Ok((name, member))
    };
    pairs.into_iter().map(read).collect()
}

/// The mapping of a group's `__repr__`.
pub(crate) fn quotas<'a>(members: impl Iterator<Item = (&'a str, tidegate::Quota)>) -> String {
    let members: Vec<String> = members.map(|(name, quota)| format!("{name:?}: {}", quota::argument(&quota))).collect();
    format!("{{{}}}", members.join(", "))
}

/// # Errors
/// `ValueError` unless a member reads the clock of its group.
pub(crate) fn same_clock(py: Python<'_>, name: &str, its: Option<&Clock>, clock: Option<&Clock>) -> PyResult<()> {
    let same = match (its, clock) {
        (None, None) => true,
        (Some(its), Some(clock)) => its.callable(py).is(clock.callable(py)),
        _ => false,
    };
    if same {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("the limiter {name:?} has another clock than the group")))
}

fn member(
    name: &str,
    value: &Bound<'_, PyAny>,
    algorithm: Algorithm,
    clock: Option<&Clock>,
) -> PyResult<Arc<tidegate::Limiter>> {
    if let Ok(limiter) = value.cast::<Limiter>() {
        same_clock(value.py(), name, limiter.get().clock(), clock)?;
        return Ok(limiter.get().core().clone());
    }
    let builder = tidegate::Limiter::builder(algorithm, quota::quota(value)?);
    let built = match clock {
        None => builder.build(),
        Some(clock) => builder.build_at(clock.read(value.py())?),
    };
    built.map(Arc::new).map_err(errors::refused)
}

#[pymethods]
impl LimiterGroup {
    #[new]
    #[pyo3(
        signature = (limits=None, /, *, algorithm=Algorithm::Gcra, clock=None, **named),
        text_signature = "(limits=None, /, *, algorithm='gcra', clock=None, **named)"
    )]
    fn new(
        py: Python<'_>,
        limits: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::algorithm)] algorithm: Algorithm,
        clock: Option<Bound<'_, PyAny>>,
        named: Option<Bound<'_, PyDict>>,
    ) -> PyResult<LimiterGroup> {
        let clock = clock.map(Clock::new).transpose()?;
        let members =
            members(py, limits.as_ref(), named.as_ref(), |name, value| member(name, value, algorithm, clock.as_ref()))?;
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
        let longest = arguments::longest_or_nanos(max_wait.as_ref(), max_wait_ns.as_ref())?;
        slf.get().book(slf.py(), n, longest)?.reserved(Booked::Group(slf.clone().unbind()))
    }

    /// The first half of acquire: True, False, or the reservation to wait for.
    #[pyo3(signature = (n, timeout))]
    fn _queue(
        slf: &Bound<'_, Self>,
        #[pyo3(from_py_with = arguments::permits)] n: u64,
        timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let longest = arguments::longest(timeout.as_ref())?;
        slf.get().book(slf.py(), n, longest)?.queued(slf.py(), || Booked::Group(slf.clone().unbind()))
    }

    /// The quota of each limit, by name.
    #[getter]
    fn quotas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let quotas = PyDict::new(py);
        for (name, limiter) in self.group.iter() {
            quotas.set_item(name, Quota(limiter.quota()))?;
        }
        Ok(quotas)
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
        let members = this.group.iter().map(|(name, limiter)| (name, limiter.quota()));
        let algorithm = this.group.iter().next().map_or("gcra", |(_, first)| first.algorithm().name());
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

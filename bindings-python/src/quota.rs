//! `Quota` for Python: text or numbers in, text or numbers out.

use pyo3::prelude::*;
use tidegate::Anchor;

use crate::arguments::{self, Whole};
use crate::errors;

/// `limit` permits per period, at most `burst` at once.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Quota(pub(crate) tidegate::Quota);

/// A text or a `Quota`, where either will do.
///
/// # Errors
/// `TypeError` for anything else, `QuotaError` for a text that is no quota.
pub(crate) fn quota(value: &Bound<'_, PyAny>) -> PyResult<tidegate::Quota> {
    if let Ok(quota) = value.cast::<Quota>() {
        return Ok(quota.get().0);
    }
    let text = arguments::text(value).map_err(|_| match value.get_type().name() {
        Ok(kind) => pyo3::exceptions::PyTypeError::new_err(format!("a quota is a str or a Quota, not {kind}")),
        Err(error) => error,
    })?;
    text.parse().map_err(|error| errors::unreadable(error, &text))
}

#[pymethods]
impl Quota {
    #[new]
    fn new(#[pyo3(from_py_with = arguments::text)] text: String) -> PyResult<Quota> {
        text.parse().map(Quota).map_err(|error| errors::unreadable(error, &text))
    }

    /// A quota from numbers: `limit` permits per `period_ns` nanoseconds, at most `burst` at once (None: as many as `limit`).
    ///
    /// Windows begin at the multiples of the period (`anchor="clock"`), `offset_ns` nanoseconds after them, or at the first use
    /// (`anchor="first-use"`).
    ///
    /// Raises QuotaError for a limit, a burst or a period below 1, for a period above 2**62 nanoseconds (146 years), and for a number
    /// beyond 64 bits.
    #[staticmethod]
    #[pyo3(
        signature = (limit, period_ns, burst=None, *, anchor=Anchor::Clock, offset_ns=Whole::Fits(0)),
        text_signature = "(limit, period_ns, burst=None, *, anchor='clock', offset_ns=0)"
    )]
    fn make(
        #[pyo3(from_py_with = arguments::whole)] limit: Whole,
        #[pyo3(from_py_with = arguments::whole)] period_ns: Whole,
        #[pyo3(from_py_with = arguments::whole_or_none)] burst: Option<Whole>,
        #[pyo3(from_py_with = arguments::named_anchor)] anchor: Anchor,
        #[pyo3(from_py_with = arguments::whole)] offset_ns: Whole,
    ) -> PyResult<Quota> {
        // Too little is 0 to the core, and a period beyond 64 bits is as long to it as one beyond 62: it has the words for both.
        let period = period_ns.or_nearest();
        let mut quota = tidegate::Quota::from_nanos(number(limit, "limit")?, period).map_err(errors::refused)?;
        if let Some(burst) = burst {
            quota = quota.burst(number(burst, "burst")?).map_err(errors::refused)?;
        }
        match (anchor, offset_ns) {
            (anchor, Whole::Fits(0)) => Ok(Quota(quota.anchor(anchor))),
            (Anchor::Clock, Whole::Fits(nanos)) => Ok(Quota(quota.anchor(Anchor::Offset(nanos)))),
            (Anchor::Clock, _) => Err(errors::meaningless("the offset must be from 0 to 2**64 - 1 nanoseconds")),
            _ => Err(errors::meaningless("windows that open at the first use have no offset")),
        }
    }

    /// Permits per period.
    #[getter]
    fn limit(&self) -> u64 {
        self.0.limit()
    }

    /// The period in nanoseconds.
    #[getter]
    fn period_ns(&self) -> u64 {
        self.0.period_nanos()
    }

    /// The most permits at once.
    #[getter]
    fn burst(&self) -> u64 {
        self.0.capacity()
    }

    /// Where windows begin: "clock" (with an offset or without), "first-use", or "calendar".
    #[getter]
    fn anchor(&self) -> &'static str {
        match self.0.anchored() {
            Anchor::FirstUse => "first-use",
            Anchor::Calendar(_) => "calendar",
            _ => "clock",
        }
    }

    /// Of a calendar quota: the unit ("hour", "day", "week", "month", "year") and the IANA time zone. Otherwise None.
    #[getter]
    fn calendar(&self) -> Option<(&'static str, &'static str)> {
        match self.0.anchored() {
            Anchor::Calendar(calendar) => Some((calendar.unit().name(), calendar.zone())),
            _ => None,
        }
    }

    /// How many nanoseconds after the multiples of the period windows begin.
    #[getter]
    fn offset_ns(&self) -> u64 {
        match self.0.anchored() {
            Anchor::Offset(nanos) => nanos,
            _ => 0,
        }
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Quota({:?})", self.0.to_string())
    }

    /// Its text says all of it.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((slf.get_type().into_any(), (slf.get().__str__(),)))
    }
}

/// The quota as an argument of `Limiter`, as Python reads it.
pub(crate) fn argument(quota: &tidegate::Quota) -> String {
    format!("{:?}", quota.to_string())
}

/// A count of permits for a quota.
fn number(whole: Whole, name: &str) -> PyResult<u64> {
    if whole == Whole::TooLarge {
        return Err(errors::meaningless(format!("the {name} does not fit in 64 bits")));
    }
    Ok(whole.or_nearest())
}

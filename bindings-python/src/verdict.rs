//! `Verdict` for Python: what a policy answered to one request, and what each of its limits said.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};
use tidegate_policy::headers::Dialect;
use tidegate_policy::{InFlight, LimitReport, Report};

use crate::arguments::{exact, exact_or_none};
use crate::decision::seconds;
use crate::headers;

/// What a policy answered to one request. True when allowed.
///
/// While it is held, so are the places in limits of requests at the same time: `release` it, or use it in a `with`, when the request is done.
#[pyclass(frozen, weakref, module = "tidegate")]
pub(crate) struct Verdict {
    report: Report,
    dialect: Option<Dialect>,
    places: Mutex<Option<InFlight>>,
}

impl Verdict {
    pub(crate) fn new(verdict: tidegate_policy::Verdict<'_>, dialect: Option<Dialect>) -> Verdict {
        Verdict { report: verdict.report(), dialect, places: Mutex::new(Some(verdict.into_in_flight())) }
    }
}

#[pymethods]
impl Verdict {
    /// Whether the request may go ahead.
    #[getter]
    fn allowed(&self) -> bool {
        self.report.allowed
    }

    /// The id of the limit that binds: denied, the longest wait; allowed, the least share left. None if no limit with a number was met.
    #[getter]
    fn binding(&self) -> Option<&str> {
        self.report.binding().map(|limit| limit.id.as_str())
    }

    /// What the limit that binds said.
    #[getter]
    fn decision(&self) -> Option<LimitDecision> {
        self.report.binding().map(LimitDecision::from)
    }

    /// The scope of the limit that binds.
    #[getter]
    fn scope(&self) -> Option<&'static str> {
        self.report.binding().map(|limit| limit.scope.name())
    }

    /// Seconds until the same request is allowed; 0.0 if it is. None: never, or nobody knows (see `never`).
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.report.retry_after_nanos.map(seconds)
    }

    /// As `retry_after`, in whole nanoseconds.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.report.retry_after_nanos
    }

    /// Whether the same request can never be allowed.
    #[getter]
    fn never(&self) -> bool {
        self.report.never
    }

    /// The provider's code for this refusal.
    #[getter]
    fn code(&self) -> Option<&str> {
        self.report.code.as_deref()
    }

    /// The HTTP status of the answer: 200 if allowed, otherwise the provider's for refusals, usually 429.
    #[getter]
    fn status(&self) -> u16 {
        self.report.status
    }

    /// What each limit said, in the order of the file, those in shadow last.
    #[getter]
    fn limits(&self) -> Vec<LimitDecision> {
        self.report.limits.iter().map(LimitDecision::from).collect()
    }

    /// The header fields of the answer, in a dialect: "x-ratelimit" (also with "-unix", "-delta", "-iso8601"), "mailiam", "draft-06" to
    /// "draft-11", "retry-after". None: the provider's own, if any.
    ///
    /// Raises ValueError for an unknown dialect, and for a name that no header can hold.
    #[pyo3(signature = (dialect=None))]
    fn headers<'py>(&self, py: Python<'py>, dialect: Option<&str>) -> PyResult<Bound<'py, PyDict>> {
        let Some(dialect) = dialect.map(headers::dialect).transpose()?.or(self.dialect) else {
            return Ok(PyDict::new(py));
        };
        headers::fields(py, self.report.headers_in(dialect).map_err(headers::refused)?)
    }

    /// "Check your current quota" for the limit that binds: used, remaining, limit, and resetsAt as ISO 8601.
    fn quota<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(limit) = self.report.binding() else { return Ok(None) };
        let quota = PyDict::new(py);
        quota.set_item("used", limit.quota.used)?;
        quota.set_item("remaining", limit.quota.remaining)?;
        quota.set_item("limit", limit.quota.limit)?;
        quota.set_item("resetsAt", limit.quota.resets_at_iso())?;
        Ok(Some(quota))
    }

    /// Give the places in limits of requests at the same time back. Whether this call did.
    fn release(&self) -> bool {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner).take();
        places.is_some()
    }

    fn __enter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyAny>) {
        self.release();
    }

    fn __bool__(&self) -> bool {
        self.report.allowed
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let limits = PyList::new(py, self.report.limits.iter().map(|limit| limit.id.as_str()))?;
        let allowed = if self.report.allowed { "allowed" } else { "denied" };
        Ok(format!("<Verdict: {allowed}, binding {:?}, of {}>", self.binding().unwrap_or("none"), limits.repr()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a verdict cannot be pickled or copied: it may hold places of requests at the same time; send its `limits`, which can",
        ))
    }
}

/// What one limit of a policy said to a request: a frozen value. True when it allows it.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LimitDecision {
    /// Its id in the policy file.
    #[pyo3(get)]
    id: String,
    /// Whom it counts.
    #[pyo3(get)]
    scope: String,
    /// What its permits are, such as "requests".
    #[pyo3(get)]
    unit: String,
    /// Whether it allows the request.
    #[pyo3(get)]
    allowed: bool,
    /// Whether it is on trial and did not count.
    #[pyo3(get)]
    shadow: bool,
    /// Whether it never allows the request.
    #[pyo3(get)]
    never: bool,
    /// The permits asked of it.
    #[pyo3(get)]
    cost: u64,
    /// Its capacity in permits.
    #[pyo3(get)]
    limit: u64,
    /// Permits left after the verdict.
    #[pyo3(get)]
    remaining: u64,
    /// Permits used after the verdict.
    #[pyo3(get)]
    used: u64,
    /// As `retry_after`, in whole nanoseconds.
    #[pyo3(get)]
    retry_after_ns: Option<u64>,
    /// As `reset_after`, in whole nanoseconds.
    #[pyo3(get)]
    reset_after_ns: u64,
}

impl From<&LimitReport> for LimitDecision {
    fn from(report: &LimitReport) -> LimitDecision {
        LimitDecision {
            id: report.id.clone(),
            scope: report.scope.name().to_owned(),
            unit: report.unit.clone(),
            allowed: report.allowed,
            shadow: report.shadow,
            never: report.never,
            cost: report.cost,
            limit: report.quota.limit,
            remaining: report.quota.remaining,
            used: report.quota.used,
            retry_after_ns: report.retry_after_nanos,
            reset_after_ns: report.reset_after_nanos,
        }
    }
}

#[pymethods]
impl LimitDecision {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        id: String,
        scope: String,
        unit: String,
        allowed: Bound<'_, PyBool>,
        shadow: Bound<'_, PyBool>,
        never: Bound<'_, PyBool>,
        #[pyo3(from_py_with = exact)] cost: u64,
        #[pyo3(from_py_with = exact)] limit: u64,
        #[pyo3(from_py_with = exact)] remaining: u64,
        #[pyo3(from_py_with = exact)] used: u64,
        #[pyo3(from_py_with = exact_or_none)] retry_after_ns: Option<u64>,
        #[pyo3(from_py_with = exact)] reset_after_ns: u64,
    ) -> LimitDecision {
        let (allowed, shadow, never) = (allowed.is_true(), shadow.is_true(), never.is_true());
        LimitDecision {
            id,
            scope,
            unit,
            allowed,
            shadow,
            never,
            cost,
            limit,
            remaining,
            used,
            retry_after_ns,
            reset_after_ns,
        }
    }

    /// Seconds until it allows the request; 0.0 if it does, None if never or if nobody knows.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns.map(seconds)
    }

    /// Seconds until it is as good as new.
    #[getter]
    fn reset_after(&self) -> f64 {
        seconds(self.reset_after_ns)
    }

    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __repr__(&self) -> String {
        let allowed = if self.allowed { "allowed" } else { "denied" };
        format!("<LimitDecision {:?}: {allowed}, {} of {} left>", self.id, self.remaining, self.limit)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let LimitDecision { id, scope, unit, allowed, shadow, never, cost, limit, remaining, used, .. } = slf.get();
        let LimitDecision { retry_after_ns, reset_after_ns, .. } = slf.get();
        let said = (id, scope, unit, allowed, shadow, never).into_pyobject(slf.py())?;
        let counted = (cost, limit, remaining, used, retry_after_ns, reset_after_ns).into_pyobject(slf.py())?;
        let all = said.into_sequence().concat(counted.as_sequence())?;
        Ok((slf.get_type().into_any(), all.to_tuple()?))
    }
}

//! `Policy` and `Verdict` for Python: a provider's published limits, asked about one request.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyList};
use tidegate_policy::headers::Dialect;
use tidegate_policy::{InFlight, LimitReport, PolicyBuilder, PolicyError, Report, Request, Scope};

use crate::arguments;
use crate::clock::Clock;
use crate::decision::seconds;
use crate::errors;
use crate::headers;

/// The limits that a provider publishes, loaded from a policy file and enforced. Made by `from_file`, `from_toml` or `from_json`.
///
/// Threads may share it; what was counted belongs to the process.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Policy {
    policy: tidegate_policy::Policy,
    clock: Option<Clock>,
}

fn builder(max_keys: Option<u64>, enforce_examples: bool) -> PolicyBuilder {
    let builder = tidegate_policy::Policy::builder().enforce_examples(enforce_examples);
    match max_keys {
        None => builder,
        Some(keys) => builder.max_keys(u32::try_from(keys).unwrap_or(u32::MAX)),
    }
}

fn loaded(policy: Result<tidegate_policy::Policy, PolicyError>, clock: Option<Bound<'_, PyAny>>) -> PyResult<Policy> {
    Ok(Policy { policy: policy.map_err(errors::policy)?, clock: clock.map(Clock::new).transpose()? })
}

/// What a request is, in words that this holds.
struct Asked {
    plan: Option<PyBackedStr>,
    customer: Option<PyBackedStr>,
    endpoint: Option<PyBackedStr>,
    scopes: Vec<(Scope, PyBackedStr)>,
    units: Vec<(PyBackedStr, u64)>,
    zone: Option<PyBackedStr>,
    cost: u64,
}

fn pairs<'py>(mapping: Option<&Bound<'py, PyAny>>) -> PyResult<Vec<(PyBackedStr, Bound<'py, PyAny>)>> {
    let Some(mapping) = mapping else { return Ok(Vec::new()) };
    mapping.call_method0("items")?.try_iter()?.map(|pair| pair?.extract()).collect()
}

impl Asked {
    fn request(&self) -> Request<'_> {
        let mut request = Request::new().cost(self.cost);
        if let Some(plan) = &self.plan {
            request = request.plan(plan);
        }
        if let Some(customer) = &self.customer {
            request = request.customer(customer);
        }
        if let Some(endpoint) = &self.endpoint {
            request = request.request_line(endpoint);
        }
        if let Some(zone) = &self.zone {
            request = request.zone(zone);
        }
        for (scope, key) in &self.scopes {
            request = request.scope(*scope, key);
        }
        for (unit, amount) in &self.units {
            request = request.units(unit, *amount);
        }
        request
    }
}

fn scope((name, key): (PyBackedStr, Bound<'_, PyAny>)) -> PyResult<(Scope, PyBackedStr)> {
    let scope = name.parse().map_err(|error: tidegate_policy::UnknownScope| errors::request(error.to_string()))?;
    Ok((scope, key.extract()?))
}

impl Policy {
    fn ask(&self, py: Python<'_>, asked: &Asked, spend: bool) -> PyResult<Verdict> {
        let now = match &self.clock {
            None => self.policy.now(),
            Some(clock) => clock.read(py)?,
        };
        let request = asked.request();
        let verdict = if spend { self.policy.take_at(now, &request) } else { self.policy.peek_at(now, &request) };
        let verdict = verdict.map_err(|error| errors::request(error.to_string()))?;
        Ok(Verdict {
            report: verdict.report(),
            dialect: self.policy.headers().and_then(Dialect::of),
            places: Mutex::new(Some(verdict.into_in_flight())),
        })
    }
}

#[pymethods]
impl Policy {
    /// Load a policy file: JSON if its name ends in .json, TOML otherwise.
    ///
    /// max_keys: how many keys each limit remembers where the file does not say. enforce_examples: whether the example numbers of limits that state
    /// none are enforced. clock: a callable that returns Unix time in int nanoseconds.
    /// Raises PolicyError (a ValueError) with `file`, `line` and `column`.
    #[staticmethod]
    #[pyo3(signature = (path, *, max_keys=None, enforce_examples=false, clock=None))]
    fn from_file(
        path: PathBuf,
        #[pyo3(from_py_with = arguments::permits_or_none)] max_keys: Option<u64>,
        enforce_examples: bool,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Policy> {
        loaded(builder(max_keys, enforce_examples).from_file(path), clock)
    }

    /// Load a policy from TOML text; `file` is the name that errors carry.
    #[staticmethod]
    #[pyo3(
        signature = (text, file="policy.toml", *, max_keys=None, enforce_examples=false, clock=None),
        text_signature = "(text, file='policy.toml', *, max_keys=None, enforce_examples=False, clock=None)"
    )]
    fn from_toml(
        text: &str,
        file: &str,
        #[pyo3(from_py_with = arguments::permits_or_none)] max_keys: Option<u64>,
        enforce_examples: bool,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Policy> {
        loaded(builder(max_keys, enforce_examples).from_toml(text, file), clock)
    }

    /// Load a policy from JSON text: the same keys as in TOML.
    #[staticmethod]
    #[pyo3(
        signature = (text, file="policy.json", *, max_keys=None, enforce_examples=false, clock=None),
        text_signature = "(text, file='policy.json', *, max_keys=None, enforce_examples=False, clock=None)"
    )]
    fn from_json(
        text: &str,
        file: &str,
        #[pyo3(from_py_with = arguments::permits_or_none)] max_keys: Option<u64>,
        enforce_examples: bool,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Policy> {
        loaded(builder(max_keys, enforce_examples).from_json(text, file), clock)
    }

    /// Count a request against every limit that it meets: all of them, or none.
    ///
    /// endpoint: method and path, such as "POST /v1/x/send". scopes: who is asking, by the name of each scope: {"api-key": "k", "ip": "192.0.2.1"}.
    /// units: how much the request carries, such as {"emails": 40}; cost: what it takes of every limit whose unit is not named there.
    /// zone: the customer's own time zone, for calendar quotas that name none.
    /// Raises RequestError (a ValueError) for a question without meaning; nothing was counted then. A denied request is no error.
    #[pyo3(signature = (*, plan=None, endpoint=None, scopes=None, customer=None, cost=1, units=None, zone=None))]
    #[allow(clippy::too_many_arguments)]
    fn take(
        &self,
        py: Python<'_>,
        plan: Option<PyBackedStr>,
        endpoint: Option<PyBackedStr>,
        scopes: Option<Bound<'_, PyAny>>,
        customer: Option<PyBackedStr>,
        #[pyo3(from_py_with = arguments::permits)] cost: u64,
        units: Option<Bound<'_, PyAny>>,
        zone: Option<PyBackedStr>,
    ) -> PyResult<Verdict> {
        let (scopes, units) = (asked_scopes(scopes.as_ref())?, asked_units(units.as_ref())?);
        self.ask(py, &Asked { plan, customer, endpoint, scopes, units, zone, cost }, true)
    }

    /// What take would answer; nothing is counted.
    #[pyo3(signature = (*, plan=None, endpoint=None, scopes=None, customer=None, cost=1, units=None, zone=None))]
    #[allow(clippy::too_many_arguments)]
    fn peek(
        &self,
        py: Python<'_>,
        plan: Option<PyBackedStr>,
        endpoint: Option<PyBackedStr>,
        scopes: Option<Bound<'_, PyAny>>,
        customer: Option<PyBackedStr>,
        #[pyo3(from_py_with = arguments::permits)] cost: u64,
        units: Option<Bound<'_, PyAny>>,
        zone: Option<PyBackedStr>,
    ) -> PyResult<Verdict> {
        let (scopes, units) = (asked_scopes(scopes.as_ref())?, asked_units(units.as_ref())?);
        self.ask(py, &Asked { plan, customer, endpoint, scopes, units, zone, cost }, false)
    }

    /// The ids of all limits, in the order of the file.
    #[getter]
    fn limits(&self) -> Vec<&str> {
        self.policy.limits().iter().map(|limit| limit.id()).collect()
    }

    /// Who publishes the limits.
    #[getter]
    fn provider(&self) -> &str {
        self.policy.provider().name()
    }

    /// The dialect of the provider's headers, by name; None if it has none that can be written.
    #[getter]
    fn dialect(&self) -> Option<String> {
        self.policy.headers().and_then(Dialect::of).map(|dialect| dialect.to_string())
    }

    /// The same policy with nothing counted yet.
    fn anew(&self, py: Python<'_>) -> Policy {
        let clock = self.clock.as_ref().map(|clock| clock.clone_ref(py));
        Policy { policy: self.policy.anew(), clock }
    }

    fn __repr__(&self) -> String {
        format!("<Policy of {}: {} limits>", self.policy.provider().name(), self.policy.limits().len())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a policy cannot be pickled or copied: what it counted belongs to this process; load it again",
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| clock.traverse(&visit))
    }
}

fn asked_scopes(scopes: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(Scope, PyBackedStr)>> {
    pairs(scopes)?.into_iter().map(scope).collect()
}

fn asked_units(units: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<(PyBackedStr, u64)>> {
    pairs(units)?.into_iter().map(|(unit, amount)| Ok((unit, arguments::permits(&amount)?))).collect()
}

/// What a policy answered to one request. True when allowed.
///
/// While it is held, so are the places in limits of requests at the same time: `release` it, or use it in a `with`, when the request is done.
#[pyclass(frozen, weakref, module = "tidegate")]
pub(crate) struct Verdict {
    report: Report,
    dialect: Option<Dialect>,
    places: Mutex<Option<InFlight>>,
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
        self.report.binding().map(|limit| LimitDecision(limit.clone()))
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
        self.report.limits.iter().cloned().map(LimitDecision).collect()
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
            "a verdict cannot be pickled or copied: it may hold places of requests at the same time",
        ))
    }
}

/// What one limit of a policy said to a request. True when it allows it.
#[pyclass(frozen, module = "tidegate")]
#[derive(Clone)]
pub(crate) struct LimitDecision(LimitReport);

#[pymethods]
impl LimitDecision {
    /// Its id in the policy file.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }
    /// Whom it counts.
    #[getter]
    fn scope(&self) -> &'static str {
        self.0.scope.name()
    }
    /// What its permits are, such as "requests".
    #[getter]
    fn unit(&self) -> &str {
        &self.0.unit
    }
    /// Whether it allows the request.
    #[getter]
    fn allowed(&self) -> bool {
        self.0.allowed
    }
    /// Whether it is on trial and did not count.
    #[getter]
    fn shadow(&self) -> bool {
        self.0.shadow
    }
    /// Whether it never allows the request.
    #[getter]
    fn never(&self) -> bool {
        self.0.never
    }
    /// The permits asked of it.
    #[getter]
    fn cost(&self) -> u64 {
        self.0.cost
    }
    /// Its capacity in permits.
    #[getter]
    fn limit(&self) -> u64 {
        self.0.quota.limit
    }
    /// Permits left after the verdict.
    #[getter]
    fn remaining(&self) -> u64 {
        self.0.quota.remaining
    }
    /// Permits used after the verdict.
    #[getter]
    fn used(&self) -> u64 {
        self.0.quota.used
    }
    /// Seconds until it allows the request; 0.0 if it does, None if never or if nobody knows.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.0.retry_after_nanos.map(seconds)
    }
    /// As `retry_after`, in whole nanoseconds.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.0.retry_after_nanos
    }
    /// Seconds until it is as good as new.
    #[getter]
    fn reset_after(&self) -> f64 {
        seconds(self.0.reset_after_nanos)
    }
    /// As `reset_after`, in whole nanoseconds.
    #[getter]
    fn reset_after_ns(&self) -> u64 {
        self.0.reset_after_nanos
    }

    fn __bool__(&self) -> bool {
        self.0.allowed
    }

    fn __repr__(&self) -> String {
        let (quota, allowed) = (&self.0.quota, if self.0.allowed { "allowed" } else { "denied" });
        format!("<LimitDecision {:?}: {allowed}, {} of {} left>", self.0.id, quota.remaining, quota.limit)
    }
}

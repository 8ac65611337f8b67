//! Headers for Python: written from decisions, and read by a tracker of another server's limits.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict};
use tidegate::{Clock as _, MonotonicClock, SystemClock};
use tidegate_policy::client::{self, SlowDown};
use tidegate_policy::headers::{
    Dialect, EncodeError, Observed, Outcome, Report, RetryAfterStyle, ServiceLimit, UnknownDialect,
};

use crate::arguments;
use crate::clock::Clock;
use crate::decision::{Decision, seconds};

/// # Errors
/// `ValueError` with the known names.
pub(crate) fn dialect(name: &str) -> PyResult<Dialect> {
    name.parse().map_err(|error: UnknownDialect| PyValueError::new_err(format!("unknown dialect {name:?}: {error}")))
}

pub(crate) fn refused(error: EncodeError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Fields as a dict, in their order.
pub(crate) fn fields<N: AsRef<str>>(
    py: Python<'_>,
    fields: impl IntoIterator<Item = (N, String)>,
) -> PyResult<Bound<'_, PyDict>> {
    let headers = PyDict::new(py);
    for (name, value) in fields {
        headers.set_item(name.as_ref(), value)?;
    }
    Ok(headers)
}

/// One limit of a response: its name, the decision, the period in nanoseconds, the scope.
type Told<'py> = (PyBackedStr, Bound<'py, Decision>, Option<u64>, Option<PyBackedStr>);

/// The header fields of a response.
#[pyfunction]
pub(crate) fn _headers<'py>(
    py: Python<'py>,
    limits: Vec<Told<'py>>,
    dialect: &str,
    now_ns: Option<u64>,
    http_date: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let dialect = self::dialect(dialect)?;
    let told = limits.iter().map(|(name, decision, window, scope)| {
        let decision = decision.get();
        let mut limit = ServiceLimit::new(name, decision.limit, decision.remaining, decision.reset_after_ns);
        limit = limit.outcome(match decision.retry_after_ns {
            _ if decision.allowed => Outcome::Allowed,
            Some(wait) => Outcome::After(wait),
            None => Outcome::Never,
        });
        if let Some(scope) = scope {
            limit = limit.scope(scope);
        }
        window.map_or(limit, |window| limit.window(window))
    });
    let told: Vec<ServiceLimit<'_>> = told.collect();
    let now = now_ns.unwrap_or_else(|| SystemClock.now());
    let style = if http_date { RetryAfterStyle::HttpDate } else { RetryAfterStyle::Seconds };
    let encoded = dialect.encode_with(&Report::new(now, &told), style).map_err(refused)?;
    fields(py, encoded.map(|(name, value)| (name, value.to_string())))
}

/// What the responses of one server said of its limits, and when the next request may therefore go out.
///
/// A route is whatever the server counts apart, in the caller's words. One server, one tracker.
///
/// max_limits: how many limits are remembered. max_wait: how long a server's hint is heeded, in seconds or as a timedelta; then one may try.
/// slow_down: spread what remains once less than so many percent do. clock: a callable that returns int nanoseconds, for the waits.
/// unix_clock: the same for Unix time, by which resets are read.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Tracker {
    tracker: Mutex<client::Tracker>,
    clock: Option<Clock>,
    unix_clock: Option<Clock>,
}

impl Tracker {
    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        self.clock.as_ref().map_or_else(|| Ok(MonotonicClock.now()), |clock| clock.read(py))
    }

    fn locked(&self) -> MutexGuard<'_, client::Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A header's name or value, as `str` or as the bytes of the wire.
fn field(value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match value.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => Ok(arguments::text(value)?.into_bytes()),
    }
}

#[pymethods]
impl Tracker {
    #[new]
    #[pyo3(
        signature = (*, max_limits=64, max_wait=None, slow_down=None, clock=None, unix_clock=None),
        text_signature = "(*, max_limits=64, max_wait=None, slow_down=None, clock=None, unix_clock=None)"
    )]
    fn new(
        #[pyo3(from_py_with = arguments::permits)] max_limits: u64,
        max_wait: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::permits_or_none)] slow_down: Option<u64>,
        clock: Option<Bound<'_, PyAny>>,
        unix_clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Tracker> {
        let mut tracker = client::Tracker::new().max_limits(usize::try_from(max_limits).unwrap_or(usize::MAX));
        if let Some(wait) = max_wait {
            tracker = tracker.max_wait(arguments::duration(&wait, "max_wait")?);
        }
        if let Some(percent) = slow_down {
            tracker = tracker.slow_down(SlowDown::below_percent(percent));
        }
        Ok(Tracker {
            tracker: Mutex::new(tracker),
            clock: clock.map(Clock::new).transpose()?,
            unix_clock: unix_clock.map(Clock::new).transpose()?,
        })
    }

    /// A response came: its route, its status, its headers (a mapping, or pairs; str or bytes).
    fn observe(&self, py: Python<'_>, route: &str, status: u16, headers: &Bound<'_, PyAny>) -> PyResult<()> {
        let pairs = if headers.hasattr("items")? { headers.call_method0("items")? } else { headers.clone() };
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        for pair in pairs.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            fields.push((String::from_utf8_lossy(&field(&name)?).into_owned(), field(&value)?));
        }
        let unix = self.unix_clock.as_ref().map_or_else(|| Ok(SystemClock.now()), |clock| clock.read(py))?;
        let now = self.now(py)?;
        self.locked().observe(route, status, &Observed::parse(fields, unix), now);
        Ok(())
    }

    /// A request goes out now: what remains is one less until a response says more.
    #[pyo3(signature = (route=""))]
    fn sent(&self, py: Python<'_>, route: &str) -> PyResult<()> {
        let now = self.now(py)?;
        self.locked().sent(route, now);
        Ok(())
    }

    /// Seconds to wait before the next request to a route; 0.0 to go on.
    #[pyo3(signature = (route=""))]
    fn next_delay(&self, py: Python<'_>, route: &str) -> PyResult<f64> {
        Ok(seconds(self.next_delay_ns(py, route)?))
    }

    /// As `next_delay`, in whole nanoseconds.
    #[pyo3(signature = (route=""))]
    fn next_delay_ns(&self, py: Python<'_>, route: &str) -> PyResult<u64> {
        let now = self.now(py)?;
        Ok(self.locked().next_delay(route, now))
    }

    /// The limits that are known and not over: route, name, scope, limit, remaining, until_ns.
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let tracker = self.locked().clone();
        let limits = tracker.limits().map(|limit| {
            let told = PyDict::new(py);
            told.set_item("route", limit.route)?;
            told.set_item("name", limit.name)?;
            told.set_item("scope", limit.scope)?;
            told.set_item("limit", limit.limit)?;
            told.set_item("remaining", limit.remaining)?;
            told.set_item("until_ns", limit.until)?;
            Ok(told)
        });
        limits.collect()
    }

    fn __repr__(&self) -> String {
        format!("<Tracker of {} limits>", self.locked().limits().count())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a tracker cannot be pickled or copied: its times are those of this process's clock"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for clock in [&self.clock, &self.unix_clock].into_iter().flatten() {
            clock.traverse(&visit)?;
        }
        Ok(())
    }
}

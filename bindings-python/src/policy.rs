//! `Policy` for Python: a provider's published limits, asked about one request, and loaded again while it is asked.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;
use tidegate::Carry;
use tidegate_policy::headers::Dialect;
use tidegate_policy::{PolicyBuilder, PolicyError, PolicyHandle};

use crate::arguments;
use crate::clock::Clock;
use crate::errors;
use crate::request::Asked;
use crate::verdict::Verdict;

/// The limits that a provider publishes, loaded from a policy file and enforced. Made by `from_file`, `from_toml` or `from_json`.
///
/// Threads may share it; what was counted belongs to the process. `reload` puts another file in force meanwhile.
#[pyclass(frozen, weakref, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Policy {
    policy: PolicyHandle,
    carry: Carry,
    clock: Option<Clock>,
}

/// Loads a policy with the options that Python gave.
///
/// # Errors
/// `PolicyError`; `TypeError` and `ValueError` for the options.
fn loaded(
    options: Option<&Bound<'_, PyDict>>,
    load: impl FnOnce(PolicyBuilder) -> Result<tidegate_policy::Policy, PolicyError>,
) -> PyResult<Policy> {
    let (mut builder, mut clock, mut carry) = (tidegate_policy::Policy::builder(), None, Carry::Time);
    for (name, value) in options.iter().flat_map(|options| options.iter()) {
        let name: PyBackedStr = name.extract()?;
        match &*name {
            "max_keys" => {
                if !value.is_none() {
                    let keys = arguments::count(&value, "max_keys")?;
                    builder = builder.max_keys(u32::try_from(keys).unwrap_or(u32::MAX));
                }
            }
            "enforce_examples" => builder = builder.enforce_examples(value.extract()?),
            "carry" => carry = arguments::carry(&value)?,
            "clock" => clock = (!value.is_none()).then(|| Clock::new(value)).transpose()?,
            _ => return Err(PyTypeError::new_err(format!("unexpected keyword argument {:?}", &*name))),
        }
    }
    let policy = load(builder).map_err(errors::policy)?;
    Ok(Policy { policy: PolicyHandle::new(policy).carry(carry), carry, clock })
}

impl Policy {
    fn now(&self, py: Python<'_>) -> PyResult<u64> {
        self.clock.as_ref().map_or_else(|| Ok(self.policy.load().now()), |clock| clock.read(py))
    }

    fn ask(&self, py: Python<'_>, keywords: Option<&Bound<'_, PyDict>>, spend: bool) -> PyResult<Verdict> {
        let asked = Asked::new(keywords)?;
        let (now, request, policy) = (self.now(py)?, asked.request(), self.policy.load());
        let verdict = if spend { policy.take_at(now, &request) } else { policy.peek_at(now, &request) };
        let verdict = verdict.map_err(|error| errors::request(error.to_string()))?;
        Ok(Verdict::new(verdict, policy.headers().and_then(Dialect::of)))
    }

    fn replace(
        &self,
        py: Python<'_>,
        load: impl FnOnce(PolicyBuilder) -> Result<tidegate_policy::Policy, PolicyError> + Send,
    ) -> PyResult<()> {
        let now = self.now(py)?;
        // Reading a file, and waiting for another reload.
        py.detach(|| self.policy.exchange_at(now, load)).map_err(errors::policy)
    }
}

#[pymethods]
impl Policy {
    /// Load a policy file: JSON if its name ends in .json, TOML otherwise.
    ///
    /// max_keys: how many keys each limit remembers where the file does not say. enforce_examples: whether the example numbers of limits that state
    /// none are enforced. carry: what becomes of what is used when a quota is changed by `reload` (see Limiter.reconfigure). clock: a callable that
    /// returns Unix time in int nanoseconds.
    /// Raises PolicyError (a ValueError) with `file`, `line` and `column`.
    #[staticmethod]
    #[pyo3(
        signature = (path, **options),
        text_signature = "(path, *, max_keys=None, enforce_examples=False, carry='keep', clock=None)"
    )]
    fn from_file(path: PathBuf, options: Option<&Bound<'_, PyDict>>) -> PyResult<Policy> {
        loaded(options, |builder| builder.from_file(path))
    }

    /// Load a policy from TOML text; `file` is the name that errors carry.
    #[staticmethod]
    #[pyo3(
        signature = (text, file="policy.toml", **options),
        text_signature = "(text, file='policy.toml', *, max_keys=None, enforce_examples=False, carry='keep', clock=None)"
    )]
    fn from_toml(text: &str, file: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<Policy> {
        loaded(options, |builder| builder.from_toml(text, file))
    }

    /// Load a policy from JSON text: the same keys as in TOML.
    #[staticmethod]
    #[pyo3(
        signature = (text, file="policy.json", **options),
        text_signature = "(text, file='policy.json', *, max_keys=None, enforce_examples=False, carry='keep', clock=None)"
    )]
    fn from_json(text: &str, file: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<Policy> {
        loaded(options, |builder| builder.from_json(text, file))
    }

    /// Load a file with the same options, and put it in force without stopping anybody.
    ///
    /// Limits are matched by their id: with the same quota they go on counting; a changed quota takes over what is used, as `carry` says; one under
    /// another algorithm or scope begins anew. Verdicts that are held keep what they hold.
    /// Raises PolicyError; the policy in force then stays.
    fn reload(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.replace(py, |builder| builder.from_file(path))
    }

    /// As `reload`, from TOML text.
    #[pyo3(signature = (text, file="policy.toml"))]
    fn reload_toml(&self, py: Python<'_>, text: &str, file: &str) -> PyResult<()> {
        self.replace(py, |builder| builder.from_toml(text, file))
    }

    /// As `reload`, from JSON text.
    #[pyo3(signature = (text, file="policy.json"))]
    fn reload_json(&self, py: Python<'_>, text: &str, file: &str) -> PyResult<()> {
        self.replace(py, |builder| builder.from_json(text, file))
    }

    /// Count a request against every limit that it meets: all of them, or none.
    ///
    /// endpoint: method and path, such as "POST /v1/x/send". scopes: who is asking, by the name of each scope: {"api-key": "k", "ip": "192.0.2.1"}.
    /// units: how much the request carries, such as {"emails": 40}; cost: what it takes of every limit whose unit is not named there.
    /// zone: the customer's own time zone, for calendar quotas that name none.
    /// Raises RequestError (a ValueError) for a question without meaning; nothing was counted then. A denied request is no error.
    #[pyo3(
        signature = (**request),
        text_signature = "($self, *, plan=None, endpoint=None, scopes=None, customer=None, cost=1, units=None, zone=None)"
    )]
    fn take(&self, py: Python<'_>, request: Option<&Bound<'_, PyDict>>) -> PyResult<Verdict> {
        self.ask(py, request, true)
    }

    /// What take would answer; nothing is counted.
    #[pyo3(
        signature = (**request),
        text_signature = "($self, *, plan=None, endpoint=None, scopes=None, customer=None, cost=1, units=None, zone=None)"
    )]
    fn peek(&self, py: Python<'_>, request: Option<&Bound<'_, PyDict>>) -> PyResult<Verdict> {
        self.ask(py, request, false)
    }

    /// The ids of all limits, in the order of the file.
    #[getter]
    fn limits(&self) -> Vec<String> {
        self.policy.load().limits().iter().map(|limit| limit.id().to_owned()).collect()
    }

    /// Who publishes the limits.
    #[getter]
    fn provider(&self) -> String {
        self.policy.load().provider().name().to_owned()
    }

    /// The dialect of the provider's headers, by name; None if it has none that can be written.
    #[getter]
    fn dialect(&self) -> Option<String> {
        self.policy.load().headers().and_then(Dialect::of).map(|dialect| dialect.to_string())
    }

    /// The same policy with nothing counted yet.
    fn anew(&self, py: Python<'_>) -> Policy {
        let policy = PolicyHandle::new(self.policy.load().anew()).carry(self.carry);
        Policy { policy, carry: self.carry, clock: self.clock.as_ref().map(|clock| clock.clone_ref(py)) }
    }

    fn __repr__(&self) -> String {
        let policy = self.policy.load();
        format!("<Policy of {}: {} limits>", policy.provider().name(), policy.limits().len())
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

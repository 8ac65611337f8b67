//! What Python asks a policy: keyword arguments, as the request that they describe.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyString};
use tidegate_policy::{Request, Scope};

use crate::arguments;
use crate::errors;

/// What a request is, in words that this holds.
#[derive(Default)]
pub(crate) struct Asked {
    plan: Option<PyBackedStr>,
    customer: Option<PyBackedStr>,
    endpoint: Option<PyBackedStr>,
    scopes: Vec<(Scope, PyBackedStr)>,
    units: Vec<(PyBackedStr, u64)>,
    zone: Option<PyBackedStr>,
    cost: Option<u64>,
}

impl Asked {
    /// Reads the arguments of `Policy.take`.
    ///
    /// # Errors
    /// `TypeError` for an argument of another name and for a wrong type, `RequestError` for an unknown scope, `ValueError` for a negative number.
    pub(crate) fn new(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<Asked> {
        let mut asked = Asked::default();
        for (name, value) in keywords.iter().flat_map(|keywords| keywords.iter()) {
            let name: PyBackedStr = name.extract()?;
            match &*name {
                "plan" => asked.plan = text(&name, &value)?,
                "customer" => asked.customer = text(&name, &value)?,
                "endpoint" => asked.endpoint = text(&name, &value)?,
                "zone" => asked.zone = text(&name, &value)?,
                "cost" => asked.cost = Some(arguments::permits(&value)?),
                "scopes" => asked.scopes = pairs(&name, &value)?.into_iter().map(scope).collect::<PyResult<_>>()?,
                "units" => asked.units = pairs(&name, &value)?.into_iter().map(unit).collect::<PyResult<_>>()?,
                _ => {
                    let known = "plan, endpoint, scopes, customer, cost, units and zone";
                    let message = format!("unexpected keyword argument {:?}: a request has {known}", &*name);
                    return Err(PyTypeError::new_err(message));
                }
            }
        }
        Ok(asked)
    }

    pub(crate) fn request(&self) -> Request<'_> {
        let mut request = Request::new().cost(self.cost.unwrap_or(1));
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

fn wrong(name: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    match value.get_type().name() {
        Ok(kind) => PyTypeError::new_err(format!("{name} is {expected}, not {kind}")),
        Err(error) => error,
    }
}

fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<PyBackedStr>> {
    if value.is_none() { Ok(None) } else { word(name, value).map(Some) }
}

/// # Errors
/// `TypeError` if it is no `str`; `UnicodeEncodeError`, a `ValueError`, for a lone surrogate.
fn word(name: &str, value: &Bound<'_, PyAny>) -> PyResult<PyBackedStr> {
    let word = value.cast::<PyString>().map_err(|_| wrong(name, "a str", value))?;
    PyBackedStr::try_from(word.clone())
}

/// The entries of a mapping; None has none.
fn pairs<'py>(name: &str, mapping: &Bound<'py, PyAny>) -> PyResult<Vec<(PyBackedStr, Bound<'py, PyAny>)>> {
    if mapping.is_none() {
        return Ok(Vec::new());
    }
    if !mapping.hasattr("items")? {
        return Err(wrong(name, "a mapping", mapping));
    }
    mapping.call_method0("items")?.try_iter()?.map(|pair| pair?.extract()).collect()
}

fn scope((name, key): (PyBackedStr, Bound<'_, PyAny>)) -> PyResult<(Scope, PyBackedStr)> {
    let scope = name.parse().map_err(|error: tidegate_policy::UnknownScope| errors::request(error.to_string()))?;
    Ok((scope, word(&format!("the key of scope {:?}", &*name), &key)?))
}

fn unit((name, amount): (PyBackedStr, Bound<'_, PyAny>)) -> PyResult<(PyBackedStr, u64)> {
    Ok((name, arguments::permits(&amount)?))
}

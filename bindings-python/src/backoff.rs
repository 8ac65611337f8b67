//! `Backoff` for Python: a schedule of delays, and a session that walks it.

use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyTuple};
use tidegate::Jitter;
use tidegate::backoff::Session;

use crate::arguments;
use crate::decision::seconds;

/// A schedule of delays between retries. A frozen value, which can be pickled; `iter()` or `start()` begins a session.
///
/// Made by `constant`, `linear`, `exponential` or `fibonacci`. Delays are float seconds, at least 0.
/// jitter: "none", "full" (U(0, v)), "equal" (v/2 + U(0, v/2)), "decorrelated", or a number of seconds j: v + U(0, j).
/// max_delay: the cap; it includes the jitter. max_retries: how many delays there are. max_elapsed: no delay would end later than this
///     after the session began, by the delays' own sum. seed: None draws a new one for each session.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Backoff {
    schedule: tidegate::Backoff,
    made: Made,
}

/// The call that made a schedule, for `__repr__` and pickling.
#[derive(Debug)]
struct Made {
    by: &'static str,
    arguments: Py<PyTuple>,
    options: Py<PyDict>,
}

/// By what they do: `exponential(1, factor=2)` is `exponential(1.0)`.
impl PartialEq for Backoff {
    fn eq(&self, other: &Backoff) -> bool {
        self.schedule == other.schedule
    }
}

impl Eq for Backoff {}

impl Hash for Backoff {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.schedule.hash(state);
    }
}

/// One walk along a schedule: an iterator of float seconds.
#[pyclass(frozen, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct BackoffSession(Mutex<Session>);

/// What all schedules take; None is as if it were not said.
const OPTIONS: [&str; 5] = ["max_delay", "jitter", "max_retries", "max_elapsed", "seed"];

/// A schedule by its first arguments, with the options that all schedules have.
fn made<'py, A: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>>(
    py: Python<'py>,
    by: &'static str,
    arguments: A,
    mut schedule: tidegate::Backoff,
    given: Option<&Bound<'py, PyDict>>,
) -> PyResult<Backoff> {
    let options = PyDict::new(py);
    for (name, value) in given.iter().flat_map(|given| given.iter()) {
        let name: PyBackedStr = name.extract()?;
        if value.is_none() && OPTIONS.contains(&&*name) {
            continue;
        }
        schedule = match &*name {
            "max_delay" => schedule.max_delay(span(&value, "max_delay")?),
            "jitter" => schedule.jitter(jitter_of(&value)?),
            // More than 32 bits can count is more than anybody waits for.
            "max_retries" => {
                schedule.max_retries(u32::try_from(arguments::count(&value, "max_retries")?).unwrap_or(u32::MAX))
            }
            "max_elapsed" => schedule.max_elapsed(span(&value, "max_elapsed")?),
            "seed" => schedule.seed(arguments::exact(&value)?),
            // Only `exponential` hands it on, and has read it.
            "factor" if by == "exponential" => schedule,
            _ => return Err(PyTypeError::new_err(format!("{by}() got an unexpected keyword argument {:?}", &*name))),
        };
        options.set_item(&name, value)?;
    }
    let arguments = arguments.into_pyobject(py)?.unbind();
    Ok(Backoff { schedule, made: Made { by, arguments, options: options.unbind() } })
}

fn span(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Duration> {
    arguments::duration(value, what).map(Duration::from_nanos)
}

fn jitter_of(value: &Bound<'_, PyAny>) -> PyResult<Jitter> {
    let Ok(name) = arguments::text(value) else {
        return span(value, "jitter").map(Jitter::Additive);
    };
    match name.as_str() {
        "none" => Ok(Jitter::None),
        "full" => Ok(Jitter::Full),
        "equal" => Ok(Jitter::Equal),
        "decorrelated" => Ok(Jitter::Decorrelated),
        _ => Err(PyValueError::new_err(format!(
            "unknown jitter {name:?}: expected none, full, equal, decorrelated, or a number of seconds to add"
        ))),
    }
}

#[pymethods]
impl Backoff {
    /// The same delay again and again.
    #[staticmethod]
    #[pyo3(
        signature = (delay, **options),
        text_signature = "(delay, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None)"
    )]
    fn constant(delay: Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Backoff> {
        let schedule = tidegate::Backoff::constant(span(&delay, "the delay")?);
        made(delay.py(), "constant", (&delay,), schedule, options)
    }

    /// base, base + step, base + 2 step ...
    #[staticmethod]
    #[pyo3(
        signature = (base, step, **options),
        text_signature = "(base, step, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None)"
    )]
    fn linear(
        base: Bound<'_, PyAny>,
        step: Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Backoff> {
        let schedule = tidegate::Backoff::linear(span(&base, "the base")?, span(&step, "the step")?);
        made(base.py(), "linear", (&base, &step), schedule, options)
    }

    /// base, base * factor, base * factor**2 ... The factor is 1 or at least 1.001, and read as the decimal number that it prints as.
    #[staticmethod]
    #[pyo3(
        signature = (base, *, factor=2.0, **options),
        text_signature = "(base, *, factor=2, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None)"
    )]
    fn exponential(base: Bound<'_, PyAny>, factor: f64, options: Option<&Bound<'_, PyDict>>) -> PyResult<Backoff> {
        let schedule = tidegate::Backoff::exponential(span(&base, "the base")?)
            .factor_decimal(&format!("{factor}"))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        let all = PyDict::new(base.py());
        all.set_item("factor", factor)?;
        if let Some(options) = options {
            all.update(options.as_mapping())?;
        }
        made(base.py(), "exponential", (&base,), schedule, Some(&all))
    }

    /// base, base, 2 base, 3 base, 5 base ...
    #[staticmethod]
    #[pyo3(
        signature = (base, **options),
        text_signature = "(base, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None)"
    )]
    fn fibonacci(base: Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Backoff> {
        let schedule = tidegate::Backoff::fibonacci(span(&base, "the base")?);
        made(base.py(), "fibonacci", (&base,), schedule, options)
    }

    /// Begin a session: one walk along the schedule, for one operation.
    fn start(&self) -> BackoffSession {
        BackoffSession(Mutex::new(self.schedule.start()))
    }

    fn __iter__(&self) -> BackoffSession {
        self.start()
    }

    /// As it was made.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut said: Vec<String> = Vec::new();
        for argument in self.made.arguments.bind(py) {
            said.push(argument.repr()?.to_string());
        }
        for (name, value) in self.made.options.bind(py) {
            said.push(format!("{name}={}", value.repr()?));
        }
        Ok(format!("Backoff.{}({})", self.made.by, said.join(", ")))
    }

    /// The same call again: `methodcaller(by, *arguments, **options)(Backoff)`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
        let (py, made) = (slf.py(), &slf.get().made);
        let by = PyTuple::new(py, [made.by])?.into_sequence().concat(made.arguments.bind(py).as_sequence())?;
        let call = py.import("operator")?.getattr("methodcaller")?;
        let call = call.call(by.to_tuple()?, Some(made.options.bind(py)))?;
        Ok((call, (slf.get_type().into_any(),)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.made.arguments)?;
        visit.call(&self.made.options)
    }
}

impl BackoffSession {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl BackoffSession {
    /// The next delay in seconds, or None: give up.
    ///
    /// retry_after: what the server said (seconds or a timedelta); the delay is never shorter, jitter comes on top.
    #[pyo3(signature = (retry_after=None))]
    fn next_delay(&self, retry_after: Option<Bound<'_, PyAny>>) -> PyResult<Option<f64>> {
        let hint = retry_after.map(|hint| arguments::duration(&hint, "retry_after")).transpose()?;
        Ok(self.session().next_delay_nanos(hint).map(seconds))
    }

    /// Begin anew, with the random numbers going on.
    fn reset(&self) {
        self.session().reset();
    }

    /// How many delays have been given.
    #[getter]
    fn retries(&self) -> u32 {
        self.session().retries()
    }

    /// The seed: with it, the same delays come again.
    #[getter]
    fn seed(&self) -> u64 {
        self.session().seed()
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self) -> Option<f64> {
        self.session().next_delay_nanos(None).map(seconds)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a session cannot be pickled or copied: it would draw the same delays twice"))
    }
}

//! `Backoff` for Python: a schedule of delays, and a session that walks it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tidegate::Jitter;
use tidegate::backoff::Session;

use crate::arguments;
use crate::decision::seconds;

/// A schedule of delays between retries. A frozen value; `iter()` or `start()` begins a session.
///
/// Made by `constant`, `linear`, `exponential` or `fibonacci`. Delays are float seconds, at least 0.
/// jitter: "none", "full" (U(0, v)), "equal" (v/2 + U(0, v/2)), "decorrelated", or a number of seconds j: v + U(0, j).
/// max_delay: the cap; it includes the jitter. max_retries: how many delays there are. max_elapsed: no delay would end later than this
///     after the session began, by the delays' own sum. seed: None draws a new one for each session.
#[pyclass(frozen, eq, hash, module = "tidegate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Backoff(tidegate::Backoff);

/// One walk along a schedule: an iterator of float seconds.
#[pyclass(frozen, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct BackoffSession(Mutex<Session>);

/// What all schedules have in common.
struct Bounds<'a, 'py> {
    max_delay: Option<&'a Bound<'py, PyAny>>,
    jitter: Option<&'a Bound<'py, PyAny>>,
    max_retries: Option<&'a Bound<'py, PyAny>>,
    max_elapsed: Option<&'a Bound<'py, PyAny>>,
    seed: Option<&'a Bound<'py, PyAny>>,
}

impl Bounds<'_, '_> {
    fn apply(self, mut backoff: tidegate::Backoff) -> PyResult<Backoff> {
        if let Some(cap) = self.max_delay {
            backoff = backoff.max_delay(span(cap, "max_delay")?);
        }
        if let Some(jitter) = self.jitter {
            backoff = backoff.jitter(jitter_of(jitter)?);
        }
        if let Some(retries) = self.max_retries {
            // More than 32 bits can count is more than anybody waits for.
            backoff = backoff.max_retries(u32::try_from(arguments::permits(retries)?).unwrap_or(u32::MAX));
        }
        if let Some(elapsed) = self.max_elapsed {
            backoff = backoff.max_elapsed(span(elapsed, "max_elapsed")?);
        }
        if let Some(seed) = self.seed {
            backoff = backoff.seed(arguments::exact(seed)?);
        }
        Ok(Backoff(backoff))
    }
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
    #[pyo3(signature = (delay, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None))]
    fn constant(
        delay: &Bound<'_, PyAny>,
        max_delay: Option<&Bound<'_, PyAny>>,
        jitter: Option<&Bound<'_, PyAny>>,
        max_retries: Option<&Bound<'_, PyAny>>,
        max_elapsed: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Backoff> {
        let bounds = Bounds { max_delay, jitter, max_retries, max_elapsed, seed };
        bounds.apply(tidegate::Backoff::constant(span(delay, "the delay")?))
    }

    /// base, base + step, base + 2 step ...
    #[staticmethod]
    #[pyo3(signature = (base, step, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None))]
    #[allow(clippy::too_many_arguments)]
    fn linear(
        base: &Bound<'_, PyAny>,
        step: &Bound<'_, PyAny>,
        max_delay: Option<&Bound<'_, PyAny>>,
        jitter: Option<&Bound<'_, PyAny>>,
        max_retries: Option<&Bound<'_, PyAny>>,
        max_elapsed: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Backoff> {
        let bounds = Bounds { max_delay, jitter, max_retries, max_elapsed, seed };
        bounds.apply(tidegate::Backoff::linear(span(base, "the base")?, span(step, "the step")?))
    }

    /// base, base * factor, base * factor**2 ... The factor is 1 or at least 1.001, and read as the decimal number that it prints as.
    #[staticmethod]
    #[pyo3(signature = (base, *, factor=2.0, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None))]
    #[pyo3(
        text_signature = "(base, *, factor=2, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None)"
    )]
    #[allow(clippy::too_many_arguments)]
    fn exponential(
        base: &Bound<'_, PyAny>,
        factor: f64,
        max_delay: Option<&Bound<'_, PyAny>>,
        jitter: Option<&Bound<'_, PyAny>>,
        max_retries: Option<&Bound<'_, PyAny>>,
        max_elapsed: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Backoff> {
        let backoff = tidegate::Backoff::exponential(span(base, "the base")?)
            .factor_decimal(&format!("{factor}"))
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Bounds { max_delay, jitter, max_retries, max_elapsed, seed }.apply(backoff)
    }

    /// base, base, 2 base, 3 base, 5 base ...
    #[staticmethod]
    #[pyo3(signature = (base, *, max_delay=None, jitter=None, max_retries=None, max_elapsed=None, seed=None))]
    fn fibonacci(
        base: &Bound<'_, PyAny>,
        max_delay: Option<&Bound<'_, PyAny>>,
        jitter: Option<&Bound<'_, PyAny>>,
        max_retries: Option<&Bound<'_, PyAny>>,
        max_elapsed: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Backoff> {
        let bounds = Bounds { max_delay, jitter, max_retries, max_elapsed, seed };
        bounds.apply(tidegate::Backoff::fibonacci(span(base, "the base")?))
    }

    /// Begin a session: one walk along the schedule, for one operation.
    fn start(&self) -> BackoffSession {
        BackoffSession(Mutex::new(self.0.start()))
    }

    fn __iter__(&self) -> BackoffSession {
        self.start()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Backoff cannot be pickled; send its arguments and make another"))
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

//! How a limiter shows itself: as the call that makes one like it.

use pyo3::prelude::*;

use crate::clock::Clock;

/// `Name(argument, option=value, ...)`.
pub(crate) struct Repr(String);

impl Repr {
    /// Begins with the name of its class, which may be a subclass of the user's.
    pub(crate) fn new<T>(shown: &Bound<'_, T>, argument: &str) -> PyResult<Repr> {
        Ok(Repr(format!("{}({argument}", shown.as_any().get_type().name()?)))
    }

    /// Another argument, in Python's words.
    pub(crate) fn argument(mut self, value: &str) -> Repr {
        self.0 += &format!(", {value}");
        self
    }

    /// An option, unless it is as if it were not said.
    pub(crate) fn option(self, name: &str, value: Option<String>) -> Repr {
        match value {
            None => self,
            Some(value) => self.argument(&format!("{name}={value}")),
        }
    }

    /// The end, with the clock if there is one.
    pub(crate) fn end(self, py: Python<'_>, clock: Option<&Clock>) -> PyResult<String> {
        let clock = clock.map(|clock| clock.callable(py).repr().map(|clock| clock.to_string())).transpose()?;
        Ok(self.option("clock", clock).0 + ")")
    }
}

/// A name as a Python string, unless it is the one that goes without saying.
pub(crate) fn unless(usual: &str, name: &str) -> Option<String> {
    (name != usual).then(|| format!("{name:?}"))
}

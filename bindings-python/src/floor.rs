//! Methods that do nothing: the floor under every figure of `bench/`, as no method of an extension class can be faster.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// What a call costs by itself.
#[pyclass(frozen, name = "_Floor", module = "tidegate")]
pub(crate) struct Floor;

#[pymethods]
impl Floor {
    #[new]
    fn new() -> Floor {
        Floor
    }

    /// As `Limiter.try_acquire`.
    #[pyo3(signature = (n=1))]
    fn call(&self, n: u64) -> bool {
        n == 1
    }

    /// As `KeyedLimiter.try_acquire`.
    #[pyo3(signature = (key, n=1))]
    fn call_with(&self, key: &Bound<'_, PyString>, n: u64) -> PyResult<bool> {
        Ok(n == 1 && !key.to_str()?.is_empty())
    }
}

//! Keys: `str`, `bytes` or `int`, as bytes that no two different keys share.
//!
//! A text is its UTF-8; a lone surrogate, which UTF-8 cannot say, is encoded as Python's `surrogatepass` does, so that texts stay apart. `bytes`
//! and `int` begin with a byte that no text begins with. So `"1"`, `b"1"` and `1` are three keys; `1` and `True` are one, as in a dict.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};

/// No UTF-8 begins with these.
const BYTES: u8 = 0xff;
const WHOLE: u8 = 0xfe;

/// Calls `with` with the bytes of a key.
///
/// # Errors
/// `TypeError` for other types: their `hash` is not stable, or their equality not that of bytes.
#[inline]
pub(crate) fn with_key<R>(key: &Bound<'_, PyAny>, with: impl FnOnce(&[u8]) -> PyResult<R>) -> PyResult<R> {
    if let Ok(text) = key.cast::<PyString>()
        && let Ok(text) = text.to_str()
    {
        return with(text.as_bytes());
    }
    with(&unusual(key)?)
}

#[cold]
fn unusual(key: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if key.is_instance_of::<PyString>() {
        let encoded = key.call_method1("encode", ("utf-8", "surrogatepass"))?;
        return Ok(encoded.cast::<PyBytes>()?.as_bytes().to_vec());
    }
    if let Ok(bytes) = key.cast::<PyBytes>() {
        return Ok([&[BYTES], bytes.as_bytes()].concat());
    }
    if key.is_instance_of::<PyInt>() {
        // Decimal digits: as long as the number needs, and each number has one.
        let digits = key.py().get_type::<PyInt>().call_method1("__repr__", (key,))?;
        return Ok([&[WHOLE], digits.cast::<PyString>()?.to_str()?.as_bytes()].concat());
    }
    Err(PyTypeError::new_err(format!("a key is a str, bytes or int, not {}", key.get_type().name()?)))
}

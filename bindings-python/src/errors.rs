//! Errors: the exception class is written in Python (`tidegate/_errors.py`), so that it pickles and can be subclassed.

use pyo3::PyErr;

use crate::decision::Decision;

pyo3::import_exception!(tidegate._errors, QuotaError);
pyo3::import_exception!(tidegate._errors, RateLimitExceeded);

/// Denied, where an answer is no way to say so.
pub(crate) fn exceeded(message: String, decision: Decision) -> PyErr {
    RateLimitExceeded::new_err((decision, message))
}

/// A quota that the core refused.
pub(crate) fn refused(error: tidegate::QuotaError) -> PyErr {
    QuotaError::new_err((error.to_string(),))
}

/// A text that the core could not read. Python counts positions in characters, the core in bytes.
pub(crate) fn unreadable(error: tidegate::QuotaError, text: &str) -> PyErr {
    let message = error.to_string();
    let Some(byte) = error.position() else {
        return QuotaError::new_err((message, text.to_owned()));
    };
    let position = text.char_indices().take_while(|(at, _)| *at < byte).count();
    // The same sentence after another number.
    let reason = message.strip_prefix(&format!("at position {byte}: ")).unwrap_or(&message);
    let hint = if text.as_bytes().get(byte) == Some(&b';') { "; several quotas are a LimiterGroup" } else { "" };
    QuotaError::new_err((format!("at position {position}: {reason}{hint}"), text.to_owned(), position))
}

/// A number for a quota that no core type can hold.
pub(crate) fn meaningless(message: impl Into<String>) -> PyErr {
    QuotaError::new_err((message.into(),))
}

pyo3::import_exception!(tidegate._errors, PolicyError);
pyo3::import_exception!(tidegate._errors, RequestError);

/// A policy that was refused, and where.
pub(crate) fn policy(error: tidegate_policy::PolicyError) -> PyErr {
    let place = error.place().map(|place| (place.line(), place.column()));
    let (line, column) = place.unzip();
    PolicyError::new_err((error.to_string(), error.file().to_owned(), line, column))
}

/// A question that a policy cannot answer.
pub(crate) fn request(message: String) -> PyErr {
    RequestError::new_err((message,))
}

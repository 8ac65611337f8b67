//! What a concurrency limit refuses, and why.

use core::fmt;

use super::count::MAX_LIMIT;

/// A limit that cannot be: 0, or above 2^31 - 1. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimitError {
    pub(super) limit: u64,
}

impl ConcurrencyLimitError {
    /// The limit that was asked for.
    pub const fn limit(&self) -> u64 {
        self.limit
    }
}

impl fmt::Display for ConcurrencyLimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a concurrency limit must be from 1 to {MAX_LIMIT}, not {}", self.limit)
    }
}

impl core::error::Error for ConcurrencyLimitError {}

/// Why a caller who was ready to wait did not enter. No permit was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnterError {
    /// The timeout passed before the caller's turn came.
    TimedOut,
    /// More permits than the limit has, when asked or when the caller's turn came: they would never fit.
    TooMany {
        /// The permits asked for.
        permits: u64,
        /// The limit then.
        limit: u64,
    },
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnterError::TimedOut => f.write_str("timed out before a permit was free"),
            EnterError::TooMany { permits, limit } => {
                write!(f, "{permits} permits can never fit under a limit of {limit}")
            }
        }
    }
}

impl core::error::Error for EnterError {}

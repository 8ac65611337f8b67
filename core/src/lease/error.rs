//! Why a limiter cannot be leased out, and why there is no lease to be had.

use core::fmt;

use crate::quota::QuotaError;
use crate::rule::Algorithm;

/// Why a [`Leased`](crate::Leased) was not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseError {
    /// The algorithm cannot hold the quota.
    Quota(QuotaError),
    /// Permits in hand outlive the windows of this algorithm, or its log: only GCRA and the token bucket with continuous refill can be leased.
    Algorithm(Algorithm),
    /// A token bucket with interval refill: as above.
    IntervalRefill,
    /// No worker.
    ZeroWorkers,
    /// A batch of nothing.
    ZeroBatch,
    /// `workers * batch` is not below the burst: nothing would be left to share.
    BurstTooSmall {
        /// The burst of the quota.
        burst: u64,
        /// `workers * batch`, at most `u64::MAX`: the burst must be larger.
        held_back: u64,
    },
}

impl From<QuotaError> for LeaseError {
    fn from(error: QuotaError) -> Self {
        LeaseError::Quota(error)
    }
}

impl fmt::Display for LeaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeaseError::Quota(error) => error.fmt(f),
            LeaseError::Algorithm(algorithm) => {
                write!(f, "{algorithm} cannot be leased: permits in hand would outlive its windows")
            }
            LeaseError::IntervalRefill => {
                f.write_str("interval refill cannot be leased: permits in hand would outlive its intervals")
            }
            LeaseError::ZeroWorkers => f.write_str("there must be at least 1 worker"),
            LeaseError::ZeroBatch => f.write_str("a batch must be at least 1 permit"),
            LeaseError::BurstTooSmall { burst, held_back } => {
                write!(f, "the burst of {burst} must be above workers * batch, which is {held_back}")
            }
        }
    }
}

impl core::error::Error for LeaseError {}

/// As many leases are out as there are workers; drop one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllLeased {
    pub(super) workers: u64,
}

impl AllLeased {
    /// The most leases that can be out at once.
    pub const fn workers(&self) -> u64 {
        self.workers
    }
}

impl fmt::Display for AllLeased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} leases are out", self.workers)
    }
}

impl core::error::Error for AllLeased {}

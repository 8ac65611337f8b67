//! The extension module of the Python package `tidegate`: it converts, calls the core, and converts back.
//!
//! There is no rule of limiting here. What a verb means stands in `docs/semantics.md`; what Python may pass stands in [`arguments`].
//! No class has state of its own that changes, so every class is `frozen`: no borrow flag, and free threads need no lock.
#![deny(unsafe_code)]

mod arguments;
mod backoff;
mod clock;
mod concurrency;
mod decision;
mod errors;
mod floor;
mod group;
mod headers;
mod keyed;
mod keyed_group;
mod keys;
mod limiter;
mod policy;
mod quota;
mod repr;
mod request;
mod reservation;
mod verdict;

#[pyo3::pymodule(gil_used = false)]
mod _tidegate {
    #[pymodule_export]
    use crate::arguments::_seconds;
    #[pymodule_export]
    use crate::backoff::{Backoff, BackoffSession};
    #[pymodule_export]
    use crate::concurrency::{Concurrency, Entering, Permit};
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::floor::Floor;
    #[pymodule_export]
    use crate::group::LimiterGroup;
    #[pymodule_export]
    use crate::headers::{_headers, Tracker};
    #[pymodule_export]
    use crate::keyed::KeyedLimiter;
    #[pymodule_export]
    use crate::keyed_group::KeyedLimiterGroup;
    #[pymodule_export]
    use crate::limiter::Limiter;
    #[pymodule_export]
    use crate::policy::Policy;
    #[pymodule_export]
    use crate::quota::Quota;
    #[pymodule_export]
    use crate::reservation::Reservation;
    #[pymodule_export]
    use crate::verdict::{LimitDecision, Verdict};

    /// The version of the Cargo workspace, which is that of the Python package too.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

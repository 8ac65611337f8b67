//! Nothing but a test: `tests/ordered.rs`.

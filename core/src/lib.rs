//! tidegate
#![no_std]
pub mod backoff;

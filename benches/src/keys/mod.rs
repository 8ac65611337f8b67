//! Tables of many limiters: tidegate's, the peers', and a plain sharded map, measured on the same keys in the same order.
//!
//! * [`space`]: the keys, and the orders in which they are asked for, made before anything is timed;
//! * [`subject`]: what is asked, ours and the sharded map; [`peers`]: the other crates; [`floor`]: the least that any of them must do;
//! * [`measure`]: interleaved slices, on one thread and on two;
//! * [`memory`]: bytes a key, counted at the allocator;
//! * [`report`]: the page.
//!
//! Every subject is called as its documentation shows, with its own default clock (or, where that is said, told the time by the caller), and under
//! the same quota: one permit every thousand seconds,
//! a million at once. So every call is admitted, no key becomes idle meanwhile, and whoever admits another number than was
//! asked has done other work.

pub mod floor;
pub mod measure;
pub mod memory;
pub mod peers;
pub mod report;
pub mod space;
pub mod subject;

/// Nanoseconds between two permits.
pub const INTERVAL: u64 = 1_000_000_000_000;
/// Permits at once.
pub const BURST: u32 = 1_000_000;

//! The queue of priorities, and the pacer that releases it at a rate.

#[path = "../wait/world.rs"]
#[allow(dead_code)]
mod world;

mod pacer;
mod queue;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;

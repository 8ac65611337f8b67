//! Waiting in line: order, one sleep each, refusals, and what becomes of those who leave. In virtual time, all of it.

#[path = "../every/mod.rs"]
mod every;
mod world;

mod blocking;
mod clocks;
mod group;
mod keyed;
mod leaving;
mod order;
mod refusals;
mod runtimes;

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;

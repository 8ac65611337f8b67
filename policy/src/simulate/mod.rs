//! Simulation: what a policy makes of a load, in virtual time.
//!
//! A [`Source`] brings requests in the order of time: a [`Load`] that is made up, or a [`Trace`] that was recorded. A [`Simulation`] asks the
//! policy about each, lets clients wait if they would, and counts. Nothing sleeps, nothing is kept of a request that is decided: a trace of
//! any length takes the same memory.
//!
//! ```
//! use std::time::Duration;
//! use tidegate_policy::simulate::{Load, Simulation, policy_of};
//! let policy = policy_of("10/s burst 1", None)?;
//! // 20 a second for one second, from clients who wait up to 200 ms.
//! let mut load = Load::steady("20/s".parse()?, Duration::from_secs(1));
//! let outcome = Simulation::new(&policy).max_wait(Duration::from_millis(200)).run(&mut load)?;
//! assert_eq!((outcome.asked(), outcome.at_once(), outcome.delayed(), outcome.denied()), (20, 1, 11, 8));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arrival;
mod chart;
mod column;
mod instant;
mod line;
mod load;
mod ndjson;
mod outcome;
mod quotas;
mod run;
mod series;
mod trace;

pub use arrival::{Arrival, Source};
pub use chart::ChartError;
pub use instant::InstantError;
pub use load::{Bursts, Load, Shape};
pub use outcome::{LimitTally, Outcome, Waits};
pub use quotas::{QuotaPolicyError, policy_of};
pub use run::{Simulation, SimulationError};
pub use series::{Bin, Series};
pub use trace::{Format, Trace, TraceError};

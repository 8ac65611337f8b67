//! The delay before a retry: tidegate and backon, exponential with jitter, capped, without end.

use core::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tidegate::backoff::{Backoff, Jitter};

use crate::candidate::{Candidate, Group, count_mut};

/// The name of ours.
pub const OURS: &str = "tidegate backoff: next_delay";

const BASE: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(60);

/// Ours and the peer's. A delay counts if it is a delay; one that ends the session would be a count too few.
pub fn candidates() -> Vec<Candidate> {
    let mut ours = Backoff::exponential(BASE).max_delay(CAP).jitter(Jitter::Equal).start();
    let builder = ExponentialBuilder::new().with_min_delay(BASE).with_max_delay(CAP).with_factor(2.0);
    let mut backon = builder.with_jitter().without_max_times().build();
    vec![
        Candidate::new(Group::Retry, OURS, move |calls| {
            count_mut(&mut ours, calls, |session| session.next_delay(None).is_some())
        }),
        Candidate::new(Group::Retry, "backon: next", move |calls| {
            count_mut(&mut backon, calls, |delays| delays.next().is_some())
        }),
    ]
}

//! `Outcome`: what became of a load.

use std::time::Duration;

use super::series::Series;

/// What became of a load.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(crate) asked: u64,
    pub(crate) at_once: u64,
    pub(crate) delayed: u64,
    pub(crate) denied: u64,
    pub(crate) late: u64,
    pub(crate) turned_away: u64,
    pub(crate) first: Option<u64>,
    pub(crate) last: u64,
    pub(crate) first_denied: Option<u64>,
    pub(crate) waits: Waits,
    pub(crate) limits: Vec<LimitTally>,
    pub(crate) series: Series,
}

/// How often one limit was the one that stood in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitTally {
    pub(crate) id: String,
    pub(crate) denied: u64,
    pub(crate) held_up: u64,
}

impl LimitTally {
    /// The id of the limit.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many requests were denied with this limit as the binding one.
    pub fn denied(&self) -> u64 {
        self.denied
    }

    /// How many requests had to wait with this limit as the binding one. (Those in line behind them are not counted.)
    pub fn held_up(&self) -> u64 {
        self.held_up
    }
}

impl Outcome {
    pub(crate) fn new() -> Outcome {
        Outcome {
            asked: 0,
            at_once: 0,
            delayed: 0,
            denied: 0,
            late: 0,
            turned_away: 0,
            first: None,
            last: 0,
            first_denied: None,
            waits: Waits::default(),
            limits: Vec::new(),
            series: Series::new(),
        }
    }

    /// Requests in all: those admitted at once, delayed and denied.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// Requests admitted when they came.
    pub fn at_once(&self) -> u64 {
        self.at_once
    }

    /// Requests admitted after a wait.
    pub fn delayed(&self) -> u64 {
        self.delayed
    }

    /// Requests denied.
    pub fn denied(&self) -> u64 {
        self.denied
    }

    /// Requests denied because too many were waiting already (see [`Simulation::max_waiting`](super::Simulation::max_waiting)).
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Requests that stood behind later ones in the trace; they were judged at the time of those.
    pub fn out_of_order(&self) -> u64 {
        self.late
    }

    /// When the first request came, in nanoseconds; `None` if none did.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// When the last request was decided, in nanoseconds.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// When the first request was denied, in nanoseconds.
    pub fn first_denied(&self) -> Option<u64> {
        self.first_denied
    }

    /// How long the delayed ones waited.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// The limits that stood in the way of any request, most denials first.
    pub fn limits(&self) -> &[LimitTally] {
        &self.limits
    }

    /// What happened when.
    pub fn series(&self) -> &Series {
        &self.series
    }

    pub(crate) fn tally(&mut self, id: &str) -> &mut LimitTally {
        let at = self.limits.iter().position(|tally| tally.id == id).unwrap_or_else(|| {
            self.limits.push(LimitTally { id: id.to_owned(), denied: 0, held_up: 0 });
            self.limits.len() - 1
        });
        &mut self.limits[at]
    }
}

/// Waits, counted in steps of an eighth of their size.
#[derive(Clone, Debug)]
pub struct Waits {
    count: u64,
    sum: u128,
    longest: u64,
    /// By the position of the highest bit and the three bits after it.
    steps: Box<[u64; 64 * 8]>,
}

impl Default for Waits {
    fn default() -> Self {
        Waits { count: 0, sum: 0, longest: 0, steps: Box::new([0; 64 * 8]) }
    }
}

impl Waits {
    pub(crate) fn add(&mut self, nanos: u64) {
        self.count += 1;
        self.sum += u128::from(nanos);
        self.longest = self.longest.max(nanos);
        self.steps[step(nanos)] += 1;
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }

    /// The mean; zero if there were none.
    pub fn mean(&self) -> Duration {
        // A mean of 64-bit numbers is one.
        Duration::from_nanos(self.sum.checked_div(u128::from(self.count)).unwrap_or(0) as u64)
    }

    /// No more than `percent` in a hundred waited longer than this, which may be an eighth too long. Zero if there were none.
    pub fn percentile(&self, percent: u32) -> Duration {
        let rank = (u128::from(self.count) * u128::from(percent.min(100))).div_ceil(100);
        let mut seen = 0u128;
        for (n, count) in self.steps.iter().enumerate() {
            seen += u128::from(*count);
            if *count > 0 && seen >= rank {
                return Duration::from_nanos(end_of(n).min(self.longest));
            }
        }
        Duration::ZERO
    }
}

fn step(nanos: u64) -> usize {
    let Some(high) = nanos.checked_ilog2() else { return 0 };
    let after = if high >= 3 { nanos >> (high - 3) } else { nanos << (3 - high) };
    high as usize * 8 + (after & 7) as usize
}

/// The last of a step.
fn end_of(step: usize) -> u64 {
    let (high, after) = ((step / 8) as u32, (step % 8) as u128);
    let end = ((8 + after + 1) << high).div_ceil(8);
    u64::try_from(end.saturating_sub(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_an_eighth() {
        let mut waits = Waits::default();
        assert_eq!((waits.mean(), waits.percentile(50)), (Duration::ZERO, Duration::ZERO));
        (1..=1_000).for_each(|wait| waits.add(wait * 1_000));
        assert_eq!((waits.longest(), waits.mean()), (Duration::from_micros(1_000), Duration::from_nanos(500_500)));
        for percent in [1, 10, 50, 90, 99, 100] {
            let (told, exact) = (waits.percentile(percent).as_nanos() as u64, u64::from(percent) * 10_000);
            assert!(exact <= told && told <= exact + exact / 8, "{percent}: {told}");
        }
    }

    #[test]
    fn every_wait_has_its_step() {
        for nanos in (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) + (1 << bit) / 3, u64::MAX >> bit]) {
            assert!(end_of(step(nanos)) >= nanos && end_of(step(nanos)) - nanos <= nanos / 8, "{nanos}");
        }
        assert_eq!(step(0), 0);
    }
}

//! `Load`: requests that are made up: a rate with a shape, bursts on top, from one client or many.

use std::time::Duration;

use tidegate::Quota;

use super::arrival::{Arrival, Source};
use super::trace::TraceError;
use crate::limit::Scope;

/// 2026-01-01T00:00:00Z, the beginning of a year, a day and an hour: windows are whole.
const START: u64 = 1_767_225_600_000_000_000;

/// How requests are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Shape {
    /// One after another at equal distances.
    #[default]
    Steady,
    /// By chance, with the rate as the mean: a Poisson process.
    Poisson,
    /// From nothing up to the rate at the end.
    Ramp,
}

/// So many at once, every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Bursts {
    /// Requests at one instant.
    pub size: u64,
    /// Nanoseconds from one burst to the next; the first is at the start.
    pub every: u64,
}

/// A load that is made up.
#[derive(Clone, Debug)]
pub struct Load {
    rate: Option<Quota>,
    shape: Shape,
    bursts: Option<Bursts>,
    start: u64,
    length: u64,
    clients: u64,
    like: Arrival,
    random: fastrand::Rng,
    /// Requests of the shape and of the bursts so far.
    shaped: u64,
    burst: (u64, u64),
    /// The time of the next of the shape, from the start.
    next_shaped: Option<u64>,
    asked: u64,
}

impl Load {
    /// `rate` requests for so long: the rate of a quota, `50/s` or `1 per 3 min`.
    pub fn steady(rate: Quota, length: Duration) -> Load {
        Load::of(Some(rate), length)
    }

    /// Nothing but bursts.
    pub fn bursts_only(bursts: Bursts, length: Duration) -> Load {
        Load::of(None, length).bursts(bursts)
    }

    fn of(rate: Option<Quota>, length: Duration) -> Load {
        Load {
            rate,
            shape: Shape::Steady,
            bursts: None,
            start: START,
            length: u64::try_from(length.as_nanos()).unwrap_or(u64::MAX),
            clients: 1,
            like: Arrival::default(),
            random: fastrand::Rng::with_seed(0),
            shaped: 0,
            burst: (0, 0),
            next_shaped: None,
            asked: 0,
        }
    }

    /// Another shape than steady.
    pub fn shape(mut self, shape: Shape) -> Load {
        self.shape = shape;
        self
    }

    /// Bursts on top.
    pub fn bursts(mut self, bursts: Bursts) -> Load {
        self.bursts = Some(bursts);
        self
    }

    /// When it begins, in nanoseconds since 1970-01-01 UTC; 2026-01-01 if not said.
    pub fn start(mut self, nanos: u64) -> Load {
        self.start = nanos;
        self
    }

    /// So many clients, who ask in turn: `client-0` and so on, in every scope that [`Load::like`] leaves open. One if not said.
    pub fn clients(mut self, clients: u64) -> Load {
        self.clients = clients.max(1);
        self
    }

    /// What every request asks; its time is passed over.
    pub fn like(mut self, arrival: Arrival) -> Load {
        self.like = arrival;
        self
    }

    /// Another chance for [`Shape::Poisson`]: one seed gives one load.
    pub fn seed(mut self, seed: u64) -> Load {
        self.random = fastrand::Rng::with_seed(seed);
        self
    }

    /// When the next of the shape comes, from the start.
    fn shaped_at(&mut self) -> Option<u64> {
        let rate = self.rate?;
        let (limit, period) = (u128::from(rate.limit()), u128::from(rate.period_nanos()));
        let n = u128::from(self.shaped);
        match self.shape {
            Shape::Steady => u64::try_from(n * period / limit).ok(),
            // n = rate * t^2 / (2 * length). Beyond 2^128 is beyond any length.
            Shape::Ramp => {
                let square = (2 * n).checked_mul(period)?.checked_mul(u128::from(self.length))? / limit;
                u64::try_from(square.isqrt()).ok()
            }
            Shape::Poisson => {
                let mean = rate.period_nanos() as f64 / rate.limit() as f64;
                // A number from (0, 1], so that the logarithm is finite; as a whole number it is at most 2^64 - 1.
                let gap = -(1.0 - self.random.f64()).ln() * mean;
                self.next_shaped.unwrap_or(0).checked_add(gap as u64)
            }
        }
    }

    /// The time of the next request, from the start.
    fn next_at(&mut self) -> Option<u64> {
        if self.asked == 0 {
            self.next_shaped = self.shaped_at();
        }
        let within = |at: &u64| *at < self.length;
        let shaped = self.next_shaped.filter(within);
        let (count, sent) = self.burst;
        let bursts = self.bursts.filter(|bursts| bursts.size > 0);
        let burst = bursts.and_then(|bursts| count.checked_mul(bursts.every)).filter(within);
        match (shaped, burst, bursts) {
            (shaped, Some(burst), Some(bursts)) if shaped.is_none_or(|shaped| burst <= shaped) => {
                // A distance of 0 would never come to an end.
                let last = sent + 1 == bursts.size;
                self.burst = if last && bursts.every > 0 { (count + 1, 0) } else { (count, sent + 1) };
                if last && bursts.every == 0 {
                    self.bursts = None;
                }
                Some(burst)
            }
            (Some(shaped), ..) => {
                self.shaped += 1;
                self.next_shaped = self.shaped_at();
                Some(shaped)
            }
            _ => None,
        }
    }
}

impl Source for Load {
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, TraceError> {
        let Some(at) = self.next_at() else { return Ok(false) };
        if self.asked == 0 {
            arrival.clone_from(&self.like);
        }
        arrival.at = self.start.saturating_add(at);
        if self.asked == 0 || self.clients > 1 {
            let client = format!("client-{}", self.asked % self.clients);
            for scope in Scope::ALL {
                if self.like.keys[scope as usize].is_empty() {
                    client.clone_into(&mut arrival.keys[scope as usize]);
                }
            }
        }
        self.asked += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(mut load: Load) -> Vec<u64> {
        let mut arrival = Arrival::default();
        let mut times = Vec::new();
        while load.next(&mut arrival).unwrap() {
            times.push(arrival.at - START);
        }
        times
    }

    fn rate(text: &str) -> Quota {
        text.parse().unwrap()
    }

    #[test]
    fn steady_is_exact() {
        assert_eq!(times(Load::steady(rate("3/10ns"), Duration::from_nanos(20))), [0, 3, 6, 10, 13, 16]);
        let all = times(Load::steady(rate("7/s"), Duration::from_secs(1_000)));
        assert_eq!((all.len(), all[6_999]), (7_000, 999_857_142_857));
    }

    #[test]
    fn a_ramp_has_half_the_requests_most_of_them_late() {
        let all = times(Load::steady(rate("1000/s"), Duration::from_secs(10)).shape(Shape::Ramp));
        assert_eq!(all.len(), 5_000);
        assert!(all.is_sorted());
        // A quarter of them in the first half.
        assert_eq!(all.iter().filter(|at| **at < 5_000_000_000).count(), 1_250);
    }

    #[test]
    fn chance_has_the_rate_as_its_mean_and_the_seed_as_its_cause() {
        let load = Load::steady(rate("1000/s"), Duration::from_secs(100)).shape(Shape::Poisson);
        let all = times(load.clone().seed(1));
        // 100,000 with a standard deviation of 316.
        assert!(all.is_sorted() && (98_500..101_500).contains(&all.len()), "{}", all.len());
        assert_eq!(all, times(load.clone().seed(1)));
        assert_ne!(all, times(load.seed(2)));
    }

    #[test]
    fn bursts_come_on_top_and_alone() {
        let bursts = Bursts { size: 2, every: 10 };
        assert_eq!(times(Load::bursts_only(bursts, Duration::from_nanos(25))), [0, 0, 10, 10, 20, 20]);
        let both = Load::steady(rate("1/8ns"), Duration::from_nanos(20)).bursts(bursts);
        assert_eq!(times(both), [0, 0, 0, 8, 10, 10, 16]);
        assert_eq!(times(Load::bursts_only(Bursts { size: 3, every: 0 }, Duration::from_nanos(5))), [0, 0, 0]);
        assert_eq!(times(Load::bursts_only(Bursts { size: 0, every: 1 }, Duration::from_nanos(5))), [0u64; 0]);
        assert_eq!(times(Load::steady(rate("1/s"), Duration::ZERO)), [0u64; 0]);
    }
}

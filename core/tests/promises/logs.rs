//! The sliding log never lets more than its limit into any span, whatever the clock does.

use crate::check;
use crate::lives::*;

/// The permits of a log, by the times at which they are logged: a caller who is late is judged, and logged, at the newest time.
struct Logged {
    times: Vec<u64>,
    last: u64,
    held: bool,
}

impl Logged {
    fn log(&mut self, now: u64, at: u64, cost: u64) {
        if cost > 0 {
            self.held = at > now;
            self.last = self.last.max(at);
            self.times.extend((0..cost).map(|_| self.last));
        }
    }

    /// Forgets some of the live permits, whichever `choice` says. As many as the log gives back, which knows the oldest only.
    fn refund(&mut self, now: u64, permits: u64, period: u64, choice: u64) -> u64 {
        let t = self.last.max(now);
        if self.held && now < self.last {
            return permits;
        }
        let live: Vec<usize> =
            (0..self.times.len()).filter(|&nth| self.times[nth].saturating_add(period) > t).collect();
        let back = permits.min(live.len() as u64);
        let from = if live.is_empty() { 0 } else { choice as usize % live.len() };
        let mut gone: Vec<usize> = (0..back as usize).map(|nth| live[(from + nth) % live.len()]).collect();
        gone.sort_unstable();
        for nth in gone.into_iter().rev() {
            self.times.remove(nth);
        }
        if back > 0 {
            self.last = t;
        }
        back
    }

    fn within_limit(&mut self, limit: u64, period: u64) -> bool {
        self.times.sort_unstable();
        // L + 1 permits in a row span at least the period.
        self.times.windows(limit as usize + 1).all(|some| some[limit as usize] - some[0] >= period)
    }
}

/// Whatever the clock does: late calls, debts, reservations, and refunds, whichever permits were meant.
#[test]
fn a_sliding_log_never_lets_more_than_its_limit_into_any_span() {
    fn holds(Log(setup): Log, steps: Vec<Step>) {
        let (limit, period) = (setup.quota.limit(), setup.quota.period_nanos());
        let mut life = Life::new(&setup);
        let mut logged = Logged { times: vec![], last: 0, held: false };
        for step in &steps {
            let cost = step.cost(&life.quota);
            let verb = match step.verb {
                // They forget what was logged.
                Verb::Cancel | Verb::Reset => Verb::Take,
                verb => verb,
            };
            if verb == Verb::Refund {
                // At most what is still live: the log trusts whoever gives back.
                let now = step.time(life.now, &life.quota).min(life.limiter.horizon());
                let back = logged.refund(now, cost.min(limit), period, step.cost.1);
                life.now = now;
                life.limiter.refund_at(now, back);
                continue;
            }
            let said = life.step(&Step { verb, ..*step });
            let now = life.now.min(life.limiter.horizon());
            match said {
                Said::Decision(said) if said.is_allowed() && verb == Verb::Charge => {
                    logged.log(now, now + said.retry_after_nanos().expect("a debt is paid some day"), cost);
                }
                Said::Decision(said) if said.is_allowed() && verb == Verb::Take => logged.log(now, now, cost),
                Said::Answer(true) => logged.log(now, now, cost),
                Said::Booked(at) => logged.log(now, at.min(life.limiter.horizon()), cost),
                _ => {}
            }
        }
        assert!(logged.within_limit(limit, period), "{setup:?}: {:?}", logged.times);
    }
    check(holds as fn(Log, Vec<Step>));
}

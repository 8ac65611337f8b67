//! What each rule promises, on random sequences: small numbers, where every boundary is met often, and numbers of all
//! magnitudes. A reservation counts at the instant that it was given.

mod common;

use common::Random;
use tidegate_reference::{Algorithm, Anchor, Model, Slot, State};

/// What went ahead, and what came back: (instant, amount). Amounts are ticks in family 1, permits elsewhere.
type Passed = Vec<(u64, i128)>;

/// Takes, reserves and cancels at a clock that never runs back. A reservation that is cancelled before its instant never
/// ran; of one that is cancelled later, what the limiter gave back counts as returned at that time.
fn run(random: &mut Random, model: &mut Model, small: bool, steps: usize) -> Passed {
    let (capacity, period) = (model.config().burst, model.config().period);
    let unit = match model.state() {
        State::Arrival { .. } => model.span() as i128,
        _ => 1,
    };
    let mut now = if small { 0 } else { random.log(62) };
    let mut passed = Vec::new();
    let mut slots: Vec<Slot> = Vec::new();
    for _ in 0..steps {
        now = random.step(now, period, true);
        if small {
            now = now.min(1 << 20);
        }
        now = now.min(model.horizon());
        let q = if random.below(2) == 0 { 1 } else { random.below(capacity + 2) };
        match random.below(8) {
            0..4 => {
                if model.take(now, q).allowed {
                    passed.push((now, q as i128 * unit));
                }
            }
            4..6 => {
                let wait = random.log(63);
                slots.extend(model.reserve(now, q, wait));
            }
            _ if slots.is_empty() => {}
            _ => {
                let slot = slots.swap_remove(random.below(slots.len() as u64) as usize);
                let before = in_use(model, now);
                let (at, cost) = (slot.at, slot.cost as i128 * unit);
                model.cancel(now, slot);
                if at <= now {
                    passed.push((at, cost));
                    passed.push((now, in_use(model, now) - before));
                }
            }
        }
    }
    passed.extend(slots.iter().map(|slot| (slot.at, slot.cost as i128 * unit)));
    passed.sort_unstable();
    passed
}

/// What counts as used at `now`.
fn in_use(model: &Model, now: u64) -> i128 {
    let n = model.tick(now);
    (match model.state() {
        State::Arrival { tat } => tat.saturating_sub(n),
        State::Interval { s, u } => {
            u.saturating_sub(n.saturating_sub(*s) / model.span() * model.config().limit as u128)
        }
        State::Window { w, prev, cur } => match n.saturating_sub(*w) {
            0 => prev + cur,
            1 => *cur,
            _ => 0,
        },
        State::Log { permits, last, .. } => permits
            .iter()
            .filter(|(at, _)| now.max(*last) - at < model.config().period)
            .map(|(_, count)| *count as u128)
            .sum(),
    }) as i128
}

/// The most that went ahead within any run of events that `together` takes for one span, less what it allows.
fn check(passed: &Passed, allowed: impl Fn(u64, u64) -> i128, what: &Model) {
    for (i, &(from, _)) in passed.iter().enumerate() {
        if i > 0 && passed[i - 1].0 == from {
            continue; // an instant is whole
        }
        let mut sum = 0;
        for (j, &(to, q)) in passed[i..].iter().enumerate() {
            sum += q;
            // Only after the last event of an instant is the sum complete.
            if passed.get(i + j + 1).is_none_or(|next| next.0 > to) {
                let most = allowed(from, to);
                assert!(sum <= most, "{sum} > {most} from {from} to {to}: {what:#?}\n{passed:?}");
            }
        }
    }
}

#[test]
fn nobody_gets_more_than_the_rule_promises() {
    let mut seen = [0u64; 4];
    for case in 0..6000 {
        let mut random = Random::new(case);
        let small = case % 4 != 0;
        let mut model = random.model(small);
        let fresh = model.clone();
        let passed = run(&mut random, &mut model, small, 40);
        let config = fresh.config();
        let (limit, period, burst) = (config.limit as i128, config.period as i128, config.burst as i128);
        let ticks = |a, b| fresh.tick(b) as i128 - fresh.tick(a) as i128;
        match fresh.state() {
            // In any span, in ticks: the burst and the time in which it is earned.
            State::Arrival { .. } => {
                seen[0] += 1;
                check(&passed, |a, b| burst * fresh.span() as i128 + ticks(a, b), &fresh);
            }
            // The burst and L for each interval that began in the span. Intervals from first use begin anywhere, at
            // most one each `span` ticks.
            State::Interval { .. } => {
                seen[1] += 1;
                let begun = |a, b| match config.anchor {
                    Anchor::Clock { .. } | Anchor::Starts(_) => ticks(a, b),
                    Anchor::FirstUse => ticks(a, b) / fresh.span() as i128 + 1,
                };
                check(&passed, |a, b| burst + limit * begun(a, b), &fresh);
            }
            // Less than 2 L in any half-open span of W.
            State::Window { .. } => {
                seen[2] += 1;
                let most = |a, b| if (b - a) < period { 2 * limit - 1 } else { i128::MAX };
                check(&passed, |a, b| most(a as i128, b as i128), &fresh);
            }
            // Never more than L.
            State::Log { .. } => {
                seen[3] += 1;
                let most = |a, b| if (b - a) < period { limit } else { i128::MAX };
                check(&passed, |a, b| most(a as i128, b as i128), &fresh);
            }
        }
    }
    assert!(seen.iter().all(|&count| count > 300), "{seen:?}");
}

#[test]
fn a_fixed_window_holds_its_limit() {
    let mut full = 0;
    for case in 0..4000 {
        let mut random = Random::new(case);
        let mut model = random.model(true);
        let config = model.config().clone();
        let aligned = matches!(config.anchor, Anchor::Clock { .. });
        if config.algorithm != Algorithm::FixedWindow || !aligned {
            continue;
        }
        let fresh = model.clone();
        for (tick, used) in run(&mut random, &mut model, true, 40).iter().fold(
            std::collections::BTreeMap::new(),
            |mut windows, &(at, q)| {
                *windows.entry(fresh.tick(at)).or_insert(0) += q;
                windows
            },
        ) {
            assert!(used <= config.limit as i128, "{used} in window {tick} of {config:?}");
            full += (used == config.limit as i128) as u32;
        }
    }
    assert!(full > 100);
}

/// The one sequence with everything in it, at any clock.
fn anything(case: u64, mut look: impl FnMut(&Model, u64, &mut Random)) {
    let mut random = Random::new(case);
    let mut model = random.model(case.is_multiple_of(3));
    let (capacity, period) = (model.config().burst, model.config().period);
    let mut now = random.log(63);
    let mut slots = Vec::new();
    for _ in 0..20 {
        now = random.step(now, period, false);
        let q = match random.below(3) {
            0 => 1,
            1 => random.below(capacity + 2),
            _ => random.log(64),
        };
        match random.below(8) {
            0..3 => drop(model.take(now, q)),
            3 => drop(model.charge(now, q)),
            4 => model.refund(now, q),
            5 => slots.extend(model.reserve(now, q, random.log(64))),
            6 if !slots.is_empty() => {
                let slot = slots.swap_remove(random.below(slots.len() as u64) as usize);
                model.cancel(now, slot);
            }
            _ => {}
        }
        look(&model, now, &mut random);
    }
}

#[test]
fn a_denial_changes_nothing_and_retry_after_is_the_least_wait() {
    let (mut denied, mut waits) = (0, 0);
    for case in 0..1500 {
        anything(case, |model, now, random| {
            let q = random.below(model.config().burst + 2);
            let peeked = model.peek(now, q);
            let mut after = model.clone();
            let taken = after.take(now, q);
            assert_eq!((taken.allowed, taken.retry_after), (peeked.allowed, peeked.retry_after));
            if taken.allowed {
                assert_eq!(taken.retry_after, Some(0));
                assert!(peeked.remaining >= q);
                return;
            }
            denied += 1;
            assert_eq!(after, *model);
            assert_eq!(taken, peeked);
            assert!(peeked.remaining < q);
            if let Some(wait) = taken.retry_after {
                waits += 1;
                let now = now.min(model.horizon());
                assert!(!model.peek(now + wait - 1, q).allowed);
                assert!(model.peek(now + wait, q).allowed);
                assert_eq!(after.reserve(now, q, wait - 1).unwrap_err(), taken);
                match after.reserve(now, q, wait) {
                    Ok(slot) => assert_eq!(slot.at, now + wait),
                    // Only a count that the packed state cannot hold.
                    Err(refused) => {
                        assert!(matches!(model.state(), State::Interval { .. }));
                        assert_eq!((refused, &after), (taken, model));
                    }
                }
            } else if q <= model.config().burst {
                assert!(!model.peek(model.horizon(), q).allowed);
            }
        });
    }
    assert!(denied > 3000 && waits > 3000, "{denied} {waits}");
}

#[test]
fn remaining_is_what_still_fits_and_reset_after_is_when_all_does() {
    for case in 0..1500 {
        anything(case, |model, now, _| {
            let decision = model.peek(now, 0);
            let now = now.min(model.horizon());
            assert!(model.peek(now, decision.remaining).allowed);
            assert!(!model.peek(now, decision.remaining + 1).allowed);
            assert!(decision.remaining <= model.config().burst);
            if decision.reset_after != u64::MAX {
                let then = model.peek(now + decision.reset_after, 0);
                assert_eq!((then.remaining, then.reset_after), (model.config().burst, 0));
            }
            if decision.reset_after > 0 {
                let before = now.saturating_add(decision.reset_after - 1).min(model.horizon());
                assert!(model.peek(before, 0).reset_after > 0);
            }
        });
    }
}

#[test]
fn a_refund_never_lets_more_than_the_capacity_through() {
    for case in 0..1500 {
        anything(case, |model, now, random| {
            let mut refunded = model.clone();
            refunded.refund(now, random.log(64));
            let (before, after) = (model.peek(now, 0), refunded.peek(now, 0));
            assert!(after.remaining >= before.remaining && after.remaining <= after.limit);
            // Who waits keeps the others out: what did not fit because of debt does not fit now.
            if before.remaining == 0 && !matches!(model.state(), State::Window { .. }) {
                let waiting = match model.state() {
                    State::Log { last, held, .. } => *held && now.min(model.horizon()) < *last,
                    _ => model.clone().charge(now, 1).retry_after != Some(0) && after.remaining == 0,
                };
                assert!(!waiting || after.remaining == 0);
            }
        });
    }
}

/// The waits by the formulas of the page, against the search of the model.
#[test]
fn searched_waits_are_the_formulas() {
    let mut compared = 0;
    for case in 0..3000 {
        anything(case, |model, now, random| {
            let config = model.config();
            let now = now.min(model.horizon());
            let n = model.tick(now);
            let (limit, period, burst) = (config.limit as u128, config.period as u128, config.burst as u128);
            let q = random.below(config.burst + 1) as u128;
            let found = model.peek(now, q as u64);
            // `tick(t) >= target` from t = ceil((target * div - add) / mul) on.
            let earliest = |target: u128, mul: u128, add: u128| {
                if n >= target {
                    return Some(0);
                }
                if model.tick(model.horizon()) < target {
                    return None;
                }
                Some(((target * period - add).div_ceil(mul) as u64).saturating_sub(now))
            };
            let (wait, reset) = match *model.state() {
                State::Arrival { tat } => {
                    let (mul, cap) = (limit * model.span(), burst * model.span());
                    let target = (tat + q * model.span()).saturating_sub(cap);
                    (earliest(target, mul, 0), earliest(tat, mul, 0))
                }
                State::Interval { s, u } => {
                    let (mul, add) = match config.anchor {
                        Anchor::FirstUse => (model.span(), 0),
                        Anchor::Clock { offset } => (1, (period - offset as u128 % period) % period),
                        Anchor::Starts(_) => unreachable!("no calendar is made here"),
                    };
                    let past = n.saturating_sub(s) / model.span();
                    let used = u.saturating_sub(past * limit);
                    let began = if used > 0 { s + past * model.span() } else { s.max(n) };
                    let target = |over: u128| match over {
                        0 => Some(0),
                        _ => earliest(began + over.div_ceil(limit) * model.span(), mul, add),
                    };
                    (target((used + q).saturating_sub(burst)), target(used))
                }
                State::Window { w, prev, cur } => {
                    let Anchor::Clock { offset } = config.anchor else { unreachable!() };
                    let add = (period - offset as u128 % period) % period;
                    let (w, prev, cur) = match n.saturating_sub(w) {
                        0 => (w, prev, cur),
                        1 => (n, cur, 0),
                        _ => (n, 0, 0),
                    };
                    let reset = match (prev, cur) {
                        (0, 0) => Some(0),
                        (_, 0) => earliest(w + 1, 1, add),
                        _ => earliest(w + 2, 1, add),
                    };
                    (found.retry_after, reset)
                }
                State::Log { ref permits, last, held } => {
                    // The wait ends when enough of the oldest have left.
                    let t = now.max(last);
                    let live: Vec<_> = permits.iter().filter(|(at, _)| t - at < config.period).collect();
                    let mut over = (live.iter().map(|p| p.1 as u128).sum::<u128>() + q).saturating_sub(burst);
                    let floor = if held { t } else { now };
                    let mut until = floor;
                    for (at, count) in &live {
                        if over > 0 {
                            until = floor.max(at + config.period);
                            over = over.saturating_sub(*count as u128);
                        }
                    }
                    let newest = live.last().map_or(floor, |(at, _)| floor.max(at + config.period));
                    let wait = |until: u64| (until <= model.horizon()).then(|| until - now);
                    (wait(until), wait(newest))
                }
            };
            let wait = if q == 0 { Some(0) } else { wait };
            assert_eq!(found.retry_after, wait, "{q} at {now}: {model:#?}");
            assert_eq!(found.reset_after, reset.unwrap_or(u64::MAX), "at {now}: {model:#?}");
            compared += (found.retry_after != Some(0)) as u32;
        });
    }
    assert!(compared > 3000);
}

#[test]
fn gcra_and_the_continuous_bucket_are_one() {
    for case in 0..500 {
        let mut random = Random::new(case);
        let gcra = loop {
            let model = random.model(case % 2 == 0);
            if model.config().algorithm == Algorithm::Gcra {
                break model;
            }
        };
        let mut config = gcra.config().clone();
        config.algorithm = Algorithm::TokenBucket;
        let (mut gcra, mut bucket) = (gcra, Model::new(config).unwrap());
        let mut now = random.log(62);
        for _ in 0..20 {
            now = random.step(now, gcra.config().period, false);
            let q = random.below(gcra.config().burst + 2);
            assert_eq!(gcra.take(now, q), bucket.take(now, q));
            assert_eq!(gcra.charge(now, q), bucket.charge(now, q));
        }
    }
}

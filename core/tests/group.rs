//! Groups against the exact models of their members: all or nothing, which member binds, the smallest wait.
//!
//! `TIDEGATE_CASES` sequences (2,000), each on a group of one to four random limiters of every algorithm, some of them keys of keyed limiters.

mod common;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use common::{Numbers, Pair, same};
use tidegate::{
    Algorithm, Group, GroupDecision, GroupError, Key, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup,
    MAX_MEMBERS, ManualClock, Member, Quota, Refusal, WhenFull,
};
use tidegate_reference as reference;

const SECOND: u64 = 1_000_000_000;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn cases() -> u64 {
    std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

enum Subject {
    Limiter(Limiter),
    Keyed(KeyedLimiter<u64>),
}

impl Subject {
    fn of(pair: &Pair, keyed: bool) -> Subject {
        if keyed && pair.initial.is_none() && pair.algorithm != Algorithm::SlidingLog {
            let builder = KeyedLimiter::builder(pair.algorithm, pair.quota).refill(pair.refill).max_keys(4);
            Subject::Keyed(builder.build_at(pair.origin).unwrap())
        } else {
            Subject::Limiter(pair.limiter())
        }
    }

    fn member(&self, name: &'static str, cost: u64) -> Member<'_> {
        match self {
            Subject::Limiter(limiter) => Member::limiter(name, limiter, cost),
            Subject::Keyed(keyed) => Member::key(name, keyed.key(&7), cost),
        }
    }
}

/// What the definition says of a group, from what it says of each member.
struct Expected {
    allowed: bool,
    binding: usize,
    said: Vec<reference::Decision>,
}

fn expected(models: &mut [reference::Model], now: u64, costs: &[u64], spend: bool) -> Expected {
    let looked: Vec<_> = models.iter().zip(costs).map(|(model, &cost)| model.peek(now, cost)).collect();
    let allowed = looked.iter().all(|decision| decision.allowed);
    let said = if allowed && spend {
        models.iter_mut().zip(costs).map(|(model, &cost)| model.take(now, cost)).collect()
    } else {
        looked
    };
    let wait = |at: usize| said[at].retry_after.map_or(u128::MAX, u128::from);
    let mut binding = None;
    for at in 0..said.len() {
        if !allowed && said[at].allowed {
            continue;
        }
        binding = match binding {
            None => Some(at),
            Some(best) => {
                let (mine, its): (&reference::Decision, &reference::Decision) = (&said[at], &said[best]);
                let less = u128::from(mine.remaining) * u128::from(its.limit)
                    < u128::from(its.remaining) * u128::from(mine.limit);
                let binds = if allowed { less } else { wait(at) > wait(best) };
                Some(if binds { at } else { best })
            }
        };
    }
    Expected { allowed, binding: binding.unwrap(), said }
}

fn agree(ours: &GroupDecision<'_>, theirs: &Expected) -> Result<(), String> {
    for ((name, decision), expected) in ours.members().zip(&theirs.said) {
        same(decision, expected).map_err(|difference| format!("member {name}: {difference}"))?;
    }
    let denied = theirs.said.iter().filter(|decision| !decision.allowed);
    let retry_after = denied.map(|decision| decision.retry_after).try_fold(0, |longest, wait| Some(longest.max(wait?)));
    let facts = (ours.is_allowed(), ours.binding(), ours.limit(), ours.remaining(), ours.retry_after_nanos());
    let expected = (
        theirs.allowed,
        Some(NAMES[theirs.binding]),
        theirs.said[theirs.binding].limit,
        theirs.said.iter().map(|decision| decision.remaining).min().unwrap(),
        retry_after,
    );
    let reset = theirs.said.iter().map(|decision| decision.reset_after).max().unwrap();
    if facts != expected || ours.reset_after_nanos() != reset {
        return Err(format!("{facts:?} / {expected:?}, reset {} / {reset}", ours.reset_after_nanos()));
    }
    Ok(())
}

#[test]
fn a_group_is_its_members_all_or_nothing() {
    let (mut ran, mut allowed, mut denied, mut never, mut reserved_in_all, mut settled_in_all) = (0, 0, 0, 0, 0, 0);
    for seed in 0..cases() {
        let mut numbers = Numbers::new(seed);
        let count = numbers.below(4) as usize + 1;
        let pairs: Vec<Pair> = (0..count)
            .map(|_| {
                loop {
                    if let Some(pair) = Pair::random(numbers.below(6) as usize, &mut numbers) {
                        break pair;
                    }
                }
            })
            .collect();
        ran += 1;
        let subjects: Vec<_> = pairs.iter().map(|pair| Subject::of(pair, numbers.below(3) == 0)).collect();
        let horizon = pairs.iter().map(|pair| pair.model.horizon()).min().unwrap();
        let mut now = pairs.iter().map(|pair| pair.origin).max().unwrap();
        let mut history = String::new();
        let mut slots = Vec::new();
        let (quotas, what): (Vec<_>, Vec<_>) = pairs.iter().map(|pair| (pair.quota, pair.what.clone())).unzip();
        let mut models: Vec<_> = pairs.into_iter().map(|pair| pair.model).collect();
        for _ in 0..numbers.below(30) + 1 {
            let which = numbers.below(count as u64) as usize;
            let (period, capacity) = (quotas[which].period_nanos(), quotas[which].capacity());
            let remaining = models[which].peek(now, 1).remaining;
            let common = numbers.near(&[0, 1, 1, capacity / 2, capacity, remaining], 64);
            let alike = numbers.below(2) == 0;
            let costs: Vec<u64> = models
                .iter()
                .map(|model| {
                    let fits = model.peek(now, 1).remaining;
                    if alike { common } else { numbers.near(&[0, 1, fits, fits / 2], if fits > 0 { 3 } else { 64 }) }
                })
                .collect();
            let _ = write!(history, "\nnow {now} costs {costs:?}");
            let members: Vec<_> = subjects
                .iter()
                .zip(&costs)
                .zip(NAMES)
                .map(|((subject, &cost), name)| subject.member(name, cost))
                .collect();
            let group = Group::new(&members).unwrap();
            let verb = numbers.below(8);
            if verb == 0 && !slots.is_empty() {
                // A borrowed group needs no costs to give back.
                let (slot, theirs) = slots.swap_remove(numbers.below(slots.len() as u64) as usize);
                let _ = write!(history, " cancel {slot:?} / {theirs:?}");
                group.cancel_at(now, slot);
                for (model, slot) in models.iter_mut().zip::<Vec<Option<reference::Slot>>>(theirs) {
                    if let Some(slot) = slot {
                        model.cancel(now, slot);
                    }
                }
            } else if verb == 3 && !slots.is_empty() {
                // What it costs now is what it has really cost.
                let (slot, theirs) = slots.swap_remove(numbers.below(slots.len() as u64) as usize);
                let _ = write!(history, " settle {slot:?}");
                let settled = group.settle_at(now, slot);
                let said: Vec<_> = models
                    .iter_mut()
                    .zip::<Vec<Option<reference::Slot>>>(theirs)
                    .zip(&costs)
                    .map(|((model, slot), &actual)| match slot {
                        Some(slot) => model.settle(now, slot, actual),
                        None => model.charge(now, actual),
                    })
                    .collect();
                for ((_, decision), expected) in settled.members().zip(&said) {
                    same(decision, expected)
                        .unwrap_or_else(|difference| panic!("seed {seed}: settled {difference}\n{what:#?}{history}"));
                }
                assert_eq!(settled.is_allowed(), said.iter().all(|decision| decision.allowed));
                let longest = said
                    .iter()
                    .map(|decision| decision.retry_after)
                    .try_fold(0, |longest, wait| Some(longest.max(wait?)));
                assert_eq!(settled.retry_after_nanos(), longest, "seed {seed}");
                settled_in_all += 1;
            } else if verb <= 2 {
                let max_wait = if verb == 1 { u64::MAX } else { numbers.near(&[0, period], 63) };
                let reserved = group.reserve_at(now, max_wait);
                let waits = models.iter().zip(&costs).map(|(model, &cost)| model.peek(now, cost).retry_after);
                let wait = waits.collect::<Option<Vec<_>>>().map(|waits| waits.into_iter().max().unwrap());
                let mut kept = models.clone();
                let theirs: Option<Vec<_>> = wait.filter(|&wait| wait <= max_wait).and_then(|wait| {
                    let book = |(model, &cost): (&mut reference::Model, &u64)| {
                        // `now` is read as the horizon beyond it; so is the instant.
                        let at = now.saturating_add(wait);
                        let slot = model.reserve_from(now, at, cost, u64::MAX).ok()?;
                        Some((cost > 0).then_some(slot))
                    };
                    kept.iter_mut().zip(&costs).map(book).collect()
                });
                let _ = write!(history, " reserve {max_wait}: {wait:?}");
                match (reserved, theirs) {
                    (Ok(slot), Some(theirs)) => {
                        assert_eq!(slot.at_nanos(), now.saturating_add(wait.unwrap()), "seed {seed}");
                        slots.push((slot, theirs));
                        models = kept;
                        reserved_in_all += 1;
                    }
                    (Err(refused), None) => {
                        assert!(!refused.to_string().is_empty() && !refused.decision().is_allowed());
                        assert_eq!(refused.refusal() == Refusal::Never, wait.is_none(), "seed {seed}");
                    }
                    (ours, theirs) => panic!("seed {seed}: {ours:?} / {theirs:?}\n{what:#?}{history}"),
                }
            }
            let spend = verb > 3;
            let ours = if spend { group.take_at(now) } else { group.peek_at(now) };
            let theirs = expected(&mut models, now, &costs, spend);
            if let Err(difference) = agree(&ours, &theirs) {
                panic!("seed {seed}: {difference}\n{what:#?}{history}");
            }
            // All or nothing, as each member sees it.
            for (member, (model, &cost)) in subjects.iter().zip(models.iter().zip(&costs)) {
                let seen = member.member("", cost);
                let alone = Group::new(std::slice::from_ref(&seen)).unwrap().peek_at(now);
                same(alone.members().next().unwrap().1, &model.peek(now, cost))
                    .unwrap_or_else(|difference| panic!("seed {seed}: afterwards {difference}\n{what:#?}{history}"));
            }
            match ours.retry_after_nanos() {
                Some(0) => allowed += 1,
                Some(wait) if now <= horizon => {
                    denied += 1;
                    // Denied at every earlier nanosecond (each member's own tests say "every"; the last one is the group's), allowed exactly then.
                    assert!(!group.peek_at(now + wait - 1).is_allowed(), "seed {seed}\n{what:#?}{history}");
                    assert!(group.peek_at(now + wait).is_allowed(), "seed {seed}\n{what:#?}{history}");
                    if numbers.below(2) == 0 {
                        now += wait - numbers.below(2);
                    }
                }
                Some(_) => {}
                None => never += 1,
            }
            match numbers.below(6) {
                0 => now = now.saturating_sub(numbers.near(&[period], 63)),
                1 | 2 => now = now.saturating_add(numbers.near(&[period, 1], 63)),
                _ => {}
            }
        }
    }
    println!(
        "{ran} groups: {allowed} allowed, {denied} denied, {never} never, {reserved_in_all} reserved, {settled_in_all} settled"
    );
    assert!(allowed > ran && denied > ran && never > 0 && reserved_in_all > ran && settled_in_all > 0);
}

fn fixed(limit: u64, period: u64) -> Limiter {
    Limiter::builder(Algorithm::FixedWindow, Quota::from_nanos(limit, period).unwrap()).build_at(0).unwrap()
}

#[test]
fn what_binds() {
    let group = LimiterGroup::new([("hour", fixed(3, 60 * SECOND)), ("day", fixed(5, 1440 * SECOND))]).unwrap();
    // 2 of 3 and 4 of 5 are left.
    let decision = group.take_at(0, 1);
    assert_eq!((decision.binding(), decision.limit(), decision.remaining()), (Some("hour"), 3, 2));
    assert_eq!(group.take_at(0, 2).binding(), Some("hour"));
    let denied = group.take_at(0, 1);
    assert_eq!((denied.binding(), denied.retry_after_nanos()), (Some("hour"), Some(60 * SECOND)));
    assert!(denied.member("day").unwrap().is_allowed() && denied.member("week").is_none());
    // Both deny: the longer wait. One never fits: never is longest, though another's wait is known.
    let denied = group.take_at(0, 3);
    assert_eq!((denied.binding(), denied.retry_after_nanos()), (Some("day"), Some(1440 * SECOND)));
    let denied = group.take_at(0, 4);
    assert_eq!((denied.binding(), denied.retry_after_nanos(), denied.is_never()), (Some("hour"), None, true));
    // Equal shares: the first.
    let group = LimiterGroup::new([("one", fixed(2, SECOND)), ("two", fixed(4, SECOND))]).unwrap();
    assert_eq!(group.peek_at(0, 0).binding(), Some("one"));
    // A huge limit with a smaller share, by less than any float can tell.
    let (a, b) = ((1 << 30) - 1, 1 << 30);
    let group = LimiterGroup::new([("a", fixed(a, SECOND)), ("b", fixed(b, SECOND))]).unwrap();
    assert_eq!(group.take_at(0, 1).binding(), Some("a"));
}

#[test]
fn what_is_no_group() {
    let limiter = || Arc::new(fixed(1, 1));
    assert_eq!(LimiterGroup::new::<&str, Limiter>([]).unwrap_err(), GroupError::Empty);
    assert_eq!(Group::new(&[]).unwrap_err(), GroupError::Empty);
    let twice = LimiterGroup::new([("a", limiter()), ("b", limiter()), ("a", limiter())]);
    assert_eq!(twice.unwrap_err(), GroupError::DuplicateName(2));
    let one = limiter();
    let same = LimiterGroup::new([("a", one.clone()), ("b", one.clone())]);
    assert_eq!(same.unwrap_err(), GroupError::DuplicateLimiter(1));
    let many = (0..MAX_MEMBERS + 1).map(|at| (at.to_string(), limiter()));
    assert_eq!(LimiterGroup::new(many.clone()).unwrap_err(), GroupError::TooMany);
    assert!(LimiterGroup::new(many.take(MAX_MEMBERS)).is_ok());
    let members = [Member::limiter("x", &one, 1); 2];
    assert_eq!(Group::new(&members).unwrap_err(), GroupError::DuplicateName(1));
    assert!(Group::new(&[Member::limiter("", &one, 1); 2]).is_ok());
    let own = |clock: &Arc<ManualClock>| {
        let quota = Quota::from_nanos(1, 1).unwrap();
        Limiter::builder(Algorithm::Gcra, quota).shared_clock(clock.clone()).build().unwrap()
    };
    let (clock, another) = (Arc::new(ManualClock::new(0)), Arc::new(ManualClock::new(0)));
    assert!(LimiterGroup::new([("a", own(&clock)), ("b", own(&clock))]).is_ok());
    let clocks = LimiterGroup::new([("a", own(&clock)), ("b", own(&another))]);
    assert_eq!(clocks.unwrap_err(), GroupError::AnotherClock(1));
    for error in [GroupError::Empty, GroupError::TooMany, GroupError::AnotherClock(1)] {
        assert!(!error.to_string().is_empty());
    }
}

/// The verbs that read the clock, and what they leave.
#[test]
fn at_the_time_of_the_members_clock() {
    let clock = Arc::new(ManualClock::new(5 * SECOND));
    let limiter = |limit| {
        let builder = Limiter::builder(Algorithm::FixedWindow, Quota::per_second(limit).unwrap());
        Arc::new(builder.shared_clock(clock.clone()).build().unwrap())
    };
    let (small, large) = (limiter(1), limiter(3));
    let group = LimiterGroup::new([("small", small.clone()), ("large", large.clone())]).unwrap();
    assert!(group.peek(1).is_allowed() && group.try_acquire(1) && !group.try_acquire(1));
    assert_eq!(large.peek(1).remaining(), 2);
    clock.set(6 * SECOND);
    assert!(group.take(1).is_allowed());
    assert_eq!((group.now(), group.len(), group.iter().count()), (6 * SECOND, 2, 2));
    group.reset();
    assert_eq!(group.get("small").unwrap().peek(1).remaining(), 1);
    let members = [Member::limiter("small", &small, 1), Member::limiter("large", &large, 2)];
    let borrowed = Group::new(&members).unwrap();
    assert!(borrowed.peek().is_allowed() && borrowed.try_acquire() && !borrowed.take().is_allowed());
    assert_eq!((borrowed.now(), large.peek(1).remaining()), (6 * SECOND, 1));
}

#[test]
fn keys() {
    let keyed = |limit, full| {
        let builder = KeyedLimiter::<str>::builder(Algorithm::Gcra, Quota::per_second(limit).unwrap());
        Arc::new(builder.max_keys(1).when_full(full).build_at(0).unwrap())
    };
    let (hour, day) = (keyed(5, WhenFull::Refuse), keyed(3, WhenFull::Refuse));
    let all = Arc::new(fixed(4, SECOND));
    let members = [("hour", hour.clone().into()), ("all", all.clone().into()), ("day", day.clone().into())];
    let group = KeyedLimiterGroup::new(members).unwrap();
    assert_eq!(group.take_at("a", 0, 3).binding(), Some("day"));
    assert_eq!(group.take_at("a", 0, 1).binding(), Some("day"));
    assert_eq!(group.peek_at("b", 0, 1).binding(), Some("all"));
    // There is no room for another key in the first table: nothing is spent in the others.
    let denied = group.take_at("b", 0, 1);
    assert_eq!((denied.is_allowed(), denied.binding()), (false, Some("hour")));
    assert_eq!((all.peek_at(0, 1).remaining(), day.peek_at("b", 0, 1).remaining()), (1, 3));
    assert!(hour.len() == 1 && day.len() == 1 && group.len() == 3);
    // No room in the last one: the others are as they were.
    let roomy = KeyedLimiter::<str>::builder(Algorithm::Gcra, Quota::per_second(5).unwrap());
    let roomy = Arc::new(roomy.max_keys(9).build_at(0).unwrap());
    let group = KeyedLimiterGroup::new([("roomy", roomy.clone().into()), ("day", day.clone().into())]).unwrap();
    assert!(!group.try_acquire_at("b", 0, 1));
    assert_eq!(roomy.peek_at("b", 0, 1).remaining(), 5);
    // What newcomers share is given back there.
    let shared = keyed(5, WhenFull::Overflow);
    assert!(shared.try_acquire_at("a", 0, 1));
    let members = [Member::key("shared", shared.key("b"), 2), Member::key("day", day.key("b"), 1)];
    assert!(!Group::new(&members).unwrap().try_acquire_at(0));
    assert!(shared.try_acquire_at("c", 0, 5) && !shared.try_acquire_at("d", 0, 1));
    assert_eq!(shared.peek_at("a", 0, 1).remaining(), 4);

    let same = KeyedLimiterGroup::<str>::new([("a", hour.clone().into()), ("b", hour.into())]);
    assert_eq!(same.unwrap_err(), GroupError::DuplicateLimiter(1));
    assert_eq!(KeyedLimiterGroup::<str>::new::<&str>([]).unwrap_err(), GroupError::Empty);
}

/// A quota that has been changed, and a log: members whose state is not one word that stays.
#[test]
fn members_that_are_elsewhere() {
    use tidegate::Carry;
    for blocked in [false, true] {
        let log = Limiter::builder(Algorithm::SlidingLog, Quota::per_second(3).unwrap()).build_at(0).unwrap();
        let changed = fixed(9, SECOND);
        changed.reconfigure_at(0, Quota::per_second(4).unwrap(), Carry::Reset).unwrap();
        let last = fixed(5, SECOND);
        // Under one name twice, so that the second spend meets what the first has left: a lost race, for sure.
        let members = [
            Member::limiter("log", &log, 1),
            Member::limiter("changed", &changed, 2),
            Member::limiter("last", &last, 3),
            Member::limiter("again", &last, if blocked { 3 } else { 2 }),
        ];
        let decision = Group::new(&members).unwrap().take_at(0);
        assert_eq!(decision.is_allowed(), !blocked);
        let left = [&log, &changed, &last].map(|limiter| limiter.peek_at(0, 1).remaining());
        assert_eq!(left, if blocked { [3, 4, 5] } else { [2, 2, 0] });
        if blocked {
            let said: Vec<_> = decision.members().map(|(_, decision)| decision.remaining()).collect();
            assert_eq!((said, decision.binding()), (vec![3, 4, 5, 2], Some("again")));
        }
    }
}

#[test]
fn handles_outlive_a_decision() {
    let keyed: KeyedLimiter<u64> =
        KeyedLimiter::builder(Algorithm::Gcra, Quota::per_second(5).unwrap()).max_keys(9).build_at(0).unwrap();
    let key: Key<'_, u64> = keyed.key(&1);
    let decision = {
        let members = [Member::key("k", key, 1)];
        Group::new(&members).unwrap().take_at(0).remaining()
    };
    assert_eq!(decision, 4);
}

/// The same group in its three forms: what is reserved, settled and cancelled comes to the same.
#[test]
fn settled_in_three_forms() {
    let clock = Arc::new(ManualClock::new(SECOND));
    let limiter = || {
        let builder = Limiter::builder(Algorithm::TokenBucket, Quota::per_second(100).unwrap());
        Arc::new(builder.shared_clock(clock.clone()).build().unwrap())
    };
    let left =
        |limiters: &[Arc<Limiter>]| limiters.iter().map(|limiter| limiter.peek(1).remaining()).collect::<Vec<_>>();
    let two = [limiter(), limiter()];
    let group = LimiterGroup::new([("a", two[0].clone()), ("b", two[1].clone())]).unwrap();
    assert!(group.reserve(50, Duration::ZERO).unwrap().settle(20).is_allowed());
    assert_eq!(left(&two), [80, 80]);
    group.reserve(30, Duration::ZERO).unwrap().cancel();
    assert_eq!(left(&two), [80, 80]);
    // More than was reserved is charged; one member cannot take so deep a debt, and says so; the other has settled.
    assert!(two[0].charge(100).is_allowed());
    let slot = group.reserve_at(3 * SECOND, 1, 0).unwrap();
    assert!(two[0].charge_at(3 * SECOND, 150).is_allowed());
    let settled = group.settle_at(3 * SECOND, slot, 100);
    assert_eq!((settled.is_allowed(), settled.binding()), (false, Some("a")));
    assert!(!settled.member("a").unwrap().is_allowed() && settled.member("b").unwrap().is_allowed());
    assert_eq!(two[1].peek_at(3 * SECOND, 1).remaining(), 0);

    let two = [limiter(), limiter()];
    let estimate = [Member::limiter("a", &two[0], 50), Member::limiter("b", &two[1], 10)];
    let slot = Group::new(&estimate).unwrap().reserve(Duration::ZERO).unwrap();
    let actual = [Member::limiter("a", &two[0], 20), Member::limiter("b", &two[1], 11)];
    assert!(Group::new(&actual).unwrap().settle(slot).is_allowed());
    assert_eq!(left(&two), [80, 89]);
    let slot = Group::new(&estimate).unwrap().reserve(Duration::ZERO).unwrap();
    Group::new(&estimate).unwrap().cancel(slot);
    assert_eq!(left(&two), [80, 89]);

    let keyed = KeyedLimiter::<str>::builder(Algorithm::TokenBucket, Quota::per_second(100).unwrap()).max_keys(9);
    let keyed = Arc::new(keyed.shared_clock(clock.clone()).build().unwrap());
    let all = limiter();
    let group = KeyedLimiterGroup::new([("key", keyed.clone().into()), ("all", all.clone().into())]).unwrap();
    let slot = group.reserve("k", 50, Duration::ZERO).unwrap();
    assert!(group.settle("k", slot, 20).is_allowed());
    let slot = group.reserve("k", 30, Duration::ZERO).unwrap();
    group.cancel("k", slot);
    assert_eq!((keyed.peek("k", 1).remaining(), all.peek(1).remaining()), (80, 80));
    let slot = keyed.reserve("k", 50, Duration::ZERO).unwrap().into_slot();
    assert!(keyed.settle("k", slot, 60).is_allowed());
    assert_eq!(keyed.peek("k", 1).remaining(), 20);
    let slot = group.reserve_at("k", SECOND, 20, 0).unwrap();
    assert!(group.settle_at("k", SECOND, slot, 0).is_allowed());
    assert_eq!((keyed.peek("k", 1).remaining(), all.peek(1).remaining()), (20, 80));
}

mod threads {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    /// Counts what each thread was granted.
    fn together(threads: u64, run: impl Fn(u64) -> u64 + Sync) -> Vec<u64> {
        let barrier = Barrier::new(threads as usize);
        std::thread::scope(|scope| {
            let (barrier, run) = (&barrier, &run);
            let start = |thread| {
                scope.spawn(move || {
                    barrier.wait();
                    run(thread)
                })
            };
            let running: Vec<_> = (0..threads).map(start).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    /// Groups that share members in a ring, each of two, and callers of one member alone: exactly what was granted is used, and no more
    /// than there is.
    #[test]
    fn exact_counts() {
        let limit = 30_000;
        for algorithm in Algorithm::ALL {
            let limiter = || {
                let quota = Quota::from_nanos(if algorithm == Algorithm::SlidingLog { 3_000 } else { limit }, 1 << 40);
                Arc::new(Limiter::builder(algorithm, quota.unwrap()).build_at(0).unwrap())
            };
            let ring = [limiter(), limiter(), limiter()];
            let group =
                |a: usize, b: usize| LimiterGroup::new([("a", ring[a].clone()), ("b", ring[b].clone())]).unwrap();
            let groups = [group(0, 1), group(1, 2), group(2, 0)];
            let capacity = groups[0].peek_at(0, 1).limit();
            let alone = AtomicU64::new(0);
            let mut granted = together(4, |thread| match groups.get(thread as usize) {
                Some(group) => (0..capacity).filter(|_| group.try_acquire_at(5, 1)).count() as u64,
                None => {
                    let some = (0..capacity / 3).filter(|_| ring[1].try_acquire_at(5, 1)).count() as u64;
                    alone.store(some, Relaxed);
                    some
                }
            });
            // A race may have refused the last ones that would have fitted: they can still be had.
            for (group, granted) in groups.iter().zip(&mut granted) {
                *granted += (0..capacity).take_while(|_| group.try_acquire_at(5, 1)).count() as u64;
            }
            let used = ring.each_ref().map(|limiter| capacity - limiter.peek_at(5, 1).remaining());
            let alone = alone.load(Relaxed);
            let expected = [granted[0] + granted[2], granted[0] + granted[1] + alone, granted[1] + granted[2]];
            assert_eq!(used, expected, "{algorithm}: {granted:?}");
            let exhausted = used.map(|used| used == capacity);
            assert!(exhausted.iter().filter(|&&exhausted| exhausted).count() >= 2, "of each two members one: {used:?}");
        }
    }

    /// How often a race refuses what would have fitted. Each round two threads call at once for the one permit that each of two members has: one
    /// as a group; the other for the second alone and then for the first alone. One after the other, in any order, the first member's permit is always used. It is not, if
    /// the group has spent it when the other comes for it, and then finds the second gone.
    #[test]
    fn how_often_a_race_refuses_what_would_have_fitted() {
        let rounds = 20 * cases();
        let limiter = || {
            let quota = Quota::from_nanos(1, 1 << 20).unwrap();
            Arc::new(Limiter::builder(Algorithm::FixedWindow, quota).build_at(0).unwrap())
        };
        let (first, second) = (limiter(), limiter());
        let group = LimiterGroup::new([("first", first.clone()), ("second", second.clone())]).unwrap();
        let arrived = AtomicU64::new(0);
        let granted = together(2, |thread| {
            let (mut one, mut two) = (0, 0);
            for round in 0..rounds {
                arrived.fetch_add(1, Relaxed);
                let mut spins = 0;
                while arrived.load(Relaxed) < 2 * (round + 1) {
                    spins += 1;
                    // The other one may have no processor.
                    if spins % 1_000 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
                }
                let now = round << 20;
                if thread == 0 {
                    let both = u64::from(group.try_acquire_at(now, 1));
                    (one, two) = (one + both, two + both);
                } else {
                    two += u64::from(second.try_acquire_at(now, 1));
                    one += u64::from(first.try_acquire_at(now, 1));
                }
            }
            one << 32 | two
        });
        let (one, two) =
            granted.iter().fold((0, 0), |(one, two), both| (one + (both >> 32), two + (both & u64::from(u32::MAX))));
        assert_eq!(two, rounds, "the second member's permit is always used, and once");
        assert!(one <= rounds);
        println!("{} of {rounds} rounds refused what would have fitted", rounds - one);
    }

    /// Threads that reserve: each instant is kept in every member, and none is given twice.
    #[test]
    fn reservations() {
        let pace = Quota::from_nanos(1, 1_000).unwrap();
        let day = Quota::from_nanos(1_000, 1 << 40).unwrap();
        let pace = Arc::new(Limiter::builder(Algorithm::Gcra, pace).build_at(0).unwrap());
        let day = Arc::new(Limiter::builder(Algorithm::FixedWindow, day).build_at(0).unwrap());
        let groups = [
            LimiterGroup::new([("pace", pace.clone()), ("day", day.clone())]).unwrap(),
            LimiterGroup::new([("day", day.clone()), ("pace", pace.clone())]).unwrap(),
        ];
        let instants = std::sync::Mutex::new(Vec::new());
        together(4, |thread| {
            for _ in 0..500 {
                match groups[thread as usize % 2].reserve_at(0, 1, u64::MAX) {
                    Ok(slot) => instants.lock().unwrap().push(slot.at_nanos()),
                    Err(refused) => assert_eq!(refused.refusal(), Refusal::Contended),
                }
            }
            0
        });
        let mut instants = instants.into_inner().unwrap();
        instants.sort_unstable();
        println!("{} of 2000 reserved, the last at {}", instants.len(), instants[instants.len() - 1]);
        // A tick is below 2 ns.
        let bunched = instants.windows(2).find(|pair| pair[1] - pair[0] < 998);
        assert_eq!(bunched, None);
        assert!(instants.len() > 1_500, "{}", instants.len());
        let days = |day: u64| instants.iter().filter(|&&at| at >> 40 == day).count();
        assert!((0..5).all(|day| days(day) <= 1_000), "{} {}", days(0), days(1));
    }
}

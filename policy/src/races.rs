//! What holds while many ask and the policy is exchanged under them; beside each property stands the seeded bug that it catches.
//!
//! Counts are exact and no time passes: a manual clock stands still.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use tidegate::ManualClock;

use crate::seeds::{Bug, plant};
use crate::{Policy, PolicyHandle, Request, Scope};

const NOW: u64 = 1_768_479_617_000_000_000;
const THREADS: u64 = 4;

/// A test answers whether its property held, with a bug or without. A bug must show in one of some runs.
fn holds_but_not_with(bug: Bug, test: impl Fn(Option<Bug>) -> bool) {
    for _ in 0..3 {
        assert!(test(None));
    }
    assert!((0..100).any(|_| !test(Some(bug))), "{bug:?} is not seen");
}

/// A file with one limit of each id.
fn file(limits: &[(&str, &str)]) -> String {
    let limit = |(id, rest): &(&str, &str)| {
        format!("[[limit]]\nid = \"{id}\"\nscope = \"account\"\nendpoints = [\"all\"]\n{rest}\n")
    };
    format!("format = 1\n[provider]\nname = \"own\"\n{}", limits.iter().map(limit).collect::<String>())
}

fn handle(file: &str) -> PolicyHandle {
    let clock = Arc::new(ManualClock::new(NOW));
    let policy = Policy::builder().max_keys(100).shared_clock(clock).from_toml(file, "own.toml");
    PolicyHandle::new(policy.unwrap_or_else(|error| panic!("{error}")))
}

fn account(name: &str) -> Request<'_> {
    Request::new().scope(Scope::Account, name)
}

fn left(handle: &PolicyHandle, id: &str) -> u64 {
    handle.load().peek(&account("a")).unwrap().limit(id).unwrap().remaining()
}

/// Runs `ask` so often in each of four threads while one more exchanges the policy for the two files in turn.
fn asked_while_exchanged(bug: Option<Bug>, handle: &PolicyHandle, files: [&str; 2], times: u64, ask: impl Fn() + Sync) {
    let running = AtomicU64::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                plant(bug);
                (0..times).for_each(|_| ask());
                running.fetch_sub(1, SeqCst);
            });
        }
        scope.spawn(|| {
            plant(bug);
            for file in files.into_iter().cycle() {
                handle.reload_toml(file, "own.toml").unwrap();
                if running.load(SeqCst) == 0 {
                    break;
                }
            }
        });
    });
}

#[test]
fn a_limit_that_stays_counts_exactly_while_others_change() {
    for algorithm in ["gcra", "fixed-window", "sliding-log"] {
        holds_but_not_with(Bug::CopiedTable, |bug| {
            let stays = format!("quota = \"3000/day\"\nwindow = \"{algorithm}\"");
            let with = |other: &str| file(&[("stays", &stays), ("changes", &format!("quota = \"{other}\""))]);
            let (one, two) = (with("1000000000/s"), with("900000000/s"));
            let (handle, granted) = (handle(&one), AtomicU64::new(0));
            asked_while_exchanged(bug, &handle, [&two, &one], 1_500, || {
                let allowed = handle.load().take(&account("a")).unwrap().is_allowed();
                granted.fetch_add(u64::from(allowed), SeqCst);
            });
            granted.into_inner() == 3_000 && left(&handle, "stays") == 0
        });
    }
}

/// No more requests at the same time than the limit, before, during and after exchanges; afterwards none.
fn never_more_at_once(bug: Option<Bug>) -> bool {
    let with = |other: &str| file(&[("places", "concurrency = 2"), ("changes", &format!("quota = \"{other}\""))]);
    let (one, two) = (with("1000000000/s"), with("900000000/s"));
    let (handle, inside, most) = (handle(&one), AtomicU64::new(0), AtomicU64::new(0));
    asked_while_exchanged(bug, &handle, [&two, &one], 300, || {
        let policy = handle.load_full();
        let verdict = policy.take(&account("a")).unwrap();
        if verdict.is_allowed() {
            most.fetch_max(inside.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::yield_now();
            inside.fetch_sub(1, SeqCst);
        }
    });
    most.into_inner() <= 2 && left(&handle, "places") == 2
}

#[test]
fn places_stay_taken_through_exchanges() {
    holds_but_not_with(Bug::PlacesAnew, never_more_at_once);
}

#[test]
fn a_place_is_looked_at_and_taken_in_one_step() {
    holds_but_not_with(Bug::LookedThenTaken, never_more_at_once);
}

#[test]
fn a_request_that_a_rate_denies_gives_its_places_back() {
    holds_but_not_with(Bug::PlacesKept, |bug| {
        let text = file(&[("places", "concurrency = 4"), ("rate", "quota = \"100/day\"")]);
        let (handle, granted) = (handle(&text), AtomicU64::new(0));
        asked_while_exchanged(bug, &handle, [&text, &text], 100, || {
            let policy = handle.load_full();
            let allowed = policy.take(&account("a")).unwrap().is_allowed();
            granted.fetch_add(u64::from(allowed), SeqCst);
        });
        (granted.into_inner(), left(&handle, "places"), left(&handle, "rate")) == (100, 4, 0)
    });
}

#[test]
fn a_newcomer_has_one_limiter_whoever_brings_it_in() {
    holds_but_not_with(Bug::MadeTwice, |bug| {
        let handle = handle(&file(&[("log", "quota = \"5/day\"\nwindow = \"sliding-log\"")]));
        let (granted, together) = (AtomicU64::new(0), Barrier::new(THREADS as usize));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    plant(bug);
                    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                        together.wait();
                        for _ in 0..5 {
                            let allowed = handle.load().take(&account(name)).unwrap().is_allowed();
                            granted.fetch_add(u64::from(allowed), SeqCst);
                        }
                    }
                });
            }
        });
        granted.into_inner() == 8 * 5
    });
}

/// What is counted after one exchange is carried over by another, though that one began before.
#[test]
fn an_exchange_waits_for_the_one_under_way() {
    holds_but_not_with(Bug::ExchangedTogether, |bug| {
        let with = |quota: &str| file(&[("x", &format!("quota = \"{quota}\"\nwindow = \"fixed-window\""))]);
        let (first, second) = (with("200/day"), with("400/day"));
        let handle = handle(&with("100/day")).carry(tidegate::Carry::Permits);
        let (under_way, done) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                plant(bug);
                let slowly = |builder: crate::PolicyBuilder| {
                    under_way.wait();
                    // The other one comes to its end only if it does not wait for this one.
                    (0..1_000).for_each(|_| thread::yield_now());
                    while bug.is_some() && !done.load(SeqCst) {
                        thread::yield_now();
                    }
                    builder.from_toml(&first, "own.toml")
                };
                handle.exchange_at(NOW, slowly).unwrap();
            });
            scope.spawn(|| {
                plant(bug);
                under_way.wait();
                handle.reload_toml(&second, "own.toml").unwrap();
                assert!(handle.load().take(&account("a").cost(10)).unwrap().is_allowed());
                done.store(true, SeqCst);
            });
        });
        left(&handle, "x") == 390
    });
}

//! Threads that record what they were answered, and the two runs of each test: as it is, and with a bug planted.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use crate::checker::Event;

/// Seeded numbers (SplitMix64).
#[derive(Clone)]
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// One thread's part of a history.
pub struct Recorder<'a, C> {
    stamps: &'a AtomicU64,
    events: Vec<Event<C>>,
    pub numbers: Numbers,
}

impl<C> Recorder<'_, C> {
    /// Calls, and keeps what `call` says was asked and answered.
    pub fn record(&mut self, call: impl FnOnce(&mut Numbers) -> C) {
        let invoked = self.stamps.fetch_add(1, SeqCst);
        let call = call(&mut self.numbers);
        let returned = self.stamps.fetch_add(1, SeqCst);
        self.events.push(Event { invoked, returned, call });
        // Out of step with the others.
        match self.numbers.below(8) {
            0 => thread::yield_now(),
            pause => (0..pause * 8).for_each(|_| std::hint::spin_loop()),
        }
    }
}

/// The history of one limiter, begun and ended by one thread alone.
pub struct History<C> {
    stamps: AtomicU64,
    events: Vec<Event<C>>,
    numbers: Numbers,
}

impl<C: Send> History<C> {
    pub fn new(seed: u64) -> History<C> {
        History { stamps: AtomicU64::new(0), events: Vec::new(), numbers: Numbers(seed) }
    }

    pub fn numbers(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// What this thread does while no other is there.
    pub fn alone<R>(&mut self, run: impl FnOnce(&mut Recorder<'_, C>) -> R) -> R {
        let mut recorder = Recorder { stamps: &self.stamps, events: Vec::new(), numbers: Numbers(self.numbers.next()) };
        let result = run(&mut recorder);
        let events = recorder.events;
        self.events.extend(events);
        result
    }

    /// What `threads` threads do at once, numbered from 0; what they leave behind, in their order.
    pub fn at_once<R: Send>(&mut self, threads: u64, run: impl Fn(u64, &mut Recorder<'_, C>) -> R + Sync) -> Vec<R> {
        let ready = AtomicU64::new(0);
        let seed = self.numbers.next();
        let (stamps, ready, run) = (&self.stamps, &ready, &run);
        let parts: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|thread| {
                    scope.spawn(move || {
                        let numbers = Numbers(seed.wrapping_add(thread << 32));
                        let mut recorder = Recorder { stamps, events: Vec::new(), numbers };
                        ready.fetch_add(1, SeqCst);
                        while ready.load(SeqCst) < threads {
                            thread::yield_now();
                        }
                        let result = run(thread, &mut recorder);
                        (recorder.events, result)
                    })
                })
                .collect();
            running.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        let (events, results): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        self.events.extend(events.into_iter().flatten());
        results
    }

    /// By the order in which they were called, so that a call is known by its number.
    pub fn events(mut self) -> Vec<Event<C>> {
        self.events.sort_by_key(|event| event.invoked);
        self.events
    }
}

/// What came of a history: how many of its calls met another, or its own words for why it could not have happened.
pub type Verdict = Result<u64, String>;

/// The verdict on a history.
pub fn judge<D>(definition: &D, first: D::State, events: &[Event<D::Call>], what: &str) -> Verdict
where
    D: crate::checker::Definition,
{
    if !crate::checker::is_linearizable(definition, first, events) {
        let lines: Vec<_> = events.iter().map(|event| format!("  {event:?}")).collect();
        return Err(format!("no order explains it: {what}\n{}", lines.join("\n")));
    }
    let meets = |one: &&Event<_>| {
        let other = |other: &Event<_>| one.invoked < other.invoked && other.invoked < one.returned;
        events.iter().any(other)
    };
    Ok(events.iter().filter(meets).count() as u64)
}

/// The tests share two cores and the switch of the bugs, so they take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn cases() -> u64 {
    std::env::var("TIDEGATE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500)
}

/// Every history is explained.
pub fn holds(history: &impl Fn(u64) -> Verdict) {
    let _turn = turn();
    #[cfg(tidegate_seeded)]
    tidegate::sync::seeds::shake(true);
    let mut met = 0;
    let mut histories = 0;
    // Threads may run one after the other where the processors are busy: until some have met, but not for ever.
    while histories < cases() || met == 0 && histories < cases() * 1_000 {
        met += history(histories).unwrap_or_else(|why| panic!("seed {histories}: {why}"));
        histories += 1;
    }
    println!("{histories} histories, {met} calls met another");
    assert!(met > 0, "threads that never meet show nothing");
}

/// With any of the bugs, some history is not explained, or a thread panics.
#[cfg(tidegate_seeded)]
pub fn is_caught(bugs: &[tidegate::sync::Bug], history: &impl Fn(u64) -> Verdict) {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use tidegate::sync::seeds;
    /// Many times more than any of them needs.
    const TRIES: u64 = 50_000;
    let _turn = turn();
    seeds::shake(true);
    for &bug in bugs {
        seeds::plant(Some(bug));
        let caught =
            |seed: &u64| catch_unwind(AssertUnwindSafe(|| history(*seed))).map_or(true, |verdict| verdict.is_err());
        let refused = (0..TRIES).find(caught);
        seeds::plant(None);
        println!("{bug:?}: caught by history {refused:?}");
        assert!(refused.is_some(), "no history shows {bug:?}");
    }
}

/// A test's histories hold, and not with the bugs beside it.
#[macro_export]
macro_rules! holds_but_not_with {
    ([$($bug:ident),* $(,)?], $history:expr) => {{
        let history = $history;
        $crate::threads::holds(&history);
        #[cfg(tidegate_seeded)]
        $crate::threads::is_caught(&[$(tidegate::sync::Bug::$bug),*], &history);
    }};
}

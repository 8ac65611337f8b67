//! Threads at one limiter, for hundreds of thousands of calls: never over the limit, and no permit lost.
//!
//! All threads read one clock that each reading moves on, so a thread that is held up calls with a late `now`. What passed is judged by the
//! instants at which the decisions say that it was counted. Load is above the limit throughout, so that at the end *what passed, and what
//! is left* is a number that is known exactly. `loom.rs` explores every interleaving of small programs; this is the long run.
//!
//! The same tests pass where `compare_exchange_weak` fails for no reason: `RUSTFLAGS="--cfg tidegate_spurious"`.

mod every;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;

use every::{BUCKET, EVERY, FIXED, FIXED_FIRST, GCRA, INTERVAL, INTERVAL_FIRST, LOG, Rule, SLIDING};
use tidegate::{Carry, Limiter, Quota, SlidingLog};

/// Calls of each thread.
const CALLS: u64 = 60_000;
/// Nanoseconds from one reading of the clock to the next.
const BEAT: u64 = 100;
/// A period of 1,310 readings, and a whole number of ticks under every rule.
const PERIOD: u64 = 1 << 17;

/// A granted call: when it was made, when it was counted, and how much.
#[derive(Clone, Copy, Debug)]
struct Grant {
    now: u64,
    reset_at: u64,
    cost: u64,
}

struct Run {
    /// Of all threads.
    grants: Vec<Grant>,
    returned: u64,
    /// The last reading of the clock.
    end: u64,
}

impl Run {
    fn granted(&self) -> u64 {
        self.grants.iter().map(|grant| grant.cost).sum()
    }

    /// Permits by the window in which they were counted; `window` tells it from the instant at which the limiter is new again.
    fn by_window(&self, window: impl Fn(&Grant) -> u64) -> BTreeMap<u64, u64> {
        let mut windows = BTreeMap::new();
        for grant in &self.grants {
            *windows.entry(window(grant)).or_default() += grant.cost;
        }
        windows
    }
}

/// Which grants are returned: none.
fn none(_: u64) -> bool {
    false
}

/// Every third grant.
fn third(nth: u64) -> bool {
    nth.is_multiple_of(3)
}

/// All but a few.
fn nearly_all(nth: u64) -> bool {
    !nth.is_multiple_of(5_000)
}

/// `threads` threads call `take`, with costs of 1 to `most`, and return the grants that `returns` says.
fn storm<T: Sync>(
    threads: u64,
    most: u64,
    returns: fn(u64) -> bool,
    limiter: &T,
    take: impl Fn(&T, u64, u64) -> Option<u64> + Sync,
    refund: impl Fn(&T, u64, u64) + Sync,
) -> Run {
    let clock = AtomicU64::new(0);
    let (take, refund, clock) = (&take, &refund, &clock);
    let parts: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    let (mut grants, mut returned) = (Vec::new(), 0);
                    for call in 0..CALLS {
                        let now = clock.fetch_add(BEAT, SeqCst);
                        let cost = (call + worker) % most + 1;
                        let Some(reset_after) = take(limiter, now, cost) else { continue };
                        grants.push(Grant { now, reset_at: now + reset_after, cost });
                        if returns(grants.len() as u64) {
                            refund(limiter, now, cost);
                            returned += cost;
                        }
                        // Others' turn, now and then in the middle of a period.
                        if call % 4_096 == worker {
                            thread::yield_now();
                        }
                    }
                    (grants, returned)
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let mut run = Run { grants: vec![], returned: 0, end: clock.load(SeqCst) };
    for (grants, returned) in parts {
        run.grants.extend(grants);
        run.returned += returned;
    }
    run
}

fn take(limiter: &Limiter, now: u64, cost: u64) -> Option<u64> {
    let decision = limiter.take_at(now, cost);
    decision.is_allowed().then(|| decision.reset_after_nanos())
}

fn refund(limiter: &Limiter, now: u64, permits: u64) {
    limiter.refund_at(now, permits);
}

fn limiter(rule: Rule, limit: u64, period: u64, burst: u64) -> Limiter {
    let quota = Quota::from_nanos(limit, period).and_then(|quota| quota.burst(burst)).expect("legal");
    rule.builder(quota).build_at(0).expect("legal")
}

/// What passed, less what was returned, and what is left: that is what there was to begin with, and what was earned.
fn whole(rule: Rule, limiter: &Limiter, run: &Run) -> u64 {
    let left = limiter.peek_at(run.end, 1).remaining();
    let passed = run.granted() - run.returned;
    println!("{}: {} grants, {passed} permits, {left} left", rule.name, run.grants.len());
    assert!(run.grants.len() > 1_000, "{}", rule.name);
    passed + left
}

#[test]
fn gcra_and_the_token_bucket() {
    for (rule, threads) in [(GCRA, 2), (GCRA, 4), (BUCKET, 3)] {
        // A permit every 512 ns, where ten are asked for: 2^9 ticks of a nanosecond each, so tick(t) = t.
        let limiter = limiter(rule, 1, 512, 500);
        let run = storm(threads, 3, none, &limiter, take, refund);
        assert_eq!(whole(rule, &limiter, &run), 500 + run.end / 512, "{}", rule.name);

        // At most B + floor(L * t / W) in any span, by the callers' own times.
        let mut grants: Vec<_> = run.grants.iter().map(|grant| (grant.now, grant.cost)).collect();
        grants.sort_unstable();
        // With P(i) the permits before i: P(j + 1) - P(i) <= B + (t_j - t_i) / 512, for the i where P(i) - t_i / 512 is least.
        let (mut before, mut least) = (0i128, i128::MAX);
        for (now, cost) in grants {
            let now = i128::from(now);
            least = least.min(512 * before - now);
            before += i128::from(cost);
            assert!(512 * before - now <= 512 * 500 + least, "{} at {now}", rule.name);
        }
    }
}

/// Under returns, a bucket may keep a permit too many: to a caller who is late it looks as if somebody waited, and then nothing is given
/// back. It never gives one too many.
#[test]
fn gcra_and_the_token_bucket_with_returns() {
    for (rule, threads) in [(GCRA, 2), (GCRA, 4), (BUCKET, 3)] {
        let limiter = limiter(rule, 1, 512, 500);
        let run = storm(threads, 3, third, &limiter, take, refund);
        let (whole, most) = (whole(rule, &limiter, &run), 500 + run.end / 512);
        assert!(whole <= most && whole + run.returned >= most, "{}: {whole} of {most}", rule.name);
    }
}

/// While time stands still nobody is late: what is returned is there again, to the last permit.
#[test]
fn returns_at_one_time() {
    for rule in EVERY {
        let limiter = limiter(rule, 500, 1 << 50, 500);
        let still = |limiter: &Limiter, _, cost| take(limiter, 5, cost);
        let run = storm(3, 4, nearly_all, &limiter, still, |limiter, _, permits| limiter.refund_at(5, permits));
        let run = Run { end: 5, ..run };
        assert_eq!(whole(rule, &limiter, &run), 500, "{}", rule.name);
    }
}

#[test]
fn interval_refill() {
    for (rule, period) in [(INTERVAL, PERIOD), (INTERVAL_FIRST, PERIOD * 4)] {
        for (threads, returns) in [(2, none as fn(u64) -> bool), (3, third)] {
            let limiter = limiter(rule, 200, period, 300);
            let run = storm(threads, 3, returns, &limiter, take, refund);
            assert_eq!(whole(rule, &limiter, &run), 300 + run.end / period * 200, "{}", rule.name);
        }
    }
}

#[test]
fn fixed_window() {
    for (rule, threads) in [(FIXED, 2), (FIXED, 4), (FIXED_FIRST, 3)] {
        let (limit, period) = (100, PERIOD);
        let limiter = limiter(rule, limit, period, limit);
        let run = storm(threads, 1, none, &limiter, take, refund);
        // A window is named by the instant at which it ends.
        let windows = run.by_window(|grant| grant.reset_at);
        assert!(windows.values().all(|&permits| permits <= limit), "{}: {windows:?}", rule.name);
        // Under this load every window but the last is used up: no permit is lost.
        let last = windows.last_key_value().map(|(&end, &permits)| (end, permits)).expect("grants");
        assert!(windows.range(..last.0).all(|(_, &permits)| permits == limit), "{}: {windows:?}", rule.name);
        let left = limiter.peek_at(last.0 - 1, 1).remaining();
        assert_eq!(last.1 + left, limit, "{}", rule.name);
        println!("{}: {} windows", rule.name, windows.len());
        assert!(windows.len() > 50);
    }
}

#[test]
fn sliding_window() {
    for threads in [2, 4] {
        let (limit, period) = (100, PERIOD);
        let limiter = limiter(SLIDING, limit, period, limit);
        let run = storm(threads, 3, none, &limiter, take, refund);
        // New again at the start of the window after the next.
        let windows = run.by_window(|grant| grant.reset_at / period - 2);
        assert!(windows.values().all(|&permits| permits <= limit), "{windows:?}");
        assert!(windows.len() > 50);
        // The counters are what was counted, in the last window and the one before it.
        let (&last, &current) = windows.last_key_value().expect("grants");
        let previous = windows.get(&(last - 1)).copied().unwrap_or(0);
        for now in [last * period, run.end.max(last * period), last * period + period - 1] {
            let weighted = previous * (period - now % period) + current * period;
            let left = (limit * period).saturating_sub(weighted) / period;
            assert_eq!(limiter.peek_at(now, 1).remaining(), left, "at {now}");
        }
        // By the weight of the window before, at most this much in two of them.
        let pairs = windows.iter().filter_map(|(window, permits)| Some(permits + windows.get(&(window + 1))?));
        assert!(pairs.max().is_some_and(|most| most < 2 * limit));
    }
}

/// Never more than L in any half-open span of W, by the instants at which the permits were logged, and each is there.
fn judge_log(limit: u64, period: u64, run: &Run, remaining: impl Fn(u64) -> u64) {
    // The newest permit leaves the window one period after it was logged: the limiter's own word for when that was.
    let mut logged: Vec<u64> = vec![];
    for grant in &run.grants {
        assert!(
            grant.reset_at >= grant.now + period,
            "logged at {} - {period}, called at {}",
            grant.reset_at,
            grant.now
        );
        logged.extend((0..grant.cost).map(|_| grant.reset_at - period));
    }
    logged.sort_unstable();
    let spans = logged.windows(limit as usize + 1);
    assert!(spans.len() > 1_000, "{} permits", logged.len());
    for span in spans {
        assert!(span[limit as usize] - span[0] >= period, "{span:?}");
    }
    // What is left, now and as they leave one by one.
    let last = *logged.last().expect("permits");
    for now in (last..=last + period).step_by(997) {
        let live = logged.iter().rev().take_while(|&&time| time + period > now).count() as u64;
        assert_eq!(remaining(now), limit - live, "at {now}");
    }
}

#[test]
fn sliding_log() {
    let (limit, period) = (100, PERIOD);
    for (threads, most) in [(2, 1), (4, 3), (3, 12)] {
        let limiter = limiter(LOG, limit, period, limit);
        let run = storm(threads, most, none, &limiter, take, refund);
        judge_log(limit, period, &run, |now| limiter.peek_at(now, 1).remaining());
        println!("sliding log: {} grants", run.grants.len());
    }
    // One permit: every claim laps the ring.
    let one = limiter(LOG, 1, 1 << 10, 1);
    let run = storm(2, 1, none, &one, take, refund);
    judge_log(1, 1 << 10, &run, |now| one.peek_at(now, 1).remaining());
}

#[test]
fn sliding_log_in_an_array() {
    let log = SlidingLog::<100>::new(core::time::Duration::from_nanos(PERIOD)).expect("legal");
    let take = |log: &SlidingLog<100>, now, cost| {
        let decision = log.take_at(now, cost);
        decision.is_allowed().then(|| decision.reset_after_nanos())
    };
    let run = storm(3, 3, none, &log, take, |log, now, permits| log.refund_at(now, permits));
    judge_log(100, PERIOD, &run, |now| log.peek_at(now, 1).remaining());
}

/// At one instant, over and over: exactly the capacity passes, whichever verb is used.
#[test]
fn one_instant_again_and_again() {
    const ROUNDS: u64 = 300;
    for rule in EVERY {
        let limiter = limiter(rule, 50, 1 << 20, 50);
        for round in 0..ROUNDS {
            let now = round * (1 << 22);
            let granted = AtomicU64::new(0);
            thread::scope(|scope| {
                for worker in 0..3 {
                    let (limiter, granted) = (&limiter, &granted);
                    scope.spawn(move || {
                        for call in 0..40 {
                            let allowed = match (call + worker) % 3 {
                                0 => limiter.take_at(now, 1).is_allowed(),
                                1 => limiter.reserve_at(now, 1, 0).is_ok(),
                                _ => limiter.try_acquire_at(now, 1),
                            };
                            granted.fetch_add(u64::from(allowed), SeqCst);
                        }
                    });
                }
            });
            assert_eq!(granted.into_inner(), 50, "{} in round {round}", rule.name);
        }
    }
}

/// A debt ends at twice the capacity, however many run it up.
#[test]
fn debts_have_one_bottom() {
    for rule in EVERY {
        for _ in 0..100 {
            let limiter = limiter(rule, 50, 1 << 20, 50);
            let charged = AtomicU64::new(0);
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for _ in 0..60 {
                            charged.fetch_add(u64::from(limiter.charge_at(5, 1).is_allowed()), SeqCst);
                        }
                    });
                }
            });
            assert_eq!(charged.into_inner(), 100, "{}", rule.name);
            assert!(!limiter.try_acquire_at(5, 1), "{}", rule.name);
        }
    }
}

/// Who reserves gets an instant of its own: of one permit a period, each period's goes to exactly one.
#[test]
fn reservations_stand_in_one_line() {
    for rule in [GCRA, BUCKET, INTERVAL, FIXED, LOG] {
        let (limit, period) = (3, 1 << 16);
        let limiter = if rule == GCRA { limiter(rule, limit, period, 1) } else { limiter(rule, limit, period, limit) };
        let mut instants: Vec<u64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        (0..2_000)
                            .map(|_| limiter.reserve_at(0, 1, u64::MAX).expect("room in the line").at_nanos())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
        });
        instants.sort_unstable();
        let alone = self::limiter(rule, limit, period, limiter.quota().capacity());
        let expected: Vec<u64> =
            (0..6_000).map(|_| alone.reserve_at(0, 1, u64::MAX).expect("room in the line").at_nanos()).collect();
        assert_eq!(instants, expected, "{}: as if one after the other", rule.name);
    }
}

/// Reserved and cancelled by many: the limiter is as it was. Two who cancel in the order in which they reserved leave the second's
/// permits unused under the rules that keep one instant for all (families 1 and 2); nobody gets one twice.
#[test]
fn reservations_come_and_go() {
    for rule in EVERY {
        let limiter = limiter(rule, 50, 1 << 20, 50);
        let taken = AtomicU64::new(0);
        thread::scope(|scope| {
            for worker in 0..3 {
                let (limiter, taken) = (&limiter, &taken);
                scope.spawn(move || {
                    for call in 0..3_000 {
                        if call % 100 == worker && limiter.try_acquire_at(5, 1) {
                            taken.fetch_add(1, SeqCst);
                        }
                        // None waits: what fits now is given back now, whole.
                        if let Ok(slot) = limiter.reserve_at(5, 1 + call % 3, 0) {
                            limiter.cancel_at(5, slot);
                        }
                    }
                });
            }
        });
        let left = limiter.peek_at(5, 1).remaining();
        let (whole, exact) = (taken.into_inner() + left, rule == SLIDING || rule == LOG);
        assert!(if exact { whole == 50 } else { whole <= 50 }, "{}: {whole}", rule.name);
        // What was left unused has come back a period later.
        assert_eq!(limiter.peek_at(5 + (1 << 21), 1).remaining(), 50, "{}", rule.name);
    }
}

/// Quotas change under load, back and forth: every permit spent is in the state at the end.
#[test]
fn a_change_of_quota_under_load_loses_no_spend() {
    for rule in EVERY {
        let (one, other) = (rule.make(40_000, 1 << 50).quota(), rule.make(50_000, 1 << 51).quota());
        let limiter = rule.builder(one).build_at(5).expect("legal");
        let (granted, returned, changing) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(true));
        thread::scope(|scope| {
            for worker in 0..2 {
                let (limiter, granted, returned, changing) = (&limiter, &granted, &returned, &changing);
                scope.spawn(move || {
                    let mut call = worker;
                    while changing.load(SeqCst) || call < 1_000 {
                        call += 1;
                        let spent = match call % 4 {
                            0 => limiter.charge_at(5, 1).is_allowed(),
                            1 => limiter.take_at(5, 1).is_allowed(),
                            2 => limiter.reserve_at(5, 1, 0).is_ok(),
                            _ => limiter.try_acquire_at(5, 1),
                        };
                        assert!(spent, "there is always room: {:?}", limiter.peek_at(5, 1));
                        granted.fetch_add(1, SeqCst);
                        // All but a few go back, so that there is. (Read in this order, no more is returned than granted.)
                        let back = returned.load(SeqCst);
                        if call % 64 != 0 || granted.load(SeqCst) - back > 30_000 {
                            limiter.refund_at(5, 1);
                            returned.fetch_add(1, SeqCst);
                        }
                        if call % 16 == 0 {
                            let quota = limiter.snapshot().quota();
                            assert!(quota == one || quota == other, "{quota}");
                        }
                    }
                });
            }
            let mut change = 0;
            while change < 200 || granted.load(SeqCst) < 20_000 {
                change += 1;
                let quota = if change % 2 == 0 { other } else { one };
                limiter.reconfigure_at(5, quota, Carry::Permits).expect("room to carry");
                thread::yield_now();
            }
            changing.store(false, SeqCst);
            println!("{}: {change} changes", rule.name);
        });
        let spent = granted.into_inner() - returned.into_inner();
        println!("{}: {spent} spent", rule.name);
        assert!(spent > 10, "{}", rule.name);
        assert_eq!(limiter.peek_at(5, 1).remaining() + spent, limiter.quota().capacity(), "{}", rule.name);
    }
}

//! Each defect of backon, tower, cockatiel, tenacity and exponential-backoff that is known, as a test that it would fail.

use std::collections::HashSet;
use std::time::Duration;

use tidegate::backoff::{Backoff, Jitter};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

const JITTERS: [Jitter; 5] =
    [Jitter::Full, Jitter::Equal, Jitter::Additive(SECOND), Jitter::Additive(MINUTE), Jitter::Decorrelated];

/// backon: jitter is added to the capped delay, so 119 s under a cap of 60 s.
#[test]
fn no_119_seconds_under_a_60_second_cap() {
    for jitter in JITTERS {
        for seed in 0..200 {
            let backoff = Backoff::exponential(SECOND).max_delay(MINUTE).jitter(jitter).seed(seed);
            for (n, delay) in backoff.delays().take(50).enumerate() {
                assert!(delay <= MINUTE, "{jitter:?}, seed {seed}, retry {n}: {delay:?}");
            }
        }
    }
}

/// The same through a hint: Retry-After: 59 and a jitter of up to 60 s must not become 119 s either.
#[test]
fn no_119_seconds_by_way_of_a_hint() {
    let hint = Duration::from_secs(59);
    for jitter in JITTERS {
        for seed in 0..200 {
            let mut session = Backoff::constant(MINUTE).max_delay(MINUTE).jitter(jitter).seed(seed).start();
            let delay = session.next_delay(Some(hint)).expect("no bound");
            assert!((hint..=MINUTE).contains(&delay), "{jitter:?}, seed {seed}: {delay:?}");
        }
    }
}

/// tower: all sessions begin with one seed and so share one jitter sequence.
#[test]
fn sessions_do_not_share_a_jitter_sequence() {
    let backoff = Backoff::exponential(SECOND).max_delay(MINUTE).jitter(Jitter::Full);
    let sequences: HashSet<Vec<Duration>> = (0..1000).map(|_| backoff.delays().take(4).collect()).collect();
    assert_eq!(sequences.len(), 1000);
    // Nor do they run one behind the other.
    let first: HashSet<u64> = backoff.delays().take(500).map(|delay| delay.as_nanos() as u64).collect();
    let second: HashSet<u64> = backoff.delays().take(500).map(|delay| delay.as_nanos() as u64).collect();
    assert!(first.intersection(&second).count() < 5);
}

/// A copied configuration carries no generator along: each session of each copy has its own.
#[test]
fn copies_of_a_configuration_do_not_share_a_jitter_sequence() {
    let one = Backoff::constant(MINUTE).jitter(Jitter::Full);
    let other = one;
    assert_ne!(one.delays().take(4).collect::<Vec<_>>(), other.delays().take(4).collect::<Vec<_>>());
}

#[test]
fn threads_do_not_share_a_jitter_sequence() {
    let backoff = Backoff::constant(MINUTE).jitter(Jitter::Full);
    let threads: Vec<_> = (0..4)
        .map(|_| std::thread::spawn(move || (0..250).map(|_| backoff.start().seed()).collect::<Vec<_>>()))
        .collect();
    let seeds: HashSet<u64> = threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(seeds.len(), 1000);
}

/// Nor do processes: each begins with bits of the operating system's.
#[test]
fn processes_do_not_share_a_jitter_sequence() {
    const CHILD: &str = "TIDEGATE_SAY_SEED";
    let name = "processes_do_not_share_a_jitter_sequence";
    if std::env::var_os(CHILD).is_some() {
        return println!("seed {}", Backoff::constant(MINUTE).start().seed());
    }
    let seeds: HashSet<String> = (0..8)
        .map(|_| {
            let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
            let said = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().expect("it runs").stdout;
            let said = String::from_utf8(said).expect("text");
            said.lines().find_map(|line| line.split_once("seed ")).expect("a seed").1.to_owned()
        })
        .collect();
    assert_eq!(seeds.len(), 8, "{seeds:?}");
}

/// cockatiel: the exponent has no effect when jitter is off.
#[test]
fn the_exponent_counts_without_jitter() {
    let seconds = |backoff: Backoff| backoff.delays().take(4).map(|delay| delay.as_secs()).collect::<Vec<_>>();
    assert_eq!(seconds(Backoff::exponential(SECOND).factor(3).unwrap()), [1, 3, 9, 27]);
    assert_eq!(seconds(Backoff::exponential(SECOND).factor(3).unwrap().jitter(Jitter::None)), [1, 3, 9, 27]);
    assert_eq!(seconds(Backoff::exponential(SECOND * 10).factor_ratio(3, 2).unwrap()), [10, 15, 22, 33]);
}

/// tenacity: the jittered delay is cut at the cap, so that all clients wait exactly the cap once they are there.
#[test]
fn jitter_is_not_lost_at_the_cap() {
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Additive(SECOND), Jitter::Additive(MINUTE)] {
        let backoff = Backoff::exponential(SECOND).max_delay(MINUTE).jitter(jitter).seed(1);
        let at_the_cap: HashSet<Duration> = backoff.delays().skip(10).take(100).collect();
        assert_eq!(at_the_cap.len(), 100, "{jitter:?}");
        assert!(!at_the_cap.contains(&MINUTE), "{jitter:?}");
    }
    // As published, decorrelated jitter does cut; a third of its draws at the least stay below.
    let backoff = Backoff::exponential(SECOND).max_delay(MINUTE).jitter(Jitter::Decorrelated).seed(1);
    let below = backoff.delays().skip(10).take(300).filter(|delay| *delay < MINUTE).count();
    assert!(below >= 100, "{below}");
}

/// And at a hint that reaches the cap, where there is no room left below.
#[test]
fn jitter_is_not_lost_at_a_hint() {
    for jitter in JITTERS {
        for hint in [Duration::from_secs(30), MINUTE, MINUTE * 60] {
            let backoff = Backoff::constant(SECOND * 10).max_delay(MINUTE).jitter(jitter);
            let delays: HashSet<Option<Duration>> =
                (0..100).map(|seed| backoff.seed(seed).start().next_delay(Some(hint))).collect();
            assert!(delays.iter().all(|delay| *delay >= Some(hint)), "{jitter:?} at {hint:?}");
            assert!(delays.len() >= 50, "{jitter:?} at {hint:?}: {} different", delays.len());
        }
    }
}

/// exponential-backoff: panics at a jitter of 0.005, whose integer width is 0.
#[test]
fn no_width_of_jitter_panics() {
    let five_thousandths = |base: Duration| Jitter::Additive(base / 200);
    for nanos in (0..=1000).chain([u64::MAX - 1, u64::MAX]) {
        let base = Duration::from_nanos(nanos);
        for jitter in JITTERS.into_iter().chain([five_thousandths(base), Jitter::Additive(Duration::MAX)]) {
            for cap in [Duration::ZERO, Duration::from_nanos(1), base, Duration::MAX] {
                let backoff = Backoff::exponential(base).max_delay(cap).jitter(jitter).seed(nanos);
                assert!(backoff.delays().take(3).all(|delay| delay <= cap));
            }
        }
    }
}

//! States that are kept, written, read, and carried to another quota.

use tidegate::{Carry, Quota};

use crate::check;
use crate::lives::*;

#[test]
fn a_snapshot_goes_on_as_the_limiter_would() {
    fn holds(Any(setup): Any, steps: Vec<Step>, more: Vec<Step>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        life.slots.clear();
        let kept = life.limiter.snapshot();
        assert_eq!((kept.quota(), kept.algorithm()), (setup.quota, setup.rule.algorithm));
        let mut copy = Life::of(life.copy(), life.now);
        assert_eq!(copy.limiter.snapshot(), kept, "{setup:?}");
        assert_eq!(copy.limiter.horizon(), life.limiter.horizon());
        for step in &more {
            assert_eq!(copy.step(step), life.step(step), "{setup:?} {step:?}");
        }
        assert_eq!(copy.limiter.snapshot(), life.limiter.snapshot(), "{setup:?}");
        life.limiter.restore(&kept).expect("its own");
        assert_eq!(life.limiter.snapshot(), kept, "{setup:?}");
    }
    check(holds as fn(Any, Vec<Step>, Vec<Step>));
}

/// After a change, everything that can be asked is of the new quota.
#[test]
fn a_changed_limiter_says_so() {
    fn holds(Any(setup): Any, steps: Vec<Step>, scale: u8) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let old = setup.quota;
        let (limit, period) = (old.limit() / 2 + u64::from(scale), old.period_nanos() / 2 + u64::from(scale));
        let Ok(quota) = Quota::from_nanos(limit, period).map(|quota| quota.anchor(old.anchored())) else { return };
        let mut alone = Life::of(life.copy(), life.now);
        let changed = life.limiter.reconfigure_at(life.now, quota, Carry::Time);
        assert_eq!(alone.limiter.reconfigure_mut_at(life.now, quota, Carry::Time), changed, "{setup:?} {quota}");
        let new = Setup { quota, initial: None, origin: life.now, ..setup };
        let expected = if changed.is_ok() { new } else { setup };
        life.quota = expected.quota;
        alone.quota = expected.quota;
        for limiter in [&life.limiter, &alone.limiter] {
            assert_eq!(limiter.quota(), expected.quota);
            assert_eq!(limiter.snapshot().quota(), expected.quota);
            assert_eq!(limiter.horizon(), expected.make().horizon(), "{setup:?} {quota}");
            assert_eq!(limiter.algorithm(), setup.rule.algorithm);
            assert_eq!(limiter.take_at(life.now, 0).limit(), expected.quota.capacity());
        }
        for step in steps.iter().filter(|step| step.verb != Verb::Cancel) {
            assert_eq!(life.step(step), alone.step(step), "{setup:?} {quota} {step:?}");
        }
        assert_eq!(life.limiter.snapshot(), alone.limiter.snapshot());
    }
    check(holds as fn(Any, Vec<Step>, u8));
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_reads_back_as_it_was_written() {
    use crate::every::LOG;
    use tidegate::Limiter;

    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let kept = life.limiter.snapshot();
        let text = serde_json::to_string(&kept).expect("it writes");
        let read = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(kept, read, "{text}");
        assert_eq!(Limiter::from_snapshot(&read).expect("sound").snapshot(), kept, "{text}");
        let quota = serde_json::to_string(&setup.quota).expect("it writes");
        assert_eq!(serde_json::from_str::<Quota>(&quota).expect("it reads"), setup.quota);
        // A word is all there is to keep, but of a log.
        let state = serde_json::to_value(&kept).expect("it writes")["state"].clone();
        assert_eq!(state["Word"].is_u64(), setup.rule != LOG, "{state}");
    }
    check(holds as fn(Any, Vec<Step>));
}

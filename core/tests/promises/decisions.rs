//! A decision is right: in what it allows, in what it says of now, and in the waits that it tells.

use tidegate::{Carry, Quota};

use crate::check;
use crate::every::{BUCKET, GCRA};
use crate::lives::*;

#[test]
fn gcra_and_the_continuous_token_bucket_are_one() {
    fn holds(Continuous(setup): Continuous, steps: Vec<Step>) {
        let as_bucket = Setup { rule: BUCKET, initial: None, ..setup };
        let (mut gcra, mut bucket) = (Life::new(&Setup { rule: GCRA, ..as_bucket }), Life::new(&as_bucket));
        for step in &steps {
            assert_eq!(gcra.step(step), bucket.step(step), "{setup:?} {step:?}");
        }
        let other = Quota::from_nanos(setup.quota.limit().div_ceil(2), setup.quota.period_nanos()).expect("legal");
        for carry in [Carry::Time, Carry::Permits, Carry::Proportional] {
            let changed = [&gcra, &bucket].map(|life| life.limiter.reconfigure_at(life.now, other, carry));
            assert_eq!(changed[0], changed[1]);
            assert_eq!(gcra.limiter.peek_at(gcra.now, 1), bucket.limiter.peek_at(gcra.now, 1));
        }
    }
    check(holds as fn(Continuous, Vec<Step>));
}

/// Denied at every earlier nanosecond, allowed exactly then; as good as new at `reset_after`, and not a nanosecond earlier.
#[test]
fn waits_are_minimal() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step, within: u64) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let (now, limiter) = (next.time(life.now, &life.quota), &life.limiter);
        let end = limiter.horizon();
        for cost in [1, next.cost(&life.quota), life.quota.capacity()] {
            let told = limiter.peek_at(now, cost);
            let allowed = |at| limiter.peek_at(at, cost).is_allowed();
            match told.retry_after_nanos() {
                Some(0) => assert!(told.is_allowed() && life.copy().try_acquire_at(now, cost)),
                Some(wait) => {
                    assert!(!told.is_allowed() && now + wait <= end, "{setup:?} {told:?}");
                    assert!(!allowed(now + wait - 1) && !allowed(now + within % wait), "{setup:?} at {now}: {told:?}");
                    assert!(allowed(now + wait), "{setup:?} at {now}: {told:?}");
                    assert!(life.copy().try_acquire_at(now + wait, cost));
                }
                None => assert!(!allowed(now) && !allowed(end) && !allowed(u64::MAX), "{setup:?} at {now}: {told:?}"),
            }

            let charge = |at| life.copy().charge_at(at, cost);
            let told = charge(now);
            match told.retry_after_nanos() {
                // Until the debt is paid: until then nobody gets anything.
                Some(wait) if told.is_allowed() => {
                    let charged = life.copy();
                    assert!(charged.charge_at(now, cost).is_allowed());
                    assert!(wait == 0 || !charged.peek_at(now + wait - 1, 1).is_allowed(), "{setup:?} {told:?}");
                }
                Some(wait) => {
                    assert!(wait > 0 && !charge(now + wait - 1).is_allowed(), "{setup:?} at {now}: {told:?}");
                    assert!(!charge(now + within % wait).is_allowed() && charge(now + wait).is_allowed(), "{setup:?}");
                }
                None => assert!(told.is_allowed() || !charge(end).is_allowed(), "{setup:?} at {now}: {told:?}"),
            }
        }

        let remaining = |at| limiter.peek_at(at, 1).remaining();
        let capacity = life.quota.capacity();
        match limiter.peek_at(now, 1).reset_after_nanos() {
            0 => assert_eq!(remaining(now), capacity),
            u64::MAX => assert!(remaining(end) < capacity && remaining(u64::MAX) < capacity),
            wait => {
                assert!(
                    remaining(now + wait - 1) < capacity && remaining(now + wait) == capacity,
                    "{setup:?} at {now}"
                );
            }
        }
    }
    check(holds as fn(Any, Vec<Step>, Step, u64));
}

/// `remaining` is what fits, and the next one does not.
#[test]
fn remaining_is_the_largest_cost_that_fits() {
    fn holds(Any(setup): Any, steps: Vec<Step>, next: Step) {
        let mut life = Life::new(&setup);
        life.live(&steps);
        let now = next.time(life.now, &life.quota);
        for said in [life.limiter.peek_at(now, 1), life.limiter.take_at(now, 1)] {
            let all = life.limiter.peek_at(now, 0).remaining();
            assert!(all <= said.limit() && said.limit() == life.quota.capacity());
            assert!(life.limiter.peek_at(now, all).is_allowed(), "{setup:?} {said:?}");
            assert!(!life.limiter.peek_at(now, all + 1).is_allowed(), "{setup:?} {said:?}");
        }
    }
    check(holds as fn(Any, Vec<Step>, Step));
}

#[test]
fn a_denial_and_a_look_write_nothing() {
    fn holds(Any(setup): Any, steps: Vec<Step>) {
        let mut life = Life::new(&setup);
        for step in &steps {
            let before = life.limiter.snapshot();
            let said = life.step(step);
            let unchanged = match said {
                Said::Decision(said) => step.verb == Verb::Peek || !said.is_allowed(),
                Said::Answer(allowed) => !allowed,
                Said::Refused(..) => true,
                Said::Booked(_) | Said::Nothing => false,
            };
            if unchanged || step.cost(&life.quota) == 0 && !matches!(step.verb, Verb::Cancel | Verb::Reset) {
                assert_eq!(life.limiter.snapshot(), before, "{setup:?} {step:?}: {said:?}");
            } else if matches!(said, Said::Decision(_) | Said::Answer(true) | Said::Booked(_)) {
                assert_ne!(life.limiter.snapshot(), before, "a grant changes the state: {setup:?} {step:?}");
            }
        }
    }
    check(holds as fn(Any, Vec<Step>));
}

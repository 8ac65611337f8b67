//! Changes that cannot be made, and states that are not the limiter's own.

use tidegate::{Carry, Limiter, Quota, ReconfigureError, RestoreError, Word};

#[cfg(feature = "serde")]
use crate::END;
use crate::every::{EVERY, FIXED, GCRA, INTERVAL, LOG, Rule, SLIDING};
use crate::{SECOND, in_every_state, quota};

#[test]
fn a_change_that_cannot_be_is_an_error_and_changes_nothing() {
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let before = limiter.snapshot();
            let slot = limiter.reserve_at(10, 1, u64::MAX).expect("room");
            let booked = limiter.snapshot();
            let refused = |quota: Quota, carry| {
                let error = limiter.reconfigure_at(10, quota, carry).expect_err(state);
                assert!(!error.to_string().is_empty());
                assert_eq!(limiter.snapshot(), booked, "{}, {state}", rule.name);
                error
            };
            for carry in [Carry::Time, Carry::Permits, Carry::Proportional, Carry::Reset] {
                let error = refused(quota(u64::MAX, 1).anchor(limiter.quota().anchored()), carry);
                assert!(matches!(error, ReconfigureError::Quota(_)), "{error:?}");
            }
            // A refused change leaves slots good: what was booked can still be given back.
            limiter.cancel_at(10, slot);
            let (after, was) = (limiter.peek_at(10, 1), Limiter::from_snapshot(&before).expect("sound").peek_at(10, 1));
            assert_eq!(after.remaining(), was.remaining(), "{}, {state}", rule.name);
        }
    }
}

#[test]
fn what_cannot_be_carried_is_an_error_and_changes_nothing() {
    // A million used cannot be counted where two times the capacity of one is the most.
    let limiter = SLIDING.make(1_000_000, 86_400 * SECOND);
    assert!(limiter.try_acquire_at(5, 1_000_000));
    let before = limiter.snapshot();
    let error = limiter.reconfigure_at(5, quota(1, SECOND), Carry::Permits);
    assert_eq!(error, Err(ReconfigureError::CannotCarry));
    assert_eq!(limiter.snapshot(), before);
    assert!(limiter.reconfigure_at(5, quota(1, SECOND), Carry::Reset).is_ok());

    let log = LOG.make(1_000, SECOND);
    assert!(log.try_acquire_at(5, 1_000));
    let before = log.snapshot();
    assert_eq!(log.reconfigure_at(5, quota(1, 1 << 62), Carry::Permits), Err(ReconfigureError::CannotCarry));
    assert_eq!(log.snapshot(), before);
}

#[test]
fn a_snapshot_of_another_limiter_is_an_error_and_changes_nothing() {
    for rule in EVERY {
        let limiter = rule.make(7, SECOND);
        assert!(limiter.try_acquire_at(5, 3));
        let before = limiter.snapshot();
        for other in EVERY {
            let foreign = [other.make(7, 2 * SECOND), other.make(8, SECOND), other.make(7, SECOND)];
            for foreign in foreign.into_iter().take(if other == rule { 2 } else { 3 }) {
                assert_eq!(limiter.restore(&foreign.snapshot()), Err(RestoreError::Mismatch), "{}", rule.name);
            }
        }
        assert_eq!(limiter.snapshot(), before, "{}", rule.name);
    }
}

/// A snapshot that came through many hands: an error, or a limiter that works, but never a panic.
#[cfg(feature = "serde")]
#[test]
fn a_snapshot_tampered_with_is_an_error_or_a_limiter() {
    use serde_json::Value;

    /// The way to every leaf of the text; each is replaced in turn.
    fn leaves(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                path.push(key.clone());
                leaves(value, path, found);
                path.pop();
            }),
            Value::Array(array) => array.iter().enumerate().for_each(|(at, value)| {
                path.push(at.to_string());
                leaves(value, path, found);
                path.pop();
            }),
            _ => found.push(path.clone()),
        }
    }
    let mut corrupt = 0;
    for rule in EVERY {
        for (state, limiter) in in_every_state(rule) {
            let text = serde_json::to_value(limiter.snapshot()).expect("it writes");
            let mut numbers = vec![];
            leaves(&text, &mut vec![], &mut numbers);
            assert!(numbers.len() >= 5, "{text}");
            for leaf in numbers {
                let pointer: String = leaf.iter().map(|key| format!("/{key}")).collect();
                for number in [0, 1, 7, 15, 1 << 31, 1 << 62, END, 1 << 63, u64::MAX - 1, u64::MAX].map(Value::from) {
                    let mut changed = text.clone();
                    *changed.pointer_mut(&pointer).expect("it was there") = number;
                    let Ok(snapshot) = serde_json::from_value(changed) else { continue };
                    match Limiter::from_snapshot(&snapshot) {
                        Ok(limiter) => {
                            for now in [0, 10, SECOND, END, u64::MAX] {
                                let said = limiter.charge_at(now, 3);
                                assert!(said.remaining() <= 7, "{}, {state}: {said:?}", rule.name);
                                let _ = limiter.reserve_at(now, 3, u64::MAX);
                                limiter.refund_at(now, 2);
                                let _ = limiter.take_at(now, 1);
                            }
                        }
                        Err(error) => {
                            corrupt += 1;
                            assert!(!error.to_string().is_empty());
                        }
                    }
                }
            }
        }
    }
    assert!(corrupt > 0);
    for text in ["null", "{}", "[]", "7", "\"300/min\""] {
        assert!(serde_json::from_str::<tidegate::Snapshot>(text).is_err());
    }
    for text in ["7", "\"\"", "\"0/s\"", "null", "{}"] {
        assert!(serde_json::from_str::<Quota>(text).is_err());
    }
}

/// A word in the caller's memory that the rule could not have made is an error, at the very edge of what it can make; it stays as it is.
#[test]
fn a_word_that_no_call_has_made_is_an_error() {
    // Two counters of 3 bits under a sliding window of 3, which count to 6.
    let edges: [(Rule, &[u64], &[u64]); 4] = [
        (GCRA, &[3 << 62, u64::MAX - 1], &[(3 << 62) - 1]),
        (SLIDING, &[7, 7 << 3, 7 << 3 | 7], &[6, 6 << 3, 6 << 3 | 6]),
        (FIXED, &[u64::MAX >> 1], &[(u64::MAX >> 1) - 1]),
        (INTERVAL, &[u64::MAX >> 1], &[(u64::MAX >> 1) - 1]),
    ];
    for (rule, foreign, own) in edges {
        let (limiter, word) = rule.builder(quota(3, SECOND)).word_at(0).unwrap();
        assert!(limiter.try_acquire_at(&word, 0, 3).unwrap());
        for &value in foreign.iter().chain(&[u64::MAX]) {
            let word = Word::new(value);
            let what = format!("{} {value:#x}", rule.name);
            assert!(limiter.try_acquire_at(&word, 0, 1).is_err(), "{what}");
            assert!(limiter.take_at(&word, 0, 1).is_err() && limiter.peek_at(&word, 0, 1).is_err(), "{what}");
            assert!(limiter.charge_at(&word, 0, 1).is_err() && limiter.refund_at(&word, 0, 1).is_err(), "{what}");
            assert_eq!(word.get(), value, "{what}");
        }
        for &value in own {
            let word = Word::new(value);
            assert!(!limiter.peek_at(&word, 0, 1).unwrap().is_allowed(), "{} {value:#x}", rule.name);
        }
    }
}

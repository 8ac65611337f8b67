//! tidegate where the word is not in one atomic: keys, leases, groups of a policy, concurrency.

use tidegate::{Algorithm, Concurrency, KeyedLimiter, Limiter, Quota};
use tidegate_policy::{Policy, Request, Scope};

use crate::candidate::{Candidate, Group, count, count_in_time};
use crate::quotas::{ORIGIN, STEADY_STEP, ample};

/// The name of the call on a key.
pub const KEYED: &str = "tidegate, 1,000 keys, u64: try_acquire";

const KEYS: u64 = 1_000;

/// One permit every thousand seconds, a million at once: no key becomes idle.
fn keyed<K: core::hash::Hash + ?Sized>() -> KeyedLimiter<K> {
    let quota = Quota::from_nanos(1, 1_000_000_000_000).and_then(|quota| quota.burst(1_000_000));
    let builder = KeyedLimiter::builder(Algorithm::Gcra, quota.expect("within every bound")).max_keys(KEYS as usize);
    builder.build_at(ORIGIN).expect("memory")
}

/// One of a thousand keys, in turn.
fn numbers() -> Candidate {
    let (keyed, mut now) = (keyed::<u64>(), ORIGIN);
    Candidate::new(Group::Places, KEYED, move |calls| {
        count_in_time(&keyed, calls, &mut now, STEADY_STEP, |keyed, now| {
            keyed.try_acquire_at(&(now / STEADY_STEP % KEYS), now, 1)
        })
    })
}

fn names(name: &'static str, call: impl Fn(&KeyedLimiter<str>, &str, u64) -> bool + 'static) -> Candidate {
    let names: Vec<String> = (0..KEYS).map(|n| format!("key_{n:011x}")).collect();
    let (keyed, mut now) = (keyed::<str>(), ORIGIN);
    Candidate::new(Group::Places, name, move |calls| {
        count_in_time(&keyed, calls, &mut now, STEADY_STEP, |keyed, now| {
            call(keyed, &names[(now / STEADY_STEP % KEYS) as usize], now)
        })
    })
}

fn lease() -> Candidate {
    let builder = Limiter::builder(Algorithm::Gcra, ample());
    let leased = std::sync::Arc::new(builder.build_leased_at(ORIGIN, 1, 256).expect("within every bound"));
    let mut now = ORIGIN;
    Candidate::new(Group::Places, "tidegate gcra, leased, 256 at a time: try_acquire", move |calls| {
        let mut lease = leased.lease_owned().expect("one lease at a time");
        let mut admitted = 0;
        for _ in 0..calls {
            now += STEADY_STEP;
            admitted += u64::from(core::hint::black_box(&mut lease).try_acquire_at(now, 1));
        }
        admitted
    })
}

fn concurrency() -> Candidate {
    let limiter = Concurrency::new(100).expect("not 0");
    Candidate::new(Group::Places, "tidegate concurrency: enter and leave", move |calls| {
        count(&limiter, calls, |limiter| limiter.try_enter().is_some())
    })
}

/// A plan with four limits, one of a thousand accounts in turn.
fn policy() -> Candidate {
    let text = r#"format = 1
[provider]
name = "benchmark"
"#;
    let limit = |n: u32| {
        format!(
            "[[limit]]\nid = \"{n}\"\nscope = \"api-key\"\nendpoints = [\"all\"]\nquota = \"{n}00/d burst 1000000\"\nwindow = \"gcra\"\n"
        )
    };
    let text = text.to_owned() + &(1..=4).map(limit).collect::<String>();
    let policy = Policy::from_toml(&text, "benchmark").expect("a policy");
    let names: Vec<String> = (0..KEYS).map(|n| format!("key_{n:011x}")).collect();
    let mut now = ORIGIN;
    Candidate::new(Group::Places, "tidegate policy of four limits, 1,000 keys: take", move |calls| {
        count_in_time(&policy, calls, &mut now, STEADY_STEP, |policy, now| {
            let name = &names[(now / STEADY_STEP % KEYS) as usize];
            let request = Request::new().endpoint("POST", "/send").scope(Scope::ApiKey, name);
            policy.take_at(now, &request).is_ok_and(|verdict| verdict.is_allowed())
        })
    })
}

/// All of them.
pub fn candidates() -> Vec<Candidate> {
    vec![
        numbers(),
        names("tidegate, 1,000 keys, 15 characters: try_acquire", |keyed, key, now| keyed.try_acquire_at(key, now, 1)),
        names("tidegate, 1,000 keys, 15 characters: take", |keyed, key, now| keyed.take_at(key, now, 1).is_allowed()),
        lease(),
        concurrency(),
        policy(),
    ]
}

//! Any text as a policy file, in TOML and in JSON: refused with a place in it, or enforced without a panic and never beyond a capacity.

use tidegate_policy::{Policy, Request, Scope};

const NOW: u64 = 1_768_479_617_000_000_000;

/// Bytes that are not text are none.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let builder = Policy::builder().max_bytes(64 << 10).max_keys(8).enforce_examples(true);
    for read in [builder.clone().from_toml(text, "a.toml"), builder.from_json(text, "a.json")] {
        match read {
            Err(error) => {
                let lines = text.split('\n').count();
                assert!(error.place().is_none_or(|place| (1..=lines).contains(&place.line())), "{error}");
                assert!(!error.message().is_empty());
            }
            Ok(policy) => enforce(&policy),
        }
    }
}

fn enforce(policy: &Policy) {
    let plans: Vec<Option<&str>> = policy.limits().iter().map(|limit| limit.plan()).collect();
    let customers = policy.limits().iter().filter_map(|limit| limit.customer());
    let Some(mut request) = plans.first().map(|plan| Request::new().plan(plan.unwrap_or("free"))) else { return };
    if let Some(customer) = customers.into_iter().next() {
        request = request.customer(customer);
    }
    for scope in Scope::ALL {
        request = request.scope(scope, "a");
    }
    for path in ["/", "/email/send", "/v1/x/send?y=1"] {
        for (now, cost) in [(NOW, 1), (NOW, u64::MAX), (NOW + 1, 0), (0, 2), (u64::MAX, 1)] {
            let request = request.clone().endpoint("POST", path).cost(cost);
            let Ok(peeked) = policy.peek_at(now, &request).map(|verdict| verdict.report()) else { return };
            let Ok(taken) = policy.take_at(now, &request) else { return };
            assert_eq!(peeked.allowed, taken.is_allowed());
            for limit in taken.limits() {
                assert!(limit.remaining() <= limit.limit());
                assert!(!taken.is_allowed() || limit.is_shadow() || limit.cost() <= limit.limit());
            }
            assert_eq!(taken.is_allowed(), taken.retry_after_nanos() == Some(0));
            let _ = (taken.headers(), taken.quota(), taken.code());
        }
    }
}

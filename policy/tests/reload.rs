//! Exchanging a policy: what is carried over, and what a bad file does. What holds under many threads is tested in `src/races.rs`.

use std::sync::Arc;

use tidegate::{Carry, ManualClock};
use tidegate_policy::{Policy, PolicyHandle, Request, Scope};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_768_479_617 * SECOND;

/// A file with one limit of each id.
fn file(limits: &[(&str, &str)]) -> String {
    let limit = |(id, rest): &(&str, &str)| {
        format!("[[limit]]\nid = \"{id}\"\nscope = \"account\"\nendpoints = [\"all\"]\n{rest}\n")
    };
    format!("format = 1\n[provider]\nname = \"own\"\n{}", limits.iter().map(limit).collect::<String>())
}

fn handle(limits: &[(&str, &str)]) -> PolicyHandle {
    let clock = Arc::new(ManualClock::new(NOW));
    PolicyHandle::new(Policy::builder().max_keys(100).shared_clock(clock).from_toml(&file(limits), "own.toml").unwrap())
}

fn reload(handle: &PolicyHandle, limits: &[(&str, &str)]) {
    handle.reload_toml(&file(limits), "own.toml").unwrap_or_else(|error| panic!("{error}"));
}

fn account() -> Request<'static> {
    Request::new().scope(Scope::Account, "a")
}

fn spend(handle: &PolicyHandle, cost: u64) -> bool {
    handle.load().take(&account().cost(cost)).unwrap().is_allowed()
}

fn left(handle: &PolicyHandle, id: &str) -> u64 {
    handle.load().peek(&account()).unwrap().limit(id).unwrap().remaining()
}

const ALGORITHMS: [&str; 5] = ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"];

fn rate(quota: &str, algorithm: &str) -> String {
    format!("quota = \"{quota}\"\nwindow = \"{algorithm}\"")
}

#[test]
fn the_same_quota_keeps_its_table() {
    for algorithm in ALGORITHMS {
        let same = rate("100/day", algorithm);
        let handle = handle(&[("same", &same), ("gone", "quota = \"9/s\"")]);
        assert!(spend(&handle, 5));
        let old = handle.load_full();
        reload(&handle, &[("new", "quota = \"7/s\""), ("same", &same)]);
        assert_eq!((left(&handle, "same"), left(&handle, "new")), (95, 7), "{algorithm}");
        // Who still asks the old policy counts in the same table.
        assert!(old.take(&account().cost(2)).unwrap().is_allowed());
        assert_eq!(left(&handle, "same"), 93, "{algorithm}");
        assert!(handle.load().limit("gone").is_none());
    }
}

#[test]
fn a_changed_quota_carries_what_is_used() {
    for algorithm in ALGORITHMS {
        for (carry, expected) in
            [(Carry::Time, 200 - 80), (Carry::Permits, 200 - 40), (Carry::Proportional, 200 - 80), (Carry::Reset, 200)]
        {
            let handle = handle(&[("x", &rate("100/day", algorithm))]).carry(carry);
            assert!(spend(&handle, 40));
            reload(&handle, &[("x", &rate("200/day", algorithm))]);
            assert_eq!(left(&handle, "x"), expected, "{algorithm} {carry:?}");
            // Other keys are as new.
            let other = Request::new().scope(Scope::Account, "b");
            assert_eq!(handle.load().peek(&other).unwrap().limit("x").unwrap().remaining(), 200);
        }
    }
}

#[test]
fn another_number_of_keys_carries_too_and_another_algorithm_or_scope_does_not() {
    for algorithm in ALGORITHMS {
        let handle = handle(&[("x", &rate("100/day", algorithm))]);
        assert!(spend(&handle, 40));
        reload(&handle, &[("x", &format!("{}\nmax_keys = 7", rate("100/day", algorithm)))]);
        assert_eq!((left(&handle, "x"), handle.load().table_of("x").unwrap().max_keys), (60, 7), "{algorithm}");
    }
    let handle = handle(&[("x", &rate("100/day", "gcra"))]);
    assert!(spend(&handle, 40));
    reload(&handle, &[("x", &rate("100/day", "sliding-window"))]);
    assert_eq!(left(&handle, "x"), 100);
    assert!(spend(&handle, 40));
    let ip = file(&[("x", &rate("100/day", "sliding-window"))]).replace("account", "ip");
    handle.reload_toml(&ip, "own.toml").unwrap();
    let request = Request::new().scope(Scope::Ip, "a");
    assert_eq!(handle.load().peek(&request).unwrap().limit("x").unwrap().remaining(), 100);
}

#[test]
fn a_bad_file_leaves_the_last_good_policy_in_force() {
    let handle = handle(&[("x", "quota = \"100/day\"")]);
    assert!(spend(&handle, 40));
    let good = file(&[("x", "quota = \"100/day\"")]);
    for bad in [
        "",
        "format = 2",
        "\u{0}",
        &good.replace("100/day", "0/day"),
        &good.replace("scope", "scop"),
        &"x".repeat(5 << 20),
    ] {
        assert!(handle.reload_toml(bad, "own.toml").is_err());
        assert!(handle.reload_json(bad, "own.json").is_err());
    }
    assert!(handle.reload("no/such/file.toml").is_err());
    assert_eq!(left(&handle, "x"), 60);
}

#[test]
fn places_taken_before_an_exchange_are_given_back_after_it() {
    let handle = handle(&[("x", "concurrency = 3")]);
    let policy = handle.load_full();
    let held: Vec<_> = (0..3).map(|_| policy.take(&account()).unwrap().into_in_flight()).collect();
    reload(&handle, &[("x", "concurrency = 4")]);
    assert_eq!(left(&handle, "x"), 1);
    reload(&handle, &[("x", "concurrency = 2")]);
    assert!(!spend(&handle, 1));
    drop((held, policy));
    assert_eq!(left(&handle, "x"), 2);
}

#[test]
fn windows_of_a_zone_of_ones_own_stay_where_the_quota_does() {
    let day = "quota = \"5 per calendar day\"";
    let handle = handle(&[("x", day)]);
    let tokyo = account().zone("Asia/Tokyo").cost(3);
    assert!(handle.load().take(&tokyo).unwrap().is_allowed());
    reload(&handle, &[("x", day)]);
    assert!(!handle.load().take(&tokyo).unwrap().is_allowed());
}

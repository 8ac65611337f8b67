//! Enforcement: which limits are met, all or nothing, what is answered, and what cannot be asked.

use std::time::Duration;

use tidegate_policy::{Policy, Request, RequestError, Scope};

const SECOND: u64 = 1_000_000_000;
/// 2026-01-15T12:20:17Z.
const NOW: u64 = 1_768_479_617 * SECOND;

fn own(text: &str) -> Policy {
    let text = format!("format = 1\n[provider]\nname = \"own\"\n{text}");
    Policy::from_toml(&text, "own.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn allowed(policy: &Policy, now: u64, request: &Request) -> bool {
    policy.take_at(now, request).unwrap().is_allowed()
}

/// The ids of the limits that a request meets.
fn met<'p>(policy: &'p Policy, request: &Request) -> Vec<&'p str> {
    policy.limits_of(request).unwrap().iter().map(|limit| limit.id()).collect()
}

const TWO: &str = r#"
[[limit]]
id = "burst"
scope = "api-key"
endpoints = ["all"]
quota = "3/s"
[[limit]]
id = "day"
scope = "account"
endpoints = ["all"]
quota = "5/day"
window = "fixed-window"
"#;

#[test]
fn all_limits_count_a_request_or_none_does() {
    let policy = own(TWO);
    let of = |key| Request::new().scope(Scope::ApiKey, key).scope(Scope::Account, "a");
    assert!((0..3).all(|_| allowed(&policy, NOW, &of("k"))));
    // The burst denies: the day is not charged.
    let verdict = policy.take_at(NOW, &of("k")).unwrap();
    assert_eq!((verdict.is_allowed(), verdict.binding().unwrap().id()), (false, "burst"));
    assert_eq!((verdict.limit("day").unwrap().remaining(), verdict.limit("day").unwrap().is_allowed()), (2, true));
    assert!((0..2).all(|_| allowed(&policy, NOW, &of("l"))));
    // The day denies: the burst of a third key is not charged.
    let verdict = policy.take_at(NOW, &of("m")).unwrap();
    assert_eq!((verdict.is_allowed(), verdict.binding().unwrap().id()), (false, "day"));
    assert_eq!(verdict.limit("burst").unwrap().remaining(), 3);
    assert_eq!((verdict.status(), verdict.code()), (429, None));
    // Both deny: the longer wait binds and is told.
    let verdict = policy.take_at(NOW, &of("k")).unwrap();
    assert_eq!(verdict.limits().filter(|limit| !limit.is_allowed()).count(), 2);
    assert_eq!(verdict.binding().unwrap().id(), "day");
    let midnight = Duration::from_secs(86_400 - 1_768_479_617 % 86_400);
    assert_eq!(verdict.retry_after(), Some(midnight));
    assert_eq!(verdict.quota().unwrap().resets_at_iso().as_deref(), Some("2026-01-16T00:00:00Z"));
}

#[test]
fn an_admitted_request_is_bound_by_the_limit_with_the_smallest_share_left() {
    let policy = own(TWO);
    let request = Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a");
    let verdict = policy.take_at(NOW, &request).unwrap();
    assert_eq!(
        (verdict.binding().unwrap().id(), verdict.retry_after(), verdict.status()),
        ("burst", Some(Duration::ZERO), 200)
    );
    let verdict = policy.take_at(NOW + SECOND, &request).unwrap();
    // 2 of 3 against 3 of 5.
    assert_eq!((verdict.binding().unwrap().id(), verdict.scope()), ("day", Some(Scope::Account)));
}

#[test]
fn a_cost_above_a_capacity_is_never() {
    let policy = own(TWO);
    let request = Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a");
    for cost in [4, 5, 6, u64::MAX] {
        let verdict = policy.take_at(NOW, &request.clone().cost(cost)).unwrap();
        assert!(!verdict.is_allowed() && verdict.is_never() && verdict.retry_after().is_none(), "{cost}");
        assert_eq!(verdict.binding().unwrap().id(), "burst");
    }
    let verdict = policy.take_at(NOW, &request.clone().cost(0)).unwrap();
    assert!(verdict.is_allowed());
    assert_eq!(verdict.limit("day").unwrap().remaining(), 5);
}

#[test]
fn peeking_counts_nothing() {
    let policy = own(TWO);
    let request = Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a");
    for _ in 0..9 {
        let verdict = policy.peek_at(NOW, &request).unwrap();
        assert!(verdict.is_allowed());
        assert_eq!(verdict.limit("burst").unwrap().used(), 0);
    }
    assert!(allowed(&policy, NOW, &request));
    assert_eq!(policy.peek_at(NOW, &request).unwrap().limit("day").unwrap().quota(NOW).used, 1);
}

#[test]
fn what_cannot_be_asked_is_an_error_and_counts_nothing() {
    let mailiam = Policy::from_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailiam.toml")).unwrap();
    let request = || Request::new().plan("free").request_line("POST /v1/x/send").scope(Scope::ApiKey, "k");
    assert!(allowed(&mailiam, NOW, &request()));
    assert!(matches!(mailiam.take_at(NOW, &Request::new()), Err(RequestError::NoPlan { .. })));
    let error = mailiam.take_at(NOW, &request().plan("fre")).unwrap_err();
    assert_eq!(error.to_string(), "the policy has no plan `fre`; did you mean `free`?");
    let error = mailiam.take_at(NOW, &request().request_line("/v1/x/send")).unwrap_err();
    assert!(error.to_string().starts_with("`/v1/x/send` is no endpoint"), "{error}");
    assert_eq!(mailiam.take_at(NOW, &Request::new().plan("free")).unwrap_err(), RequestError::NoEndpoint);
    let nameless = Request::new().plan("FREE").request_line("POST /v1/x/send");
    let error = mailiam.take_at(NOW, &nameless).unwrap_err();
    assert_eq!(error.to_string(), "the request names no `api-key`, which the limit `plan/free/hour` counts");
    let error = mailiam.take_at(NOW, &request().units("request", 2)).unwrap_err();
    assert!(error.to_string().ends_with("did you mean `requests`?"), "{error}");
    assert_eq!(mailiam.peek_at(NOW, &request()).unwrap().limit("plan/free/hour").unwrap().used(), 1);
}

#[test]
fn an_optional_limit_is_passed_over_where_its_scope_is_not_named() {
    let policy =
        own("[[limit]]\nid = \"ip\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"1/s\"\noptional = true\n");
    assert!((0..9).all(|_| allowed(&policy, NOW, &Request::new())));
    let from = Request::new().scope(Scope::Ip, "192.0.2.1");
    assert!(allowed(&policy, NOW, &from) && !allowed(&policy, NOW, &from));
}

#[test]
fn the_most_specific_row_is_met_and_others_is_the_rest() {
    let policy = own(r#"
[category.wide]
endpoints = ["* /a/**"]
[category.one]
endpoints = ["* /a/{id}"]
[category.exact]
endpoints = ["GET /a/b", "GET /c"]
[[limit]]
id = "wide"
scope = "ip"
category = "wide"
quota = "1/s"
[[limit]]
id = "one"
scope = "ip"
category = "one"
quota = "1/s"
[[limit]]
id = "exact"
scope = "ip"
category = "exact"
quota = "1/s"
[[limit]]
id = "rest"
scope = "ip"
endpoints = ["others"]
quota = "1/s"
[[limit]]
id = "all"
scope = "ip"
endpoints = ["all"]
quota = "1/s"
"#);
    let met = |line| met(&policy, &Request::new().request_line(line));
    assert_eq!(met("GET /a/b"), ["exact", "all"]);
    assert_eq!(met("GET /a/b/?x=/c"), ["exact", "all"]);
    assert_eq!(met("POST /a/b"), ["one", "all"]);
    assert_eq!(met("GET /a/%62"), ["exact", "all"]);
    assert_eq!(met("GET /a/b/c"), ["wide", "all"]);
    assert_eq!(met("GET /a"), ["wide", "all"]);
    assert_eq!(met("GET /c"), ["exact", "all"]);
    assert_eq!(met("PUT /c"), ["rest", "all"]);
    assert_eq!(met("GET /"), ["rest", "all"]);
}

#[test]
fn patterns_that_overlap_without_order_are_refused() {
    let text = "format = 1\n[provider]\nname = \"own\"\n[category.a]\nendpoints = [\"GET /{x}/b\"]\n[category.b]\nendpoints = [\"GET /a/{y}\"]\n";
    let error = Policy::from_toml(text, "own.toml").unwrap_err();
    assert_eq!(error.message(), "`GET /a/{y}` overlaps `GET /{x}/b` of another row, and neither is the more specific");
    assert_eq!(error.place().unwrap().to_string(), "own.toml:7:13");
    // The same pattern twice is no order either.
    let text = text.replace("GET /{x}/b", "GET /a/{y}\", \"GET /q");
    assert!(Policy::from_toml(&text, "own.toml").is_err());
    // Methods part them.
    assert!(Policy::from_toml(&text.replace("GET /a/{y}\"]", "POST /a/{y}\"]"), "own.toml").is_ok());
}

#[test]
fn a_shared_pool_has_one_count_and_endpoints_apart_have_their_own() {
    let limit = |pool: &str| {
        own(&format!(
            "[[limit]]\nid = \"x\"\nscope = \"ip\"\nendpoints = [\"GET /a\", \"GET /b\"]\nquota = \"2/s\"\npool = \"{pool}\"\n"
        ))
    };
    let get = |path| Request::new().endpoint("GET", path).scope(Scope::Ip, "i");
    let shared = limit("shared");
    assert!(
        allowed(&shared, NOW, &get("/a")) && allowed(&shared, NOW, &get("/b")) && !allowed(&shared, NOW, &get("/a"))
    );
    let apart = limit("per-endpoint");
    for path in ["/a", "/b"] {
        assert!(
            allowed(&apart, NOW, &get(path)) && allowed(&apart, NOW, &get(path)) && !allowed(&apart, NOW, &get(path))
        );
    }
}

#[test]
fn a_customers_limit_stands_instead_of_the_plans() {
    let policy = own(r#"
[[limit]]
id = "hour"
plan = "pro"
scope = "account"
endpoints = ["all"]
quota = "5/h"
[[limit]]
id = "day"
plan = "pro"
scope = "account"
endpoints = ["all"]
quota = "7/day"
[[limit]]
id = "free"
plan = "free"
scope = "account"
endpoints = ["all"]
quota = "1/h"
[[limit]]
id = "big-hour"
plan = "pro"
customer = "big"
scope = "account"
endpoints = ["all"]
quota = "50/h"
[[limit]]
id = "named"
customer = "named"
instead = ["day", "free"]
scope = "account"
endpoints = ["all"]
quota = "2/min"
"#);
    let met = |plan, customer: &str| {
        let request = Request::new().plan(plan);
        met(&policy, &if customer.is_empty() { request } else { request.customer(customer) })
    };
    assert_eq!(met("pro", ""), ["hour", "day"]);
    assert_eq!(met("pro", "stranger"), ["hour", "day"]);
    assert_eq!(met("pro", "big"), ["day", "big-hour"]);
    assert_eq!(met("free", "big"), ["free"]);
    assert_eq!(met("pro", "named"), ["hour", "named"]);
    assert_eq!(met("free", "named"), ["named"]);
}

#[test]
fn costs_weigh_endpoints_and_units_are_counted_apart() {
    let policy = own(r#"
[[limit]]
id = "requests"
scope = "account"
endpoints = ["all"]
quota = "10/h"
[[limit]]
id = "emails"
scope = "account"
endpoints = ["POST /send"]
unit = "emails"
quota = "100/h"
[[limit]]
id = "batch"
scope = "request"
endpoints = ["POST /send"]
unit = "emails"
count = 40
[[cost]]
endpoints = ["GET /search"]
cost = 5
"#);
    let of = |line| Request::new().request_line(line).scope(Scope::Account, "a");
    assert!(allowed(&policy, NOW, &of("POST /send").units("emails", 40)));
    let verdict = policy.take_at(NOW, &of("POST /send").units("emails", 41)).unwrap();
    assert_eq!((verdict.binding().unwrap().id(), verdict.is_never()), ("batch", true));
    let verdict = policy.peek_at(NOW, &of("POST /send")).unwrap();
    let used = |id| verdict.limit(id).unwrap().used();
    assert_eq!((used("requests"), used("emails")), (1, 40));
    assert!(allowed(&policy, NOW, &of("GET /search")) && !allowed(&policy, NOW, &of("GET /search")));
    let verdict = policy.take_at(NOW, &of("GET /x").cost(4)).unwrap();
    assert_eq!((verdict.is_allowed(), verdict.limit("requests").unwrap().remaining()), (true, 0));
    assert!(policy.take_at(NOW, &of("GET /search").cost(u64::MAX)).unwrap().is_never());
}

#[test]
fn places_at_the_same_time_come_back_once() {
    let policy = own(r#"
[[limit]]
id = "at-once"
scope = "account"
endpoints = ["all"]
unit = "connections"
concurrency = 2
[[limit]]
id = "rate"
scope = "account"
endpoints = ["all"]
quota = "4/day"
"#);
    let request = Request::new().scope(Scope::Account, "a");
    let first = policy.take_at(NOW, &request).unwrap();
    let second = policy.take_at(NOW, &request).unwrap().into_in_flight();
    let third = policy.take_at(NOW, &request).unwrap();
    assert_eq!((third.is_allowed(), third.binding().unwrap().id()), (false, "at-once"));
    // Nobody knows for how long, and it is not never.
    assert_eq!((third.retry_after(), third.is_never()), (None, false));
    drop(third);
    assert_eq!(policy.peek_at(NOW, &request).unwrap().limit("rate").unwrap().used(), 2);
    drop(first);
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _held = policy.take_at(NOW, &request).unwrap();
        panic!("while it runs")
    }));
    assert!(panics.is_err());
    drop(second);
    assert_eq!(policy.peek_at(NOW, &request).unwrap().limit("at-once").unwrap().remaining(), 2);
    assert_eq!(policy.table_of("at-once").unwrap().keys, 0);
    // A denied rate holds no place.
    drop(policy.take_at(NOW, &request).unwrap());
    let denied = policy.take_at(NOW, &request).unwrap();
    assert_eq!(denied.binding().unwrap().id(), "rate");
    assert_eq!(policy.table_of("at-once").unwrap().keys, 0);
    assert!(policy.take_at(NOW, &request.clone().units("connections", 3)).unwrap().is_never());
}

#[test]
fn a_limit_in_shadow_is_counted_and_never_denies() {
    let policy = own(&TWO.replace("quota = \"3/s\"", "quota = \"3/s\"\nshadow = true"));
    let request = Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a");
    for n in 0..5 {
        let verdict = policy.take_at(NOW, &request).unwrap();
        let shadow = verdict.limit("burst").unwrap();
        assert!(verdict.is_allowed() && shadow.is_shadow());
        assert_eq!((shadow.is_allowed(), shadow.used()), (n < 3, 3.min(n + 1)), "{n}");
        assert_eq!((verdict.binding().unwrap().id(), verdict.retry_after()), ("day", Some(Duration::ZERO)));
    }
    // What is denied is not counted by those in shadow either.
    let before = policy.peek_at(NOW + SECOND, &request).unwrap().limit("burst").unwrap().remaining();
    assert!(!allowed(&policy, NOW + SECOND, &request));
    assert_eq!(policy.peek_at(NOW + SECOND, &request).unwrap().limit("burst").unwrap().remaining(), before);
    assert_eq!(policy.table_of("burst").unwrap().shadow_denials, 2);
}

#[test]
fn tables_are_bounded_whatever_the_algorithm() {
    for algorithm in ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"] {
        let policy = own(&format!(
            "[[limit]]\nid = \"x\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"2/h\"\nwindow = \"{algorithm}\"\nmax_keys = 100\n"
        ));
        let keys: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        for key in &keys {
            assert!(allowed(&policy, NOW, &Request::new().scope(Scope::Ip, key)), "{algorithm}");
        }
        let table = policy.table_of("x").unwrap();
        assert!(table.keys <= 100 && table.max_keys == 100 && table.evictions >= 900, "{algorithm}: {table:?}");
    }
}

#[test]
fn no_table_is_made_before_it_is_met() {
    let policy = own(TWO);
    assert!(policy.table_of("burst").is_none() && policy.table_of("no such limit").is_none());
    assert!(allowed(&policy, NOW, &Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a")));
    assert_eq!(policy.table_of("burst").unwrap().keys, 1);
}

#[test]
fn any_instant_and_any_order_of_instants_is_answered() {
    let policy = own(&format!(
        "{TWO}\n[[limit]]\nid = \"log\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"2/s\"\nwindow = \"sliding-log\"\n"
    ));
    let request = Request::new().scope(Scope::ApiKey, "k").scope(Scope::Account, "a").scope(Scope::Ip, "i");
    for now in [NOW, 0, u64::MAX, 1, 1 << 63, (1 << 63) - 1, NOW] {
        let verdict = policy.take_at(now, &request).unwrap();
        let _ = (verdict.report(), format!("{verdict:?}"));
    }
}

#[test]
fn a_race_never_admits_more_than_any_limit() {
    let policy = own(&TWO.replace("5/day", "500/day").replace("3/s", "1000/s"));
    let granted: usize = std::thread::scope(|scope| {
        let run = |n: usize| {
            let policy = &policy;
            move || {
                let key = n.to_string();
                let request = Request::new().scope(Scope::ApiKey, &key).scope(Scope::Account, "a");
                (0..400).filter(|_| allowed(policy, NOW, &request)).count()
            }
        };
        let threads: Vec<_> = (0..4).map(|n| scope.spawn(run(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 500);
}

#[test]
fn a_report_is_json_as_providers_write_it() {
    let policy = Policy::from_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailpipe.toml")).unwrap();
    let request = Request::new()
        .plan("standard")
        .request_line("POST /v1/outbound/org_1/send")
        .scope(Scope::Organization, "org_1");
    let now = 1_705_320_000 * SECOND; // 2024-01-15T12:00:00Z
    (0..42).for_each(|n| assert!(allowed(&policy, now + n * SECOND, &request)));
    let status = policy
        .peek_at(now + 42 * SECOND, &request)
        .unwrap()
        .limit("tiers/standard/hour")
        .unwrap()
        .quota(now + 42 * SECOND);
    assert_eq!(
        serde_json::to_string(&status).unwrap(),
        r#"{"used":42,"remaining":58,"limit":100,"resetsAt":"2024-01-15T13:00:00Z"}"#
    );
    let report = policy.peek_at(now + 42 * SECOND, &request).unwrap().report();
    assert_eq!(report.binding().unwrap().id, "tiers/standard/hour");
    assert!(serde_json::to_string(&report).unwrap().contains(r#""id":"tiers/standard/hour","scope":"organization""#));
}

#[test]
fn json_is_the_same_model() {
    let toml = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/unosend.toml")).unwrap();
    let json = serde_json::to_string_pretty(&toml::from_str::<toml::Value>(&toml).unwrap()).unwrap();
    let (from_toml, from_json) = (
        Policy::from_toml(&toml, "a.toml").unwrap(),
        Policy::from_json(&json, "a.json").unwrap_or_else(|e| panic!("{e}")),
    );
    let shape = |policy: &Policy| {
        let limits = policy.limits().iter();
        limits
            .map(|limit| {
                format!(
                    "{} {} {} {:?} {}",
                    limit.id(),
                    limit.scope(),
                    limit.endpoints(),
                    limit.allowance(),
                    limit.source()
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(shape(&from_toml), shape(&from_json));
    let error = Policy::from_json("{\n  \"format\": 1,\n  \"provder\": {}\n}", "a.json").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.json:3:3: unknown key `provder`\n    3 |   \"provder\": {}\n      |   ^^^^^^^^^\n      = did you mean `provider`?"
    );
    for (text, place) in [
        ("", "a.json:1:1"),
        ("{\"format\": 1,}", "a.json:1:14"),
        ("{\"format\": 1 // no\n}", "a.json:1:14"),
        ("{\"format\": -1}", "a.json:1:12"),
        ("{\"format\": 1.5}", "a.json:1:12"),
        ("[1]", "a.json:1:1"),
        ("{\"format\": 1, \"provider\": {\"name\": null}}", "a.json:1:36"),
        ("{\"format\": 1, \"format\": 1}", "a.json:1:15"),
    ] {
        let error = Policy::from_json(text, "a.json").expect_err(text);
        assert_eq!(error.place().unwrap().to_string(), place, "{text}: {error}");
    }
    let deep = format!("{{\"format\": {}", "[".repeat(1 << 20));
    assert!(Policy::from_json(&deep, "a.json").is_err());
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_before_it_is_read() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("large.toml");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(100 << 20).unwrap();
    let error = Policy::from_file(&path).unwrap_err();
    assert_eq!(error.message(), "is too large: 104857600 bytes, and at most 4194304 are read");
    assert!(error.place().is_none());
    // A file without a length is read to the limit.
    assert!(Policy::from_file("/dev/zero").unwrap_err().message().starts_with("is too large"));
    assert!(
        Policy::builder()
            .max_bytes(10)
            .from_toml("format = 1\n", "a")
            .unwrap_err()
            .message()
            .starts_with("is too large")
    );
}

#[test]
fn examples_are_enforced_where_that_is_asked_for() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailiam.toml");
    let request = Request::new().plan("pro").request_line("GET /other").scope(Scope::ApiKey, "k");
    assert!(!met(&Policy::from_file(path).unwrap(), &request).is_empty());
    assert!(Policy::from_file(path).unwrap().take_at(NOW, &request).unwrap().is_allowed());
    let policy = Policy::builder().enforce_examples(true).from_file(path).unwrap();
    assert!(matches!(policy.take_at(NOW, &request), Err(RequestError::NoKey { scope: Scope::Ip, .. })));
    let request = request.scope(Scope::Ip, "192.0.2.1").scope(Scope::Account, "a");
    assert_eq!((0..1000).filter(|_| allowed(&policy, NOW, &request)).count(), 600);
    let verdict = policy.take_at(NOW, &request).unwrap();
    assert_eq!((verdict.code(), verdict.scope()), (Some("IP_RATE_LIMIT"), Some(Scope::Ip)));
}

#[test]
fn a_file_that_would_be_slow_or_crowded_is_refused() {
    let refused = |text: &str| {
        let error =
            Policy::from_toml(&format!("format = 1\n[provider]\nname = \"own\"\n{text}"), "own.toml").unwrap_err();
        assert!(error.place().is_some());
        error.message().to_owned()
    };
    let limit = |n: usize, endpoints: &str| {
        format!("[[limit]]\nid = \"l{n}\"\nscope = \"ip\"\nendpoints = [{endpoints}]\nquota = \"{}/h\"\n", n + 1)
    };
    let many = |count: usize| (0..count).map(|n| limit(n, "\"all\"")).collect::<String>();
    assert_eq!(own(&many(16)).limits().len(), 16);
    assert_eq!(refused(&many(17)), "with this limit a request can meet more than 16 rates at once");
    // Of the rows of one set only one is met.
    let rows: String = (0..40)
        .map(|n| format!("[category.c{n}]\nendpoints = [\"GET /{n}\"]\n"))
        .chain((0..40).map(|n| limit(n, "").replace("endpoints = []", &format!("category = \"c{n}\""))))
        .collect();
    assert_eq!(own(&rows).limits().len(), 40);
    // A customer's own limits count, and those that they stand instead of do not.
    let own_limit = |instead: &str| {
        format!(
            "{}[[limit]]\nid = \"own\"\ncustomer = \"c\"\n{instead}scope = \"account\"\nendpoints = [\"all\"]\nquota = \"1/s\"\n",
            many(16)
        )
    };
    assert!(refused(&own_limit("")).starts_with("with this limit"));
    assert_eq!(own(&own_limit("instead = [\"l3\"]\n")).limits().len(), 17);
    assert_eq!(refused(&own_limit("instead = [\"l33\"]\n")), "there is no limit `l33` to stand instead of");
    let apart: String = (0..257).map(|n| limit(n, &format!("\"GET /{n}\""))).collect();
    assert_eq!(refused(&apart), "more than 256 limits and costs have endpoints of their own");
    let patterns: Vec<String> = (0..513).map(|n| format!("\"GET /{n}\"")).collect();
    assert_eq!(
        refused(&format!("[category.c]\nendpoints = [{}]\n", patterns.join(", "))),
        "more than 512 patterns are to be told apart"
    );
    assert_eq!(
        refused(&format!(
            "{}{}",
            rows,
            (40..8_193).map(|n| limit(n, "").replace("endpoints = []", "category = \"c0\"")).collect::<String>()
        )),
        "a file has at most 8192 limits"
    );
}

#[test]
fn zones_of_customers_are_looked_up_and_counted_apart() {
    let policy = own(
        "[[limit]]\nid = \"day\"\nscope = \"account\"\nendpoints = [\"all\"]\nquota = \"1 per calendar day\"\nmax_keys = 10\n",
    );
    let of = |zone| Request::new().scope(Scope::Account, "a").zone(zone);
    let wait = |request: &Request| policy.take_at(NOW, request).unwrap().retry_after().unwrap().as_secs();
    // 12:20:17 in UTC, 21:20:17 in Japan.
    assert_eq!((wait(&Request::new().scope(Scope::Account, "a")), wait(&of("UTC"))), (0, 11 * 3600 + 39 * 60 + 43));
    assert_eq!((wait(&of("Asia/Tokyo")), wait(&of("asia/tokyo"))), (0, 2 * 3600 + 39 * 60 + 43));
    let error = policy.take_at(NOW, &of("Asia/Tokio")).unwrap_err();
    assert_eq!(error.to_string(), "there is no time zone `Asia/Tokio`; did you mean `Asia/Tokyo`?");
    let error = Policy::from_toml("format = 1\n[provider]\nname = \"own\"\n[[limit]]\nid = \"x\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"1 per calendar day in Europe/Pariss\"\n", "own.toml").unwrap_err();
    assert_eq!(
        (error.place().unwrap().to_string().as_str(), error.hint()),
        ("own.toml:8:32", Some("did you mean `Europe/Paris`?"))
    );
}

//! The scenarios of the six providers: each verdict, each header byte; and that every row of every table is in at least one of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tidegate_policy::scenario::{Played, Scenarios};
use tidegate_policy::{Allowance, Limit, Scope};

const FILES: [&str; 6] = ["mailtrap", "mailpipe", "migosmtp", "telnxo", "mailiam", "unosend"];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../policies/scenarios/{name}.toml"))
}

fn scenarios(name: &str) -> Scenarios {
    Scenarios::from_file(path(name)).unwrap_or_else(|error| panic!("{error}"))
}

fn played(name: &str) -> Played {
    scenarios(name).play().unwrap_or_else(|error| panic!("{error}"))
}

/// Whether a policy can deny anything by this limit.
fn has_a_number(limit: &Limit) -> bool {
    match limit.allowance() {
        Allowance::Rate(_) | Allowance::Calendar(_) | Allowance::Concurrency(_) => true,
        Allowance::Unstated => limit.example().is_some(),
        Allowance::Count(_) => limit.scope() == Scope::Request,
        _ => false,
    }
}

/// What the limits around them make unreachable: 24 hours of 1,000 are below 50,000 a day, 60 minutes of 1,000 do not exceed 60,000 an hour.
const OUT_OF_REACH: [(&str, &str); 2] = [("mailpipe", "tiers/pro/day"), ("unosend", "requests/200k/hour")];

#[test]
fn every_limit_of_every_row_denies_in_some_scenario_or_is_met_where_it_has_no_number() {
    let (mut denying, mut without) = (0, 0);
    for name in FILES {
        let scenarios = scenarios(name);
        let played = scenarios.play().unwrap_or_else(|error| panic!("{error}"));
        let (denied, met): (BTreeSet<&str>, BTreeSet<&str>) = (played.denied().collect(), played.met().collect());
        for limit in scenarios.policy().limits() {
            let denies = has_a_number(limit) && !OUT_OF_REACH.contains(&(name, limit.id()));
            let (seen, what) = if denies { (&denied, "denies") } else { (&met, "is met") };
            assert!(seen.contains(limit.id()), "{}: in no scenario {} {what}", limit.place(), limit.id());
            *(if denies { &mut denying } else { &mut without }) += 1;
        }
    }
    // Mailtrap 6, Mailpipe 6, MigoSMTP 8, Telnxo 7, mailiam 24, Unosend 76.
    assert_eq!((denying, without), (127 - 29, 29));
}

/// The rows of tables that hold no limits: headers, codes, kinds of limits. In order of the documents.
const OTHER_ROWS: [(&str, &[&str]); 6] = [
    ("mailtrap", &[]),
    (
        "mailpipe",
        &[
            "X-RateLimit-Limit — Maximum requests allowed in the current window",
            "X-RateLimit-Remaining — Requests remaining in the current window",
            "X-RateLimit-Reset — ISO 8601 timestamp when the window resets",
        ],
    ),
    ("migosmtp", &MIGOSMTP_AND_TELNXO),
    ("telnxo", &MIGOSMTP_AND_TELNXO),
    (
        "mailiam",
        &[
            "X-RateLimit-LimitMaximum requests allowed in the time window",
            "X-RateLimit-RemainingRequests remaining in current window",
            "X-RateLimit-ResetUnix timestamp when the limit resets",
            "X-RateLimit-RetryAfterSeconds to wait before making another request",
            "X-RateLimit-ScopeRate limit scope (api-key, ip, endpoint)",
            "RATE_LIMIT_EXCEEDEDGeneral rate limit hitWait and retry",
            "API_KEY_RATE_LIMITAPI key specific limitCheck key quotas",
            "IP_RATE_LIMITIP address limit hitChange IP or wait",
            "ENDPOINT_RATE_LIMITEndpoint specific limitUse different endpoint",
            "ACCOUNT_QUOTA_EXCEEDEDAccount-level quota hitUpgrade plan or wait",
        ],
    ),
    (
        "unosend",
        &[
            "X-RateLimit-LimitMaximum requests allowed per window",
            "X-RateLimit-RemainingRequests remaining in current window",
            "X-RateLimit-ResetUnix timestamp when window resets",
            "Retry-AfterSeconds to wait (only on 429 response)",
        ],
    ),
];

const MIGOSMTP_AND_TELNXO: [&str; 6] = [
    "| API rate limit | Number of HTTP requests per minute to the API endpoints (not the number of messages sent) | Every 60 seconds (rolling window) |",
    "| Sending throttle | Number of messages (emails, SMS, calls) actually dispatched per hour and per day | Hourly: top of each hour. Daily: midnight (your timezone) |",
    "| X-RateLimit-Limit | Maximum requests allowed per minute for this endpoint |",
    "| X-RateLimit-Remaining | Requests remaining in the current window |",
    "| X-RateLimit-Reset | Unix timestamp when the current rate limit window resets |",
    "| Retry-After | Seconds to wait before retrying (present on 429 responses only) |",
];

#[test]
fn every_row_of_every_table_is_shown_by_a_scenario() {
    let mut rows = 0;
    for (name, others) in OTHER_ROWS {
        let scenarios = scenarios(name);
        let shown: Vec<(&str, &str)> = scenarios.shown().collect();
        let sources = scenarios.policy().limits().iter().filter(|limit| limit.table().is_some()).map(Limit::source);
        let of_limits: BTreeSet<&str> = sources.map(str::trim).collect();
        let tables = scenarios.policy().tables().iter().map(|table| table.rows()).sum::<usize>();
        assert_eq!(of_limits.len(), tables, "{name}");
        for row in of_limits.iter().chain(others) {
            assert!(shown.iter().any(|(words, _)| words == row), "{name}: no scenario shows `{row}`");
            rows += 1;
        }
    }
    // Rows of limits: 6 + 2 + 6 + 5 + 9 + 26. Others: 3 + 6 + 6 + 10 + 4.
    assert_eq!(rows, 54 + 29);
}

#[test]
fn who_shows_a_header_sends_it_and_who_shows_a_code_answers_with_it() {
    let mut seen = 0;
    for (name, others) in OTHER_ROWS {
        let (scenarios, played) = (scenarios(name), played(name));
        for (words, scene) in scenarios.shown().filter(|(words, _)| others.contains(words)) {
            let scene = played.scenes().iter().find(|played| played.name == scene).unwrap();
            let first = words.trim_start_matches("| ");
            let header = [
                "X-RateLimit-RetryAfter",
                "X-RateLimit-Limit",
                "X-RateLimit-Remaining",
                "X-RateLimit-Reset",
                "X-RateLimit-Scope",
                "Retry-After",
            ];
            let shows = if let Some(header) = header.into_iter().find(|header| first.starts_with(header)) {
                scene.acts.iter().any(|act| act.headers.iter().any(|line| line.starts_with(&format!("{header}: "))))
            } else if first.starts_with(|c: char| c.is_ascii_uppercase()) && first.contains('_') {
                scene
                    .acts
                    .iter()
                    .any(|act| act.report.code.as_ref().is_some_and(|code| first.starts_with(code.as_str())))
            } else {
                scene.acts.iter().any(|act| !act.report.allowed)
            };
            assert!(shows, "{name}: `{}` does not show `{words}`", scene.name);
            seen += 1;
        }
    }
    assert!(seen >= 29, "{seen}");
}

/// A scenario file with some of its text replaced, beside a copy of its policy.
fn spoiled(name: &str, from: &str, to: &str) -> Result<Played, tidegate_policy::PolicyError> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("spoiled-{:x}", from.len() * 1000 + to.len()));
    std::fs::create_dir_all(directory.join("scenarios")).unwrap();
    std::fs::copy(path(name).parent().unwrap().join(format!("../{name}.toml")), directory.join(format!("{name}.toml")))
        .unwrap();
    let text = std::fs::read_to_string(path(name)).unwrap();
    assert!(text.contains(from), "{from}");
    let file = directory.join(format!("scenarios/{name}.toml"));
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    Scenarios::from_file(file).and_then(|scenarios| scenarios.play())
}

#[test]
fn a_wrong_expectation_is_refused_at_its_place() {
    for (name, from, to, expected) in [
        ("mailpipe", "remaining = 87", "remaining = 86", "what remains: expected 86, answered was 87"),
        ("mailpipe", "\"X-RateLimit-Remaining: 87\"", "\"X-RateLimit-Remaining: 8\"", "the headers: expected"),
        (
            "mailtrap",
            "binding = \"api/stats\"",
            "binding = \"general/all\"",
            "the binding limit: expected \"general/all\", answered was \"api/stats\"",
        ),
        (
            "mailtrap",
            "retry_after = \"1ns\"",
            "retry_after = \"2ns\"",
            "retry_after: expected \"2 ns\", answered was \"1 ns\"",
        ),
        ("mailtrap", "scope = \"account\"", "scope = \"ip\"", "the scope: expected \"ip\", answered was \"account\""),
        ("mailiam", "code = \"RATE_LIMIT_EXCEEDED\"", "code = \"IP_RATE_LIMIT\"", "the code: expected"),
        ("mailiam", "status = 429", "status = 200", "the status: expected 200, answered was 429"),
        ("mailiam", "meets = [\"plan/enterprise/hour\", ", "meets = [", "the limits met: expected"),
        (
            "mailiam",
            "retry_after = \"unknown\"",
            "retry_after = \"never\"",
            "retry_after: expected \"never\", answered was \"unknown\"",
        ),
        ("mailpipe", "used = 42", "used = 41", "the quota: expected"),
        ("mailtrap", "times = 10\n", "times = 11\n", "call 11 of 11 was denied"),
        ("mailtrap", "at = \"59.999999999s\"\n", "at = \"1s\"\n", "a step is no earlier than the last call before it"),
        ("mailtrap", "at = \"10s\"\n", "at = \"ten\"\n", "`ten` is not a duration"),
        ("mailtrap", "remaining = 0", "remains = 0", "unknown key `remains`"),
        ("mailtrap", "account = \"7\" }", "acount = \"7\" }", "unknown value `acount`"),
        (
            "mailpipe",
            "plan = \"standard\"",
            "plan = \"standart\"",
            "the policy has no plan `standart`; did you mean `standard`?",
        ),
    ] {
        let error = spoiled(name, from, to).err().unwrap_or_else(|| panic!("{to} was accepted"));
        assert!(error.message().starts_with(expected), "{error}");
        assert!(error.place().is_some(), "{error}");
    }
}

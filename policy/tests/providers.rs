//! The six policy files against what their documents hold, counted by hand: every row of every table, and a cell of each kind.

use std::path::PathBuf;

use tidegate::{Algorithm, Quota};
use tidegate_policy::{Allowance, CalendarUnit, Endpoints, Limit, Policy, ResetForm, Schedule, Scope, Sent, Start};

const FILES: [&str; 6] = ["mailtrap", "mailpipe", "migosmtp", "telnxo", "mailiam", "unosend"];

fn policy(name: &str) -> Policy {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../policies/{name}.toml"));
    Policy::from_file(path).unwrap_or_else(|error| panic!("{error}"))
}

fn limit(policy: &Policy, id: &str) -> Limit {
    policy.limit(id).unwrap_or_else(|| panic!("no limit {id}")).clone()
}

fn rate(quota: &str) -> Allowance {
    Allowance::Rate(quota.parse::<Quota>().unwrap())
}

/// The tables of a policy: heading, rows, limits read out of it.
fn tables(policy: &Policy) -> Vec<(String, usize, usize)> {
    let limits = |id: &str| policy.limits().iter().filter(|limit| limit.table() == Some(id)).count();
    policy.tables().iter().map(|table| (table.heading().to_owned(), table.rows(), limits(table.id()))).collect()
}

fn prose(policy: &Policy) -> usize {
    policy.limits().iter().filter(|limit| limit.table().is_none()).count()
}

fn expect(name: &str, expected: &[(&str, usize, usize)], in_prose: usize) {
    let policy = policy(name);
    let expected: Vec<_> =
        expected.iter().map(|(heading, rows, limits)| ((*heading).to_owned(), *rows, *limits)).collect();
    assert_eq!(tables(&policy), expected, "{name}");
    assert_eq!(prose(&policy), in_prose, "{name}");
}

#[test]
fn mailtrap_has_one_general_row_and_five_of_apis() {
    expect("mailtrap", &[("General Rate Limit", 1, 1), ("API-Specific Rate Limits", 5, 5)], 0);
    let policy = policy("mailtrap");
    let general = limit(&policy, "general/all");
    assert_eq!(general.allowance(), &rate("150/10s"));
    assert_eq!((general.scope(), general.endpoints()), (Scope::ApiKey, &Endpoints::All));
    assert_eq!(limit(&policy, "api/contacts").allowance(), &rate("200/60s"));
    assert_eq!(limit(&policy, "api/email-logs-message").allowance(), &rate("1000/60s"));
    assert_eq!(limit(&policy, "api/stats").scope(), Scope::Account);
    assert_eq!(policy.refusal().unwrap().status(), 429);
}

#[test]
fn mailpipe_has_two_tiers_of_three_limits() {
    expect("mailpipe", &[("Rate limits vary by subscription tier.", 2, 6)], 0);
    let policy = policy("mailpipe");
    let day = limit(&policy, "tiers/pro/day");
    assert_eq!((day.allowance(), day.plan(), day.unit()), (&rate("50000/day"), Some("pro"), "emails"));
    assert_eq!(day.window().unwrap().algorithm(), Algorithm::FixedWindow);
    assert_eq!(limit(&policy, "tiers/standard/burst").allowance(), &rate("10/second"));
    assert_eq!(policy.headers().unwrap().reset_form(), Some(ResetForm::Iso8601));
    let retry = policy.retry().unwrap();
    assert_eq!((retry.schedule(), retry.max_retries(), retry.jitter_ms()), (Schedule::RetryAfter, Some(2), 1000));
}

#[test]
fn migosmtp_has_six_categories_and_two_throttles() {
    expect("migosmtp", &[("API Rate Limits — MigoSMTP", 6, 6)], 2);
    let policy = policy("migosmtp");
    let domains = limit(&policy, "api/domains");
    assert_eq!(
        (domains.allowance(), domains.endpoints().to_string().as_str()),
        (&rate("30/min"), "GET/POST /domains/**")
    );
    assert_eq!(domains.window().unwrap().why(), Some("Every 60 seconds (rolling window)"));
    assert_eq!(limit(&policy, "api/others").endpoints(), &Endpoints::Others);
    let day = limit(&policy, "throttle-day");
    assert_eq!((day.allowance(), day.window().unwrap().start()), (&Allowance::Unstated, Start::Calendar));
    assert_eq!(day.window().unwrap().why(), Some("Daily: midnight (your timezone)"));
    let retry = policy.retry().unwrap();
    assert_eq!((retry.max_retries(), retry.base_delay_ms(), retry.jitter_ms()), (Some(4), Some(1000), 500));
    assert!(retry.retry_after_is_floor());
    assert_eq!(policy.client().unwrap().slow_down_below_percent(), Some(20));
}

#[test]
fn telnxo_has_five_categories_and_two_throttles() {
    expect("telnxo", &[("API Rate Limits — Telnxo", 5, 5)], 2);
    let policy = policy("telnxo");
    let figures: Vec<Allowance> = policy.limits()[..5].iter().map(|limit| limit.allowance().clone()).collect();
    assert_eq!(figures, ["300/min", "60/min", "120/min", "120/min", "60/min"].map(rate));
}

#[test]
fn mailiam_has_three_plans_six_categories_two_levels_and_an_enterprise_example_of_four() {
    // The burst of a plan stands in the quota of its minute: nine cells are six limits.
    expect(
        "mailiam",
        &[
            ("Rate limits apply at multiple levels:", 3, 6),
            ("Different endpoints have different rate limits based on their resource intensity:", 6, 12),
        ],
        6,
    );
    let policy = policy("mailiam");
    assert_eq!(limit(&policy, "plan/free/minute").allowance(), &rate("50/min burst 100"));
    assert_eq!(limit(&policy, "plan/enterprise/hour").allowance(), &Allowance::Custom);
    assert_eq!(limit(&policy, "endpoint/admin/minute").allowance(), &rate("5/min"));
    let minute = limit(&policy, "example-minute");
    assert_eq!((minute.allowance(), minute.customer()), (&rate("2000/min burst 5000"), Some("example")));
    assert_eq!(limit(&policy, "example-connections").allowance(), &Allowance::Concurrency(100));
    let webhook = limit(&policy, "example-webhook");
    assert_eq!(
        (webhook.allowance(), webhook.endpoints().to_string().as_str()),
        (&rate("1000/min"), "* /custom/webhook")
    );
    let refusal = policy.refusal().unwrap();
    assert_eq!(refusal.code(Scope::Ip), Some("IP_RATE_LIMIT"));
    assert_eq!(refusal.code(Scope::Organization), Some("RATE_LIMIT_EXCEEDED"));
    let headers = policy.headers().unwrap();
    assert_eq!(
        (headers.retry_after(), headers.retry_after_sent()),
        (Some("X-RateLimit-RetryAfter"), Some(Sent::Always))
    );
    assert_eq!(policy.client().unwrap().pacing().unwrap().steps().len(), 3);
}

#[test]
fn unosend_has_twelve_plans_twice_and_two_rows_of_domains() {
    expect(
        "unosend",
        &[("API Request Limits", 12, 36), ("Email Sending Limits", 12, 36), ("Domain Creation Rate Limit", 2, 2)],
        2,
    );
    let policy = policy("unosend");
    let plans: Vec<&str> = policy.limits()[..36].iter().step_by(3).filter_map(Limit::plan).collect();
    let named = ["free", "10k", "25k", "60k", "100k", "200k", "300k", "400k", "600k", "800k", "1m", "enterprise"];
    assert_eq!(plans, named);
    assert_eq!(limit(&policy, "requests/1m/day").allowance(), &rate("1200000/day"));
    assert!(policy.limits()[..36].iter().all(|limit| limit.window().unwrap().algorithm() == Algorithm::SlidingWindow));
    let Allowance::Calendar(month) = limit(&policy, "emails/800k/month").allowance().clone() else {
        panic!("not calendar")
    };
    assert_eq!((month.limit(), month.unit(), month.zone()), (800_000, CalendarUnit::Month, Some("UTC")));
    let free = limit(&policy, "emails/free/domain-day");
    assert_eq!((free.allowance(), free.scope()), (&rate("200/day"), Scope::SenderDomain));
    assert_eq!(limit(&policy, "emails/10k/domain-day").allowance(), &Allowance::Unlimited);
    assert_eq!(limit(&policy, "emails/enterprise/month").allowance(), &Allowance::Custom);
    assert_eq!(limit(&policy, "emails/300k/contacts").allowance(), &Allowance::Count(75_000));
    assert_eq!(limit(&policy, "domain-day").allowance(), &rate("200000/day"));
    assert_eq!(limit(&policy, "domains/per-hour").allowance(), &rate("10/hour"));
    assert_eq!(limit(&policy, "domains/total").allowance(), &Allowance::Unlimited);
}

#[test]
fn every_limit_quotes_its_document_and_says_why_its_window_is_what_it_is() {
    for policy in FILES.map(policy) {
        for limit in policy.limits() {
            assert!(!limit.source().trim().is_empty(), "{}", limit.place());
            let rate = matches!(limit.allowance(), Allowance::Rate(_) | Allowance::Calendar(_));
            assert!(
                !rate || limit.window().is_some_and(|window| window.why().or(window.reading()).is_some()),
                "{}",
                limit.place()
            );
        }
    }
}

#[test]
fn every_rate_builds_a_limiter_that_admits_its_capacity() {
    let mut built = 0;
    for policy in FILES.map(policy) {
        for limit in policy.limits() {
            let Some(limiter) = limit.limiter() else { continue };
            let limiter = limiter.unwrap_or_else(|error| panic!("{}: {error}", limit.place()));
            let capacity = match limit.allowance() {
                Allowance::Rate(quota) => quota.capacity(),
                Allowance::Calendar(quota) => quota.limit(),
                _ => panic!("{}: no rate", limit.place()),
            };
            assert!(limiter.try_acquire_at(0, capacity), "{}", limit.place());
            assert!(!limiter.try_acquire_at(0, 1), "{}", limit.place());
            built += 1;
        }
    }
    assert_eq!(built, 6 + 6 + 6 + 5 + (4 + 12 + 3) + (36 + 11 + 1 + 1 + 1));
}

#[test]
fn a_quotation_that_the_document_lacks_is_named_with_its_place() {
    let policy = policy("mailtrap");
    let error = policy.check_quotations("General Rate Limit | and nothing else").unwrap_err();
    assert!(error.to_string().contains("mailtrap.toml:17:10: the document does not have these words"), "{error}");
}

//! The client's side: the documents' advice obeyed, closed loops against real limiters, hostile servers.

use std::time::Duration;

use quickcheck::QuickCheck;
use tidegate::backoff::{Backoff, Failure, RetryBudget, RetryRule};
use tidegate::{Algorithm, Limiter};
use tidegate_policy::Policy;
use tidegate_policy::client::{
    Aimd, Cubic, Feedback, GiveUp, IntervalRule, MAX_HINT, RetryDecision, RetryPlan, SlowDown, Spacing, Tracker,
    UsageLevel, UsageMonitor,
};
use tidegate_policy::headers::{Dialect, Observed, Report, ServiceLimit};

mod generate;
use generate::{Random, Seed};

const SECOND: u64 = 1_000_000_000;

fn provider(name: &str) -> Policy {
    Policy::from_file(format!("{}/../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn headers<'a>(pairs: &'a [(&'a str, &'a str)]) -> Observed {
    Observed::parse(pairs.iter().copied(), 0)
}

// --- Tracker

#[test]
fn mailiams_client_waits_for_the_scope_that_is_used_up() {
    let answer = |remaining: &str, scope: &str| {
        headers(&[
            ("X-RateLimit-Limit", "1000"),
            ("X-RateLimit-Remaining", remaining),
            ("X-RateLimit-Reset", "3600"),
            ("X-RateLimit-Scope", scope),
        ])
    };
    let mut tracker = Tracker::new();
    tracker.observe("/collections", 200, &answer("1", "endpoint"), 0);
    assert_eq!(tracker.next_delay("/collections", 0), 0);
    tracker.sent("/collections", 0);
    assert_eq!(tracker.next_delay("/collections", 0), 3600 * SECOND, "the last one is on its way");
    assert_eq!(tracker.next_delay("/domains", 0), 0, "another endpoint, another limit");
    tracker.observe("/domains", 200, &answer("0", "api-key"), SECOND);
    for route in ["/collections", "/domains", "/analytics"] {
        assert_eq!(tracker.next_delay(route, SECOND), 3600 * SECOND, "the key is used up for {route}");
    }
    assert_eq!(tracker.limits().count(), 2);
    assert_eq!(tracker.next_delay("/analytics", 3601 * SECOND), 0);
    assert_eq!(tracker.next_delay("/analytics", 3601 * SECOND - 1), 1);
}

#[test]
fn migosmtps_client_slows_down_below_a_fifth() {
    let rule = provider("migosmtp").client().and_then(SlowDown::from_advice).unwrap();
    let mut tracker = Tracker::new().slow_down(rule);
    let answer = |remaining: &str| {
        headers(&[("X-RateLimit-Limit", "300"), ("X-RateLimit-Remaining", remaining), ("X-RateLimit-Reset", "60")])
    };
    tracker.observe("", 200, &answer("60"), 0);
    assert_eq!(tracker.next_delay("", 0), 0);
    tracker.sent("", 0); // 59 remain: 60 parts of 60 seconds
    let mut now = 0;
    for n in 1..=59 {
        let delay = tracker.next_delay("", now);
        assert_eq!(delay, SECOND, "request {n}");
        now += delay;
        tracker.sent("", now);
    }
    assert_eq!((now, tracker.next_delay("", now)), (59 * SECOND, SECOND), "the last one, and then the reset");
}

#[test]
fn no_hint_is_heeded_for_ever() {
    let hostile = [
        headers(&[("Retry-After", "99999999999999999999")]),
        headers(&[("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")]),
        headers(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "9999-12-31T23:59:59Z")]),
        headers(&[("RateLimit", "\"a\";r=0;t=999999999999999")]),
        headers(&[
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset-After", "1e9999"),
            ("X-RateLimit-Reset", "999999999"),
        ]),
    ];
    for observed in hostile {
        let mut tracker = Tracker::new();
        tracker.observe("a", 429, &observed, 5);
        assert_eq!(tracker.next_delay("a", 5), MAX_HINT, "{observed:?}");
        assert_eq!(tracker.next_delay("a", 5 + MAX_HINT), 0);
        assert_eq!(tracker.next_delay("b", 5), 0);
        let mut tracker = Tracker::new().max_wait(7);
        tracker.observe("a", 429, &observed, u64::MAX - 3);
        assert_eq!(tracker.next_delay("a", u64::MAX - 3), 3, "the end of the clock");
        let plan = RetryPlan::new(Backoff::constant(Duration::from_secs(1)));
        let decision = plan.start_at(0, None).after_response(429, &observed, 0);
        assert!(matches!(decision, RetryDecision::GiveUp(GiveUp::HintTooLong(_))), "{decision:?}");
    }
}

#[test]
fn scopes_that_responses_invent_take_a_bounded_number_of_places() {
    let mut tracker = Tracker::new().max_limits(10);
    for n in 0..10_000_u64 {
        let list: Vec<String> = (0..16).map(|m| format!("\"{n} {m}\";r=0;t={}", 100 + n % 7)).collect();
        tracker.observe(&format!("route {}", n % 100), 200, &headers(&[("RateLimit", &list.join(","))]), n);
    }
    assert_eq!(tracker.limits().count(), 10);
    assert_eq!(tracker.forgotten(), 160_000 - 10);
    // The one that ends first makes room.
    let mut tracker = Tracker::new().max_limits(2);
    tracker.observe("", 200, &headers(&[("RateLimit", "\"a\";r=0;t=9, \"b\";r=0;t=5, \"c\";r=0;t=7")]), 0);
    assert!(tracker.limits().map(|limit| limit.name).eq([Some("a"), Some("c")]));
    // What is over goes first and is not counted as forgotten.
    let mut tracker = Tracker::new().max_limits(1);
    tracker.observe("", 200, &headers(&[("RateLimit", "\"a\";r=0;t=1")]), 0);
    tracker.observe("", 200, &headers(&[("RateLimit", "\"b\";r=0;t=1")]), SECOND);
    assert_eq!((tracker.forgotten(), tracker.next_delay("", SECOND)), (0, SECOND));
}

#[test]
fn a_clock_that_goes_back_neither_opens_nor_extends() {
    let mut tracker = Tracker::new();
    tracker.observe("", 429, &headers(&[("Retry-After", "10")]), 100 * SECOND);
    assert_eq!(tracker.next_delay("", 0), 10 * SECOND, "a late clock is read as the latest seen");
    tracker.observe("", 429, &headers(&[("Retry-After", "1")]), 50 * SECOND);
    assert_eq!(tracker.next_delay("", 100 * SECOND), 10 * SECOND, "the later end counts");
    assert_eq!(tracker.next_delay("", 110 * SECOND), 0);
}

#[test]
fn discords_buckets_and_its_global_limit() {
    let mut tracker = Tracker::new();
    let bucket = [
        ("X-RateLimit-Limit", "5"),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset-After", "1.5"),
        ("X-RateLimit-Bucket", "b"),
    ];
    tracker.observe("/channels/1", 200, &headers(&bucket), 0);
    assert_eq!((tracker.next_delay("/channels/1", 0), tracker.next_delay("/channels/2", 0)), (SECOND * 3 / 2, 0));
    let global = [("Retry-After", "65"), ("X-RateLimit-Global", "true"), ("X-RateLimit-Scope", "global")];
    tracker.observe("/channels/1", 429, &headers(&global), 0);
    assert_eq!(tracker.next_delay("/channels/2", 0), 65 * SECOND);
}

#[test]
fn retry_after_takes_precedence_over_the_reset() {
    // A bucket: the next permit comes after a second, the last one after twenty.
    let limiter = Limiter::new(Algorithm::Gcra, "20/20s".parse().unwrap()).unwrap();
    let _ = limiter.take_at(0, 20);
    let refused = limiter.take_at(0, 1);
    for dialect in ["x-ratelimit", "x-ratelimit-delta", "mailiam", "draft-06", "draft-07", "draft-08"] {
        let dialect: Dialect = dialect.parse().unwrap();
        let limits = [ServiceLimit::from_decision("all", &refused)];
        let fields: Vec<_> =
            dialect.encode(&Report::new(0, &limits)).unwrap().map(|(name, value)| (name, value.to_string())).collect();
        let mut tracker = Tracker::new();
        tracker.observe("", 429, &Observed::parse(fields.iter().map(|(name, value)| (*name, value)), 0), 0);
        assert_eq!(tracker.next_delay("", 0), SECOND, "{dialect}");
    }
}

/// A client that asks its tracker is never refused, whatever the algorithm and the dialect, and uses most of what it is given.
#[test]
fn a_tracked_client_is_never_refused() {
    let start = 1_705_320_000 * SECOND + 123_456_789;
    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::SlidingLog] {
        for dialect in
            ["x-ratelimit", "x-ratelimit-delta", "x-ratelimit-iso8601", "mailiam", "draft-06", "draft-07", "draft-08"]
        {
            let dialect: Dialect = dialect.parse().unwrap();
            let limiter = Limiter::new(algorithm, "20/10s".parse().unwrap()).unwrap();
            let mut tracker = Tracker::new();
            let mut now = start;
            for request in 0..500 {
                now += tracker.next_delay("", now);
                tracker.sent("", now);
                let decision = limiter.take_at(now, 1);
                assert!(decision.is_allowed(), "{algorithm} {dialect}: request {request} at {}", now - start);
                let limits = [ServiceLimit::from_decision("all", &decision).scope("api-key")];
                let fields = dialect.encode(&Report::new(now, &limits)).unwrap();
                let fields: Vec<_> = fields.map(|(name, value)| (name, value.to_string())).collect();
                tracker.observe("", 200, &Observed::parse(fields.iter().map(|(name, value)| (*name, value)), now), now);
                now += 1_000_000;
            }
            // At two a second 500 take 250 s; a sliding window is whole again only after two periods.
            let seconds = (now - start) / SECOND;
            let most = if algorithm == Algorithm::SlidingWindow { 520 } else { 300 };
            assert!((220..=most).contains(&seconds), "{algorithm} {dialect}: {seconds} s");
        }
    }
}

// --- Pacers, in a closed loop with a limiter of ten a second

/// Requests sent and refused within a minute, after half a minute to settle.
fn loop_with(mut wait: impl FnMut(u64) -> u64, mut learn: impl FnMut(u64, Feedback)) -> (u32, u32) {
    let limiter = Limiter::new(Algorithm::Gcra, "10/s".parse().unwrap()).unwrap();
    let (mut sent, mut refused, mut now) = (0, 0, 0);
    while now < 90 * SECOND {
        now += wait(now).max(1_000_000);
        let allowed = limiter.try_acquire_at(now, 1);
        learn(now, if allowed { Feedback::Success } else { Feedback::Throttled });
        if now >= 30 * SECOND {
            sent += 1;
            refused += u32::from(!allowed);
        }
    }
    (sent, refused)
}

#[test]
fn aimd_finds_the_rate() {
    let rule = Aimd::new(1_000_000, 1_000_000_000, 100_000, 70, SECOND / 2).unwrap();
    let state = std::cell::Cell::new(rule.start(100_000_000));
    let mut spacing = Spacing::new();
    let (sent, refused) = loop_with(
        |now| spacing.take(now, state.get().interval()),
        |now, feedback| state.set(rule.step(state.get(), feedback, now)),
    );
    assert!((540..=660).contains(&sent) && refused * 10 < sent, "{refused} of {sent} refused");
}

#[test]
fn cubic_finds_the_rate() {
    let pacer = std::cell::Cell::new(Cubic::new(0));
    let acquire = |now| {
        let mut state = pacer.get();
        let wait = state.acquire(now, 1);
        pacer.set(state);
        wait
    };
    let (sent, refused) = loop_with(acquire, |now, feedback| pacer.set(pacer.get().step(now, feedback)));
    assert!((500..=700).contains(&sent) && refused * 10 < sent, "{refused} of {sent} refused");
}

#[test]
fn mailiams_interval_settles_where_neither_threshold_is_crossed() {
    let rule = IntervalRule::mailiam();
    let limiter = Limiter::new(Algorithm::FixedWindow, "50/min".parse().unwrap()).unwrap();
    let (mut interval, mut now, mut refused) = (rule.start(), 0, 0);
    for _ in 0..1000 {
        now += interval;
        let decision = limiter.take_at(now, 1);
        refused += u32::from(!decision.is_allowed());
        interval = rule.next(interval, decision.limit(), decision.remaining());
        assert!((SECOND / 10..=10 * SECOND).contains(&interval));
    }
    assert!(refused < 100, "{refused}");
}

#[test]
fn aimd_at_the_ends() {
    assert!(Aimd::new(0, 1, 1, 50, 0).is_err() && Aimd::new(2, 1, 1, 50, 0).is_err());
    assert!(
        Aimd::new(1, 1, 1, 0, 0).is_err()
            && Aimd::new(1, 1, 1, 100, 0).is_err()
            && Aimd::new(1, 10_u64.pow(15) + 1, 1, 50, 0).is_err()
    );
    let rule = Aimd::new(1, 10_u64.pow(15), u64::MAX, 1, 0).unwrap();
    let fast = rule.step(rule.start(0), Feedback::Success, 0);
    assert_eq!((fast.rate(), fast.interval()), (10_u64.pow(15), 1));
    let slow = (0..9).fold(fast, |state, now| rule.step(state, Feedback::Throttled, now));
    assert_eq!((slow.rate(), slow.interval()), (1, 10_u64.pow(15)));
    // Late, and within the pause: counted once.
    let rule = Aimd::new(1, 100, 1, 50, 10).unwrap();
    let once = rule.step(rule.start(100), Feedback::Throttled, 50);
    assert_eq!(rule.step(once, Feedback::Throttled, 59), once);
    assert_eq!(rule.step(once, Feedback::Throttled, 3), once);
    assert_eq!(rule.step(once, Feedback::Throttled, 60).rate(), 25);
}

#[test]
fn the_line_of_a_spacing_ends_with_the_clock() {
    let mut spacing = Spacing::new();
    assert_eq!(spacing.take(u64::MAX - 1, u64::MAX), 0);
    assert_eq!(spacing.take(0, 1), u64::MAX);
    assert_eq!(spacing.take(u64::MAX, 1), 0);
}

#[test]
fn slowing_down_at_the_ends() {
    assert_eq!(SlowDown::below_percent(20).delay(u64::MAX, 0, u64::MAX), u64::MAX);
    assert_eq!(SlowDown::below_percent(0).delay(100, 0, 9), 0);
    assert_eq!(SlowDown::below_percent(u64::MAX).delay(u64::MAX, u64::MAX, u64::MAX), 1);
    assert_eq!(SlowDown::below_percent(20).delay(0, 0, 9), 0);
    assert_eq!(SlowDown::below_percent(100).delay(10, 2, 10), 4);
}

// --- Usage

#[test]
fn the_monitor_keeps_a_thousand_and_an_hour() {
    let monitor = provider("mailiam").client().map(UsageMonitor::from_advice).unwrap();
    let mut monitor = monitor;
    for n in 0..5000 {
        monitor.record(100, 50, n);
    }
    assert_eq!((monitor.len(), monitor.average_millionths(5000)), (1000, Some(500_000)));
    assert_eq!(monitor.average_millionths(4999 + 3600 * SECOND), None);
    assert_eq!(monitor.average_millionths(4998 + 3600 * SECOND), Some(500_000));
    assert_eq!(monitor.average_millionths(0), Some(500_000), "a late clock is read as the latest seen");
}

#[test]
fn the_levels_of_use() {
    let mut monitor = UsageMonitor::new();
    let mut level = |limit, remaining| monitor.record(limit, remaining, 0);
    assert_eq!(level(1000, 200), UsageLevel::Normal, "80 % is not above it");
    assert_eq!(level(1000, 199), UsageLevel::High);
    assert_eq!(level(1000, 100), UsageLevel::High, "10 % is not below it");
    assert_eq!(level(1000, 99), UsageLevel::NearlyExhausted);
    assert_eq!(level(1000, 0), UsageLevel::Exhausted);
    assert_eq!(level(0, 0), UsageLevel::Exhausted);
    assert_eq!(level(5, 9), UsageLevel::Normal);
    assert_eq!(level(u64::MAX, 1), UsageLevel::NearlyExhausted);
    assert_eq!(UsageMonitor::new().max_records(0).record(2, 1, 0), UsageLevel::Normal);
    let mut none = UsageMonitor::new().max_records(0);
    none.record(2, 1, 0);
    assert_eq!((none.len(), none.average_millionths(0)), (0, None));
}

// --- Retries

fn delays(plan: &RetryPlan, observed: &Observed) -> Vec<u64> {
    let (mut call, mut now, mut delays) = (plan.start_at(0, None), 0, vec![]);
    while let RetryDecision::Retry { delay } = call.after_response(429, observed, now) {
        now += delay;
        delays.push(delay);
    }
    delays
}

#[test]
fn the_documents_advice() {
    let plan = |name: &str| RetryPlan::from_advice(provider(name).retry().unwrap()).unwrap();
    let nothing = Observed::default();
    let after = |seconds: &str| headers(&[("Retry-After", seconds)]);
    let within = |delays: &[u64], seconds: &[u64], jitter_ms: u64| {
        assert_eq!(delays.len(), seconds.len(), "{delays:?}");
        for (delay, least) in delays.iter().zip(seconds) {
            let least = least * SECOND;
            assert!((least..=least + jitter_ms * 1_000_000).contains(delay), "{delays:?}");
        }
    };
    within(&delays(&plan("mailiam"), &nothing), &[1, 2, 4], 0);
    within(&delays(&plan("mailpipe"), &nothing), &[60, 60], 1000);
    within(&delays(&plan("mailpipe"), &after("3600")), &[3600, 3600], 1000);
    within(&delays(&plan("mailtrap"), &nothing), &[1, 2, 4], 0);
    for name in ["migosmtp", "telnxo"] {
        within(&delays(&plan(name), &nothing), &[2, 4, 8, 16], 500);
        within(&delays(&plan(name), &after("5")), &[5, 5, 8, 16], 500);
    }
    within(&delays(&plan("unosend"), &nothing), &[1, 2, 4, 8], 1000);
}

#[test]
fn what_is_retried() {
    let plan = RetryPlan::new(Backoff::constant(Duration::from_secs(1)));
    let hint = headers(&[("Retry-After", "7")]);
    let exhausted = headers(&[("X-RateLimit-Remaining", "0")]);
    let nothing = Observed::default();
    let retry = |seconds: u64| RetryDecision::Retry { delay: seconds * SECOND };
    let final_ = RetryDecision::GiveUp(GiveUp::Status);
    // Status, headers, what an idempotent request does, and another.
    let cases = [
        (200, &hint, RetryDecision::Done, RetryDecision::Done),
        (304, &nothing, RetryDecision::Done, RetryDecision::Done),
        (429, &nothing, retry(1), retry(1)),
        (429, &hint, retry(7), retry(7)),
        (403, &nothing, final_, final_),
        (403, &hint, retry(7), retry(7)),
        (403, &exhausted, retry(1), retry(1)),
        (404, &hint, final_, final_),
        (408, &nothing, retry(1), final_),
        (425, &nothing, retry(1), final_),
        (500, &nothing, retry(1), final_),
        (501, &nothing, final_, final_),
        (502, &hint, retry(7), final_),
        (503, &nothing, retry(1), final_),
        (503, &hint, retry(7), retry(7)),
        (505, &nothing, final_, final_),
        (599, &nothing, retry(1), final_),
        (600, &nothing, final_, final_),
    ];
    for (status, observed, idempotent, other) in cases {
        assert_eq!(plan.start_at(0, None).after_response(status, observed, 0), idempotent, "{status}");
        assert_eq!(plan.idempotent(false).start_at(0, None).after_response(status, observed, 0), other, "{status}");
    }
    assert_eq!(plan.start_at(0, None).after_error(Failure::Timeout, 0), retry(1));
    assert_eq!(plan.idempotent(false).start_at(0, None).after_error(Failure::Transient, 0), final_);
}

#[test]
fn the_budget_is_told_of_everything_and_has_the_last_word() {
    let budget = RetryBudget::new(RetryRule::AWS_2_1);
    let plan = RetryPlan::new(Backoff::constant(Duration::from_secs(1)).max_retries(2));
    let nothing = Observed::default();
    let mut call = plan.start_at(0, Some(&budget));
    let _ = call.after_error(Failure::Transient, 0);
    let _ = call.after_response(429, &nothing, 0);
    assert_eq!(budget.tokens_at(0), 500 - 14 - 5);
    assert_eq!(call.after_response(429, &nothing, 0), RetryDecision::GiveUp(GiveUp::Backoff));
    assert_eq!(call.retries(), 2);
    assert_eq!(call.after_response(200, &nothing, 0), RetryDecision::Done);
    assert_eq!(budget.tokens_at(0), 500 - 14, "the last retry's cost comes back");

    let empty = RetryBudget::new(RetryRule::tokens(5, 14, 14, 5, 1).unwrap());
    assert_eq!(plan.start_at(0, Some(&empty)).after_response(500, &nothing, 0), RetryDecision::GiveUp(GiveUp::Budget));

    // gRPC's rule counts failures that are not retried, once.
    let grpc = RetryBudget::new(RetryRule::GRPC);
    let none = RetryPlan::new(Backoff::constant(Duration::ZERO).max_retries(0));
    let _ = none.start_at(0, Some(&grpc)).after_response(503, &nothing, 0);
    assert_eq!(grpc.tokens_at(0), 9_000);
    let long = headers(&[("Retry-After", "999999")]);
    let _ = none.start_at(0, Some(&grpc)).after_response(503, &long, 0);
    assert_eq!(grpc.tokens_at(0), 8_000);
}

/// Whatever a server says: no wait beyond the bound, no place beyond the bound, no panic.
#[test]
fn any_server() {
    fn property(seed: Seed) -> bool {
        let mut random = Random::new(seed);
        let bound = random.number();
        let mut tracker =
            Tracker::new().max_limits(8).max_wait(bound).slow_down(SlowDown::below_percent(random.below(120)));
        let plan = RetryPlan::new(Backoff::exponential(Duration::from_millis(1)).max_retries(9)).max_hint(bound);
        let mut call = plan.start_at(0, None);
        let mut latest = 0;
        for _ in 0..random.below(60) {
            let (now, unix) = (random.number(), random.number());
            latest = latest.max(now);
            let route = format!("{}", random.below(4));
            let scope = ["ip", "endpoint", "api-key", "x"][random.below(4) as usize];
            let (limit, remaining, reset) = (random.number(), random.number() >> random.below(64), random.number());
            let text = [limit, remaining, reset, random.number()].map(|number| number.to_string());
            let pairs = [
                ("X-RateLimit-Limit", text[0].as_str()),
                ("X-RateLimit-Remaining", &text[1]),
                ("X-RateLimit-Reset", &text[2]),
                ("X-RateLimit-Scope", scope),
                ("Retry-After", &text[3]),
            ];
            let observed = Observed::parse(pairs.iter().copied().take(random.below(6) as usize), unix);
            let status = [200, 429, 503, 500][random.below(4) as usize];
            tracker.observe(&route, status, &observed, now);
            tracker.sent(&route, now);
            let delay = tracker.next_delay(&route, now);
            assert!(delay <= bound && tracker.limits().count() <= 8);
            assert_eq!(tracker.next_delay(&route, latest.saturating_add(bound)), 0);
            if let RetryDecision::Retry { delay } = call.after_response(status, &observed, now) {
                assert!(delay <= bound.max(1_000_000 << 9));
            }
        }
        true
    }
    QuickCheck::new().quickcheck(property as fn(Seed) -> bool);
}

#[test]
fn errors_read_well() {
    assert!(tidegate_policy::client::AimdError.to_string().contains("1 to 99 percent"));
    assert!(tidegate_policy::client::IntervalError::Factor.to_string().contains("decimal"));
}

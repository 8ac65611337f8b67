//! A client that lives within a server's limits: it tracks them, slows down, and retries when it is refused after all.
//!
//! The server is a limiter of 10 requests in 10 seconds that speaks MigoSMTP's headers; time is virtual, nothing sleeps.
//!
//! ```sh
//! cargo run -p tidegate-policy --example client
//! ```

use std::time::Duration;

use tidegate::backoff::Backoff;
use tidegate::{Algorithm, Limiter};
use tidegate_policy::client::{RetryDecision, RetryPlan, SlowDown, Tracker};
use tidegate_policy::headers::{Dialect, EncodeError, Observed, Report, ResetStyle, ServiceLimit};

const DIALECT: Dialect = Dialect::XRateLimit { reset: ResetStyle::Unix };

type Fields = Vec<(&'static str, String)>;

/// The server: a status and header fields.
fn server(limiter: &Limiter, now: u64) -> Result<(u16, Fields), EncodeError> {
    let decision = limiter.take_at(now, 1);
    let limits = [ServiceLimit::from_decision("all", &decision)];
    let fields = DIALECT.encode(&Report::new(now, &limits))?.map(|(name, value)| (name, value.to_string())).collect();
    Ok((if decision.is_allowed() { 200 } else { 429 }, fields))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limiter = Limiter::new(Algorithm::FixedWindow, "10/10s".parse()?)?;
    let mut tracker = Tracker::new().slow_down(SlowDown::below_percent(20));
    let plan = RetryPlan::new(Backoff::exponential(Duration::from_secs(1)).max_retries(5));
    let start = 1_705_320_000_000_000_000;
    let mut now = start;
    for request in 1..=25 {
        let mut call = plan.start_at(now, None);
        loop {
            now += tracker.next_delay("POST /email/send", now); // here a real client sleeps
            tracker.sent("POST /email/send", now);
            let (status, fields) = server(&limiter, now)?;
            let observed = Observed::parse(fields.iter().map(|(name, value)| (*name, value)), now);
            tracker.observe("POST /email/send", status, &observed, now);
            let left = observed.binding().and_then(|limit| limit.remaining()).unwrap_or(0);
            println!("{:6.2} s  request {request:2}  {status}  {left} left", (now - start) as f64 / 1e9);
            match call.after_response(status, &observed, now) {
                RetryDecision::Retry { delay } => now += delay,
                RetryDecision::Done => break,
                RetryDecision::GiveUp(why) => return Err(format!("given up: {why:?}").into()),
            }
        }
        now += 50_000_000;
    }
    Ok(())
}

//! A queue of 1,000 sends held to "10 per second; 1000 per hour", in virtual time.
//!
//! The queue that providers tell their customers to write sleeps a tenth of a second after each send and knows nothing of the hour. Here a
//! pacer waits for both limits at once. Whether it kept them is counted afterwards from the list of what went when, without asking a limiter.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tidegate::{
    Algorithm, Clock, Limiter, LimiterGroup, ManualClock, Pacer, Priority, PriorityQueue, Quota, parse_list,
};

use crate::rows::START;

const LIMITS: &str = "10 per second; 1000 per hour";
const SENDS: usize = 1_000;
/// Sends that find the hour used up.
const MORE: usize = 50;
/// The send in the middle of whose wait an urgent one comes.
const MIDDLE: usize = 500;

/// What went, and when in nanoseconds since the start.
struct Sent {
    number: usize,
    at: u64,
}

/// What happened, or what should not have.
pub fn table() -> Result<String, String> {
    let quotas = parse_list(LIMITS).collect::<Result<Vec<Quota>, _>>().map_err(|error| error.to_string())?;
    let clock = Arc::new(ManualClock::auto_advancing(START));
    let pacer = pacer(&quotas, &clock)?;
    let push = |priority, number| pacer.push(priority, number).map_err(|full| full.to_string());

    for number in 0..SENDS + MORE {
        push(Priority::Normal, number)?;
    }
    pacer.close();
    let mut sent = Vec::new();
    while let Some(number) = pacer.next().map_err(|refused| refused.to_string())? {
        sent.push(Sent { number, at: clock.now() - START });
    }

    if !sent.iter().map(|sent| sent.number).eq(0..SENDS + MORE) {
        return Err(format!("{LIMITS}: the order was not kept"));
    }
    let mut out = format!("\nA queue of {SENDS} sends held to \"{LIMITS}\", and {MORE} more\n");
    for quota in &quotas {
        let most = most_in_a_span(&sent, quota.period_nanos());
        if most > quota.limit() {
            return Err(format!("{quota}: {most} went within {:?}", Duration::from_nanos(quota.period_nanos())));
        }
        let _ = writeln!(out, "{:>12}: at most {most:>5} within any {:?}", quota.to_string(), quota.period());
    }
    let seconds = |index: usize| Duration::from_nanos(sent[index].at);
    let _ = writeln!(
        out,
        "all in order; send 1 after {:?}, send {SENDS} after {:?}, send {} after {:?}, send {} after {:?}",
        seconds(0),
        seconds(SENDS - 1),
        SENDS + 1,
        seconds(SENDS),
        SENDS + MORE,
        seconds(SENDS + MORE - 1)
    );
    let (before, after) = urgent(&quotas)?;
    let _ = writeln!(
        out,
        "an urgent send, queued behind {} others: {before} of them went before it, {after} after",
        SENDS - MIDDLE
    );
    Ok(out)
}

/// How many of those who waited when an urgent send came went before it, and after.
fn urgent(quotas: &[Quota]) -> Result<(usize, usize), String> {
    let clock = Arc::new(ManualClock::auto_advancing(START));
    let pacer = pacer(quotas, &clock)?;
    let next = || pacer.next().map_err(|refused| refused.to_string());
    for number in 0..SENDS {
        pacer.push(Priority::Low, number).map_err(|full| full.to_string())?;
    }
    for _ in 0..MIDDLE {
        next()?;
    }
    pacer.push(Priority::High, SENDS).map_err(|full| full.to_string())?;
    pacer.close();
    let mut order = Vec::new();
    while let Some(number) = next()? {
        order.push(number);
    }
    let at = order.iter().position(|&number| number == SENDS).ok_or("the urgent send was lost")?;
    Ok((at, order.len() - at - 1))
}

/// A pacer for all of the quotas at once. The sliding log is the algorithm that keeps a limit within any span.
fn pacer(quotas: &[Quota], clock: &Arc<ManualClock>) -> Result<Pacer<usize>, String> {
    let limiter = |quota: &Quota| {
        let built = Limiter::builder(Algorithm::SlidingLog, *quota).shared_clock(clock.clone()).build();
        built.map(|limiter| (quota.to_string(), limiter)).map_err(|error| error.to_string())
    };
    let members = quotas.iter().map(limiter).collect::<Result<Vec<_>, _>>()?;
    let group = LimiterGroup::new(members).map_err(|error| error.to_string())?;
    Ok(Pacer::of_group(group, PriorityQueue::new(SENDS + MORE)))
}

/// The most that went within a half-open span of so many nanoseconds.
fn most_in_a_span(sent: &[Sent], span: u64) -> u64 {
    let within = |from: usize| sent[from..].iter().take_while(|later| later.at < sent[from].at + span).count();
    (0..sent.len()).map(within).max().unwrap_or(0) as u64
}

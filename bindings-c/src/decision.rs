//! `tidegate_decision`: the core's `Decision` with all its figures worked out.

use tidegate::Decision;

/// In `retry_after_ns`: no wait helps, because the cost is above the capacity or the time lies beyond the end of the clock.
/// In `reset_after_ns`: beyond the end of the clock.
pub const TIDEGATE_NEVER: u64 = u64::MAX;

/// What a limiter answered.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct tidegate_decision {
    /// Whether the call may go ahead. What it cost has then been spent (by take and charge, not by peek).
    pub allowed: bool,
    /// The capacity, in permits: the burst of a bucket, the limit of a window.
    pub limit: u64,
    /// The largest cost, in permits, that would be allowed right after this decision at the same time.
    pub remaining: u64,
    /// Nanoseconds until the same call is allowed if nobody else calls: denied at every earlier nanosecond, allowed exactly then.
    /// 0 if this call was allowed (of a charge: until the debt is paid), TIDEGATE_NEVER if no wait helps.
    pub retry_after_ns: u64,
    /// Nanoseconds until the limiter is as good as new if nobody else calls; TIDEGATE_NEVER if beyond the end of the clock.
    pub reset_after_ns: u64,
}

impl From<Decision> for tidegate_decision {
    fn from(decision: Decision) -> tidegate_decision {
        tidegate_decision::of(&decision)
    }
}

impl tidegate_decision {
    /// Inlined: of a decision that has just been worked out nothing is left to ask.
    #[inline(always)]
    pub fn of(decision: &Decision) -> tidegate_decision {
        tidegate_decision {
            allowed: decision.is_allowed(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after_ns: decision.retry_after_nanos().unwrap_or(TIDEGATE_NEVER),
            reset_after_ns: decision.reset_after_nanos(),
        }
    }
}

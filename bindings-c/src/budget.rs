//! `tidegate_retry_budget`: whether a failed call may be retried at all, over all calls of a client.

use core::marker::PhantomData;
use core::time::Duration;

use tidegate::backoff::{Failure, RetryBudget, RetryPermit, RetryRule, RetryRuleError};

use crate::guard::{Out, guard, optional};
use crate::handle::{self, Handle, lent};
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_RANGE, TIDEGATE_ERROR_UNKNOWN_VALUE};

/// What kind of failure a retry would answer. The rules of AWS price them differently; the others do not care.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_failure {
    /// An error that may go away: status 500, 502, 503, 504, a broken connection.
    TIDEGATE_FAILURE_TRANSIENT = 0,
    /// No answer in time.
    TIDEGATE_FAILURE_TIMEOUT = 1,
    /// The server asked for fewer requests: status 429.
    TIDEGATE_FAILURE_THROTTLED = 2,
}

/// Budgets as their sources publish them.
#[repr(i32)]
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "C names the values; Rust parses the integers")]
pub enum tidegate_retry_preset {
    /// AWS SDKs, standard mode 2026 (2.1): 500 tokens; a retry costs 14, when throttled 5; a success gives back the last retry's cost, or 1.
    TIDEGATE_RETRY_AWS_2_1 = 0,
    /// AWS SDKs, standard mode until 2026 (2.0): 500 tokens; a retry costs 5, after a timeout 10.
    TIDEGATE_RETRY_AWS_2_0 = 1,
    /// Finagle: one retry for every five requests of the last ten seconds, and ten a second besides.
    TIDEGATE_RETRY_FINAGLE = 2,
    /// gRPC (gRFC A6): 10 tokens, every failure costs 1, a success gives 0.1; a retry needs more than half of them.
    TIDEGATE_RETRY_GRPC = 3,
}

/// cbindgen writes it as `tidegate_failure`.
pub type failure_code = i32;
/// cbindgen writes it as `tidegate_retry_preset`.
pub type preset_code = i32;

/// In `last_retry_cost`: the call needed no retry.
pub const TIDEGATE_NO_RETRY: u64 = u64::MAX;

/// Decides which failed attempts may be retried, over all calls of a client. Tell it of every first attempt, failure and success. Times are
/// nanoseconds of one clock; only TIDEGATE_RETRY_FINAGLE and tidegate_retry_budget_new_share look at them, others may be given 0.
///
/// Thread safety: as tidegate_limiter.
pub struct tidegate_retry_budget {
    _budget: PhantomData<RetryBudget>,
}

impl Handle for tidegate_retry_budget {
    type Object = RetryBudget;
    const MARK: u64 = 0x9d2c_5680_efc6_0b17;
}

impl From<RetryRuleError> for tidegate_status {
    fn from(_: RetryRuleError) -> tidegate_status {
        TIDEGATE_ERROR_RANGE
    }
}

/// # Safety
/// `budget` is NULL, misaligned or may be written.
unsafe fn new(
    rule: impl FnOnce() -> Result<RetryRule, tidegate_status>,
    budget: *mut *mut tidegate_retry_budget,
) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Out::new(budget) }?;
        handle::keep(RetryBudget::new(rule()?), out)
    })
}

/// Makes a budget of a published kind.
///
/// @param[out] budget Written on success only; free it with tidegate_retry_budget_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_UNKNOWN_VALUE; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for `budget`; TIDEGATE_ERROR_MEMORY.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_new(
    preset: preset_code,
    budget: *mut *mut tidegate_retry_budget,
) -> tidegate_status {
    use tidegate_retry_preset::*;
    let rule = || match preset {
        code if code == TIDEGATE_RETRY_AWS_2_1 as i32 => Ok(RetryRule::AWS_2_1),
        code if code == TIDEGATE_RETRY_AWS_2_0 as i32 => Ok(RetryRule::AWS_2_0),
        code if code == TIDEGATE_RETRY_FINAGLE as i32 => Ok(RetryRule::FINAGLE),
        code if code == TIDEGATE_RETRY_GRPC as i32 => Ok(RetryRule::GRPC),
        _ => Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
    };
    // SAFETY: the same contract.
    unsafe { new(rule, budget) }
}

/// Makes a bucket of `capacity` tokens: a retry costs `retry`, after a timeout `timeout`, when throttled `throttled`; a success gives back what the
/// last retry of that call cost, or `gain` if it needed none. Never more than the capacity.
///
/// @param[out] budget Written on success only; free it with tidegate_retry_budget_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE if the capacity is 0; otherwise as tidegate_retry_budget_new.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_new_tokens(
    capacity: u32,
    retry: u32,
    timeout: u32,
    throttled: u32,
    gain: u32,
    budget: *mut *mut tidegate_retry_budget,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { new(|| Ok(RetryRule::tokens(capacity, retry, timeout, throttled, gain)?), budget) }
}

/// Makes gRPC's throttle: begins with `max_tokens` (1 to 1000); every failed attempt takes one, every success gives `thousandths` / 1000 (1 to
/// 1,000,000); a retry needs more than half of the maximum after its failure is counted.
///
/// @param[out] budget Written on success only; free it with tidegate_retry_budget_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE; otherwise as tidegate_retry_budget_new.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_new_throttle(
    max_tokens: u32,
    thousandths: u32,
    budget: *mut *mut tidegate_retry_budget,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { new(|| Ok(RetryRule::throttle(max_tokens, thousandths)?), budget) }
}

/// Makes Finagle's budget: retries up to `numerator / denominator` of the requests of the last `ttl_ns` (1 to 60 s), and `min_retries_per_sec`
/// besides.
///
/// @param[out] budget Written on success only; free it with tidegate_retry_budget_free.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_RANGE for a ttl outside its range, a ratio above 1000 or without a denominator, neither ratio nor minimum, or
/// terms beyond 2^19 - 1; otherwise as tidegate_retry_budget_new.
///
/// Thread safety: may be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_new_share(
    ttl_ns: u64,
    min_retries_per_sec: u32,
    numerator: u32,
    denominator: u32,
    budget: *mut *mut tidegate_retry_budget,
) -> tidegate_status {
    let ttl = Duration::from_nanos(ttl_ns);
    // SAFETY: the same contract.
    unsafe { new(|| Ok(RetryRule::share(ttl, min_retries_per_sec, numerator, denominator)?), budget) }
}

/// Ends a budget. NULL is fine and does nothing.
///
/// @return As tidegate_limiter_free.
///
/// Thread safety: nobody else may use the budget during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_free(budget: *mut tidegate_retry_budget) -> tidegate_status {
    // SAFETY: the same contract.
    guard(|| unsafe { handle::free(budget) })
}

/// # Safety
/// `budget` is NULL, misaligned or a budget that lives.
unsafe fn tell(budget: *const tidegate_retry_budget, event: impl FnOnce(&RetryBudget)) -> tidegate_status {
    guard(|| {
        // SAFETY: promised by the caller.
        event(unsafe { lent(budget) }?);
        Ok(())
    })
}

/// A call begins: its first attempt is made.
///
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for the budget.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_request_at(
    budget: *const tidegate_retry_budget,
    now_ns: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { tell(budget, |budget| budget.request_at(now_ns)) }
}

/// An attempt failed in a way worth retrying: may it be?
///
/// @param[out] allowed Not NULL; written on success only.
/// @param[out] cost NULL, or where to write what the retry cost (0 if not allowed): hand that of a call's last retry to
/// tidegate_retry_budget_success_at.
/// @return TIDEGATE_OK, also when not allowed; TIDEGATE_ERROR_UNKNOWN_VALUE for `failure`; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or
/// TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_try_retry_at(
    budget: *const tidegate_retry_budget,
    now_ns: u64,
    failure: failure_code,
    allowed: *mut bool,
    cost: *mut u64,
) -> tidegate_status {
    use tidegate_failure::*;
    guard(|| {
        // SAFETY: the same contract.
        let (budget, allowed, cost) = unsafe { (lent(budget)?, Out::new(allowed)?, optional(cost)?) };
        let failure = match failure {
            code if code == TIDEGATE_FAILURE_TRANSIENT as i32 => Failure::Transient,
            code if code == TIDEGATE_FAILURE_TIMEOUT as i32 => Failure::Timeout,
            code if code == TIDEGATE_FAILURE_THROTTLED as i32 => Failure::Throttled,
            _ => return Err(TIDEGATE_ERROR_UNKNOWN_VALUE),
        };
        let permit = budget.try_retry_at(now_ns, failure);
        allowed.write(permit.is_some());
        if let Some(out) = cost {
            out.write(permit.map_or(0, |permit| u64::from(permit.cost())));
        }
        Ok(())
    })
}

/// An attempt failed and is not retried for a reason of its own: no attempts left, or the server said not to.
///
/// @return As tidegate_retry_budget_request_at.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_give_up_at(
    budget: *const tidegate_retry_budget,
    now_ns: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { tell(budget, |budget| budget.give_up_at(now_ns)) }
}

/// A call succeeded.
///
/// @param last_retry_cost What its last retry cost; TIDEGATE_NO_RETRY if it needed none. A budget never holds more than it began with.
/// @return As tidegate_retry_budget_request_at.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_success_at(
    budget: *const tidegate_retry_budget,
    now_ns: u64,
    last_retry_cost: u64,
) -> tidegate_status {
    let cost = (last_retry_cost != TIDEGATE_NO_RETRY).then(|| u32::try_from(last_retry_cost).unwrap_or(u32::MAX));
    // SAFETY: the same contract.
    unsafe { tell(budget, |budget| budget.success_at(now_ns, cost.map(RetryPermit::with_cost))) }
}

/// What is left, spending nothing: tokens, thousandths of a token (gRPC's throttle), or whole retries (Finagle's share).
///
/// @param[out] tokens Not NULL; written on success only.
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL, TIDEGATE_ERROR_MISALIGNED or TIDEGATE_ERROR_HANDLE for a pointer.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_tokens_at(
    budget: *const tidegate_retry_budget,
    now_ns: u64,
    tokens: *mut u64,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (budget, out) = unsafe { (lent(budget)?, Out::new(tokens)?) };
        out.write(budget.tokens_at(now_ns));
        Ok(())
    })
}

/// As new.
///
/// @return As tidegate_retry_budget_request_at.
/// @pre `budget` has not been freed.
///
/// Thread safety: may be called on one budget from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_retry_budget_reset(budget: *const tidegate_retry_budget) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { tell(budget, RetryBudget::reset) }
}

//! `tidegate_gcra`: the shortest way to a limiter without heap and libc. A word of the GCRA that is told its quota with every call.
//!
//! Each call makes the quota ready anew (some tens of nanoseconds); where that counts, make it ready once: `tidegate_rule`.

use tidegate::{Algorithm, Limiter, Quota, Word, WordLimiter};

use crate::decision::tidegate_decision;
use crate::guard::borrow;
use crate::quota::tidegate_quota;
use crate::reservation::tidegate_reservation;
use crate::status::tidegate_status;
use crate::verbs_of_word;

/// A limiter in eight bytes of the caller's: `tidegate_gcra g = TIDEGATE_GCRA_INIT;`, or zeros, is new and full. The algorithm is GCRA, which
/// is also the token bucket with continuous refill. Always pass the same quota. Aligned to 8.
///
/// Thread safety: the calls below may be made on one from any number of threads at once; each is one atomic step, and a denied one
/// writes nothing. Reading or writing `tat` yourself meanwhile is a data race.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_gcra {
    /// The theoretical arrival time, in ticks of the quota. The library's own.
    pub tat: u64,
}

/// The quota made ready, and the word.
///
/// # Safety
/// NULL, misaligned, or a `tidegate_gcra` that is changed by this library alone during `'a` and a quota that nobody writes.
#[inline(always)]
unsafe fn both<'a>(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
) -> Result<(WordLimiter, &'a Word), tidegate_status> {
    // SAFETY: a `Word` is laid out as a `u64` aligned to 8, and the alignment is checked against that; the rest is promised.
    let (quota, word) = unsafe { (Quota::try_from(borrow(quota)?)?, borrow(gcra.cast::<Word>())?) };
    match Limiter::builder(Algorithm::Gcra, quota).word_at(0) {
        Ok((limiter, _)) => Ok((limiter, word)),
        Err(error) => Err(error.kind().into()),
    }
}

/// Spends `cost` permits at the time `now_ns` if they fit; whether they did. Zero is always allowed, a cost above the burst never.
///
/// @param now_ns Nanoseconds since an origin of your choice. It may repeat or run backwards: nothing is refunded or minted. Values above
/// 2^63 - 1 are read as that.
/// @return false also for pointers that are NULL or misaligned, a quota that is none, and a foreign word: a gate that cannot be asked stays shut.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_try_acquire_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    cost: u64,
) -> bool {
    // SAFETY: the same contract.
    verbs_of_word::try_acquire(|| unsafe { both(gcra, quota) }, now_ns, cost)
}

/// As tidegate_limiter_take_at.
///
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK, also when denied; a status of a quota (-100 and below), or TIDEGATE_ERROR_UNKNOWN_VALUE for one of its fields;
/// TIDEGATE_ERROR_FOREIGN_WORD for a word that this quota could not have made; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer. On any of
/// them nothing is spent.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_take_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe {
        verbs_of_word::decide(|| both(gcra, quota), decision, |limiter, word| limiter.take_at(word, now_ns, cost))
    }
}

/// As tidegate_limiter_peek_at.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_gcra_take_at.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_peek_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe {
        verbs_of_word::decide(|| both(gcra, quota), decision, |limiter, word| limiter.peek_at(word, now_ns, cost))
    }
}

/// As tidegate_limiter_charge_at.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_gcra_take_at.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_charge_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe {
        verbs_of_word::decide(|| both(gcra, quota), decision, |limiter, word| limiter.charge_at(word, now_ns, cost))
    }
}

/// As tidegate_limiter_refund_at.
///
/// @return As tidegate_gcra_take_at.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_refund_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    permits: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    verbs_of_word::refund(|| unsafe { both(gcra, quota) }, now_ns, permits)
}

/// As tidegate_limiter_reserve_at.
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only.
/// @return As tidegate_gcra_take_at; TIDEGATE_OK also when refused.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_reserve_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::reserve(|| both(gcra, quota), now_ns, cost, max_wait_ns, reservation) }
}

/// As tidegate_limiter_cancel_at.
///
/// @return As tidegate_gcra_take_at; TIDEGATE_ERROR_NOT_BOOKED if the reservation was refused or has been cancelled.
///
/// Thread safety: may be called on one limiter from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_cancel_at(
    gcra: *mut tidegate_gcra,
    quota: *const tidegate_quota,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::cancel(|| both(gcra, quota), now_ns, reservation) }
}

/// Makes a limiter as new and full, whatever it was.
///
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for the limiter.
///
/// Thread safety: may be called on one limiter from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_gcra_reset(gcra: *mut tidegate_gcra) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::reset(gcra.cast()) }
}

//! Limiters of one word in the caller's memory: `tidegate_word` is the state, `tidegate_rule` a quota made ready. No heap, no libc.

use core::mem::MaybeUninit;

use tidegate::{Limiter, Quota, Word, WordLimiter};

use crate::choice::{self, algorithm_code};
use crate::decision::tidegate_decision;
use crate::guard::{Out, borrow, guard};
use crate::options::tidegate_limiter_options;
use crate::quota::tidegate_quota;
use crate::reservation::tidegate_reservation;
use crate::status::tidegate_status::{self, TIDEGATE_ERROR_NOT_INITIALIZED, TIDEGATE_ERROR_UNKNOWN_VALUE};
use crate::verbs_of_word;

/// The state of one limiter of any algorithm but the sliding log: eight bytes wherever you like, in a struct, an array, shared memory.
/// Aligned to 8 (where the ABI aligns a uint64_t less, see to it). TIDEGATE_WORD_INIT, or zeros, is new and full. The word means something only
/// together with the rule that it was made for; copy it to keep it, write it back to restore it.
///
/// Thread safety: the calls below may be made on one word from any number of threads at once; each is one atomic step, and a denied one writes
/// nothing. Reading or writing `value` yourself meanwhile is a data race.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_word {
    /// The library's own.
    pub value: u64,
}

const WORDS: usize = 31;
/// Tells a rule that was made from memory that was not. It changes with the layout of what follows it.
const MARK: u64 = 0x8e5d_31c4_907b_f601;

/// An algorithm and a quota made ready for words: 256 bytes in the caller's memory, written by tidegate_rule_init, constant from then on, and
/// shared by any number of words. It holds no pointer and needs no end; copy it as you like within one process.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tidegate_rule {
    /// The library's own.
    pub mark: u64,
    /// The library's own.
    pub internal: [MaybeUninit<u64>; 31],
}

const _: () =
    assert!(size_of::<WordLimiter>() <= WORDS * 8 && align_of::<WordLimiter>() <= align_of::<tidegate_rule>());
const _: () = assert!(size_of::<tidegate_word>() == size_of::<Word>());

impl tidegate_rule {
    fn new(limiter: WordLimiter) -> tidegate_rule {
        let mut internal = [MaybeUninit::new(0); WORDS];
        // SAFETY: it fits and is aligned, as asserted above.
        unsafe { internal.as_mut_ptr().cast::<WordLimiter>().write(limiter) };
        tidegate_rule { mark: MARK, internal }
    }

    #[inline(always)]
    fn limiter(&self) -> Result<&WordLimiter, tidegate_status> {
        if self.mark != MARK {
            return Err(TIDEGATE_ERROR_NOT_INITIALIZED);
        }
        // SAFETY: the mark says that `new` wrote one here; it fits and is aligned, as asserted above.
        Ok(unsafe { &*self.internal.as_ptr().cast::<WordLimiter>() })
    }
}

/// A rule and its word, for the length of one call.
///
/// # Safety
/// `word` is NULL, misaligned, or eight bytes that live and are changed by this library alone during `'a`; `rule` is NULL, misaligned or a
/// `tidegate_rule` that nobody writes.
#[inline(always)]
unsafe fn both<'a>(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
) -> Result<(&'a WordLimiter, &'a Word), tidegate_status> {
    // SAFETY: a `Word` is laid out as a `u64` aligned to 8; the alignment is checked against that of `Word`. The rest is promised.
    unsafe { Ok((borrow(rule)?.limiter()?, borrow(word.cast::<Word>())?)) }
}

/// Makes a quota ready for words.
///
/// @param algorithm Any but TIDEGATE_SLIDING_LOG, which has more than a word.
/// @param options NULL, or anchor, refill, initial fill and origin (0 unless set); the clock must be NULL, for words are always told the time.
/// @param[out] rule Not NULL; written on success only.
/// @param[out] word NULL, or a word to be made new (full, or with the initial fill of the options); written on success only.
/// @return TIDEGATE_OK; otherwise as tidegate_limiter_new_with.
/// @pre `options`, if not NULL, points at `options->struct_size` initialized bytes.
///
/// Thread safety: may be called from any thread; nobody else may use `rule` and `word` meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_rule_init(
    algorithm: algorithm_code,
    quota: *const tidegate_quota,
    options: *const tidegate_limiter_options,
    rule: *mut tidegate_rule,
    word: *mut tidegate_word,
) -> tidegate_status {
    guard(|| {
        // SAFETY: the same contract.
        let (out, quota) = unsafe { (Out::new(rule)?, Quota::try_from(borrow(quota)?)?) };
        // The alignment asked for is that of the word's later use.
        // SAFETY: the same contract.
        let new_word = if word.is_null() { None } else { Some(unsafe { Out::new(word.cast::<Word>()) }?) };
        let mut builder = Limiter::builder(choice::algorithm(algorithm)?, quota);
        let mut origin = 0;
        if !options.is_null() {
            // SAFETY: the same contract.
            let options = unsafe { tidegate_limiter_options::read(options) }?;
            if options.clock.is_some() {
                return Err(TIDEGATE_ERROR_UNKNOWN_VALUE);
            }
            builder = options.apply(builder)?;
            origin = options.origin().unwrap_or(0);
        }
        let (limiter, word) = builder.word_at(origin).map_err(|error| tidegate_status::from(error.kind()))?;
        out.write(tidegate_rule::new(limiter));
        if let Some(out) = new_word {
            out.write(word);
        }
        Ok(())
    })
}

/// Spends `cost` permits at the time `now_ns` if they fit; whether they did. Zero is always allowed, a cost above the capacity never.
///
/// @param now_ns Nanoseconds since an origin of your choice. It may repeat or run backwards: nothing is refunded or minted. Values above
/// 2^63 - 1 are read as that.
/// @return false also for pointers that are NULL or misaligned, for a rule that is none, and for a foreign word: a gate that cannot be asked
/// stays shut.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_try_acquire_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    cost: u64,
) -> bool {
    // SAFETY: the same contract.
    verbs_of_word::try_acquire(|| unsafe { both(word, rule) }, now_ns, cost)
}

/// As tidegate_limiter_take_at, on a word.
///
/// @param[out] decision Not NULL; written on success only.
/// @return TIDEGATE_OK, also when denied; TIDEGATE_ERROR_NOT_INITIALIZED for a rule that is none; TIDEGATE_ERROR_FOREIGN_WORD for a word that this rule
/// could not have made; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for a pointer. On any of them nothing is spent.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_take_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::decide(|| both(word, rule), decision, |limiter, word| limiter.take_at(word, now_ns, cost)) }
}

/// As tidegate_limiter_peek_at, on a word.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_word_take_at.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_peek_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::decide(|| both(word, rule), decision, |limiter, word| limiter.peek_at(word, now_ns, cost)) }
}

/// As tidegate_limiter_charge_at, on a word.
///
/// @param[out] decision Not NULL; written on success only.
/// @return As tidegate_word_take_at.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_charge_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    cost: u64,
    decision: *mut tidegate_decision,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe {
        verbs_of_word::decide(|| both(word, rule), decision, |limiter, word| limiter.charge_at(word, now_ns, cost))
    }
}

/// As tidegate_limiter_refund_at, on a word.
///
/// @return As tidegate_word_take_at.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_refund_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    permits: u64,
) -> tidegate_status {
    // SAFETY: the same contract.
    verbs_of_word::refund(|| unsafe { both(word, rule) }, now_ns, permits)
}

/// As tidegate_limiter_reserve_at, on a word.
///
/// @param max_wait_ns The longest wait, in nanoseconds; UINT64_MAX for any.
/// @param[out] reservation Not NULL; written on success only.
/// @return As tidegate_word_take_at; TIDEGATE_OK also when refused.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_reserve_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    cost: u64,
    max_wait_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::reserve(|| both(word, rule), now_ns, cost, max_wait_ns, reservation) }
}

/// As tidegate_limiter_cancel_at, on a word.
///
/// @return As tidegate_word_take_at; TIDEGATE_ERROR_NOT_BOOKED if the reservation was refused or has been cancelled.
///
/// Thread safety: may be called on one word, and with one rule, from any number of threads at once; the reservation must be the caller's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_cancel_at(
    word: *mut tidegate_word,
    rule: *const tidegate_rule,
    now_ns: u64,
    reservation: *mut tidegate_reservation,
) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::cancel(|| both(word, rule), now_ns, reservation) }
}

/// Makes a word as new and full, whatever it was.
///
/// @return TIDEGATE_OK; TIDEGATE_ERROR_NULL or TIDEGATE_ERROR_MISALIGNED for the word.
///
/// Thread safety: may be called on one word from any number of threads at once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tidegate_word_reset(word: *mut tidegate_word) -> tidegate_status {
    // SAFETY: the same contract.
    unsafe { verbs_of_word::reset(word.cast()) }
}

//! `WordLimiter`: the rule of a limiter apart from its word, which lies in somebody else's memory.
//!
//! A [`Limiter`](crate::Limiter) owns its word. Here many words share one rule, or a word lies where only eight bytes are to be had:
//! a struct of a C program, a record of a connection, a page that processes share. The steps are the same.

use core::fmt;

use crate::decision::{Decision, Verb};
use crate::limiter::place::{self, Place};
use crate::limiter::{Refused, Retired, Slot};
#[cfg(not(tidegate_loom))]
use crate::quota::Quota;
#[cfg(not(tidegate_loom))]
use crate::rule::{Algorithm, Config, Refill};
use crate::rule::{END, RETIRED, Rule, Step};
use crate::sync::{AtomicU64, Ordering::Relaxed};

/// The state of a limiter of one word: eight bytes, laid out as a `u64` aligned to 8, and changed by atomic steps only.
///
/// It means something only together with the [`WordLimiter`] that it was made for (or one like it). 0 is new and full.
///
/// ```
/// use tidegate::Word;
/// assert_eq!(Word::default().get(), 0);
/// assert_eq!(core::mem::size_of::<Word>(), 8);
/// ```
#[repr(transparent)]
#[derive(Debug)]
pub struct Word(AtomicU64);

impl Word {
    /// A word with this value: 0, or one that [`Word::get`] gave.
    #[cfg(not(tidegate_loom))]
    pub const fn new(value: u64) -> Word {
        Word(AtomicU64::new(value))
    }

    /// A word with this value.
    #[cfg(tidegate_loom)]
    pub fn new(value: u64) -> Word {
        Word(AtomicU64::new(value))
    }

    /// The value, to be kept across a restart.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// New and full.
impl Default for Word {
    fn default() -> Word {
        Word::new(0)
    }
}

/// The word is none that its limiter could have made. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignWord(());

impl From<Retired> for ForeignWord {
    fn from(_: Retired) -> ForeignWord {
        ForeignWord(())
    }
}

impl fmt::Display for ForeignWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the word is none that this limiter could have made")
    }
}

impl core::error::Error for ForeignWord {}

/// A limiter whose [`Word`] is kept elsewhere; made by [`LimiterBuilder::word_at`](crate::LimiterBuilder::word_at).
///
/// A plain value without state, of any algorithm but the sliding log. Every verb is the one of [`Limiter`](crate::Limiter) and takes the
/// word besides; each is one atomic step on it, lock-free, and a denied call writes nothing. Any number of threads may use
/// one word at once. No heap, no `std`.
///
/// # Errors
/// Every verb: [`ForeignWord`] if the word is none that this limiter could have made, for it was made for another, or overwritten. Not
/// every such word can be told.
///
/// ```
/// use tidegate::{Algorithm, Limiter, Quota};
/// let (limiter, word) = Limiter::builder(Algorithm::Gcra, Quota::per_second(10)?).word_at(0)?;
/// assert!(limiter.try_acquire_at(&word, 0, 10)?);
/// assert!(!limiter.try_acquire_at(&word, 99_999_999, 1)?);
/// assert!(limiter.try_acquire_at(&word, 100_000_000, 1)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordLimiter {
    rule: Rule,
}

impl WordLimiter {
    pub(crate) const fn new(rule: Rule) -> WordLimiter {
        WordLimiter { rule }
    }

    /// A rule made at compile time, for a `const`; a [`Word`] of 0 is new and full under it.
    ///
    /// The compiler then knows the rule and leaves all others out of the program: the smallest limiter for a microcontroller.
    ///
    /// # Panics
    /// As [`Limiter::fixed`](crate::Limiter::fixed): in a `static` or `const` that is an error of compilation.
    ///
    /// ```
    /// use tidegate::{Algorithm, Quota, Word, WordLimiter};
    /// const TEN_A_SECOND: WordLimiter = match Quota::per_second(10) {
    ///     Ok(quota) => WordLimiter::fixed(Algorithm::Gcra, quota),
    ///     Err(_) => panic!("10 is a limit"),
    /// };
    /// static WORD: Word = Word::new(0);
    /// assert_eq!(TEN_A_SECOND.try_acquire_at(&WORD, 1_000, 10), Ok(true));
    /// assert_eq!(TEN_A_SECOND.try_acquire_at(&WORD, 1_000, 1), Ok(false));
    /// ```
    #[cfg(not(tidegate_loom))]
    pub const fn fixed(algorithm: Algorithm, quota: Quota) -> WordLimiter {
        WordLimiter::new(Rule::fixed(&Config { algorithm, quota, refill: Refill::Continuous, initial: None }))
    }

    /// The place of this word, if it is one of this rule's.
    #[inline(always)]
    fn place<'a>(&self, word: &'a Word) -> Result<Place<&'a AtomicU64>, ForeignWord> {
        let value = word.get();
        if value != RETIRED && self.rule.holds(value) {
            Ok(Place::of(self.rule, &word.0))
        } else {
            Err(ForeignWord(()))
        }
    }

    /// Whether `cost` was spent under the default algorithm, and the word after it; `None` for any other algorithm and for nothing.
    ///
    /// A foreign word lies so far ahead that it denies everything: only a denial needs to be told from one.
    #[inline(always)]
    fn spend_continuous(&self, word: &Word, now: u64, cost: u64) -> Option<Result<(bool, u64), ForeignWord>> {
        let Rule::Continuous(rule) = &self.rule else { return None };
        if cost == 0 {
            return None;
        }
        Some(match place::spend_continuous(rule, &word.0, now.min(END), cost) {
            Ok(word) => Ok((true, word)),
            Err(word) if rule.holds(word) => Ok((false, word)),
            Err(_) => Err(ForeignWord(())),
        })
    }

    #[inline(always)]
    fn clamp(&self, now: u64) -> u64 {
        now.min(self.rule.end())
    }

    /// See [`Limiter::try_acquire_at`](crate::Limiter::try_acquire_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    #[inline]
    pub fn try_acquire_at(&self, word: &Word, now: u64, cost: u64) -> Result<bool, ForeignWord> {
        match self.spend_continuous(word, now, cost) {
            Some(spent) => Ok(spent?.0),
            None => Ok(cost == 0 || self.place(word)?.try_acquire(self.clamp(now), cost)?),
        }
    }

    /// See [`Limiter::take_at`](crate::Limiter::take_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    #[inline]
    pub fn take_at(&self, word: &Word, now: u64, cost: u64) -> Result<Decision, ForeignWord> {
        if cost == 0 {
            return self.peek_at(word, now, 0);
        }
        match self.spend_continuous(word, now, cost) {
            Some(spent) => {
                let (allowed, word) = spent?;
                Ok(Decision::of_word(allowed, &self.rule, word, now, cost, Verb::Take))
            }
            None => Ok(self.place(word)?.take(self.clamp(now), cost)?),
        }
    }

    /// See [`Limiter::peek_at`](crate::Limiter::peek_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    pub fn peek_at(&self, word: &Word, now: u64, cost: u64) -> Result<Decision, ForeignWord> {
        Ok(self.place(word)?.peek(self.clamp(now), cost)?)
    }

    /// See [`Limiter::charge_at`](crate::Limiter::charge_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    pub fn charge_at(&self, word: &Word, now: u64, cost: u64) -> Result<Decision, ForeignWord> {
        if cost == 0 {
            return self.peek_at(word, now, 0);
        }
        Ok(self.place(word)?.charge(self.clamp(now), cost)?)
    }

    /// See [`Limiter::refund_at`](crate::Limiter::refund_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    pub fn refund_at(&self, word: &Word, now: u64, permits: u64) -> Result<(), ForeignWord> {
        match permits {
            0 => Ok(()),
            _ => Ok(self.place(word)?.refund(self.clamp(now), permits)?),
        }
    }

    /// See [`Limiter::reserve_at`](crate::Limiter::reserve_at).
    ///
    /// # Errors
    /// [`ForeignWord`]; within, as there.
    pub fn reserve_at(
        &self,
        word: &Word,
        now: u64,
        cost: u64,
        max_wait_nanos: u64,
    ) -> Result<Result<Slot, Refused>, ForeignWord> {
        if cost == 0 {
            return Ok(Ok(Slot::nothing(now)));
        }
        Ok(self.place(word)?.reserve(self.clamp(now), 0, cost, max_wait_nanos)?)
    }

    /// See [`Limiter::cancel_at`](crate::Limiter::cancel_at).
    ///
    /// # Errors
    /// [`ForeignWord`].
    pub fn cancel_at(&self, word: &Word, now: u64, slot: Slot) -> Result<(), ForeignWord> {
        if slot.cost() == 0 {
            return Ok(());
        }
        Ok(self.place(word)?.cancel_by(|| now, &slot.booking())?)
    }

    /// As new and full, whatever the word was.
    pub fn reset(word: &Word) {
        word.0.swap(0, Relaxed);
    }

    /// Whether the word is one that this limiter's steps can make.
    pub fn holds(&self, word: &Word) -> bool {
        self.place(word).is_ok()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::Limiter;

    /// One word between callers, as any limiter: the same answers, call by call, as the limiter that owns its word.
    #[test]
    fn a_word_apart_answers_as_a_limiter_does() {
        let quota = Quota::per_second(7).unwrap();
        let builders = [
            Limiter::builder(Algorithm::Gcra, quota.burst(3).unwrap()),
            Limiter::builder(Algorithm::TokenBucket, quota).refill(Refill::Interval).initial(2),
            Limiter::builder(Algorithm::FixedWindow, quota.anchor(crate::Anchor::FirstUse)),
            Limiter::builder(Algorithm::SlidingWindow, quota),
        ];
        for builder in builders {
            let origin = 5_000_000_000;
            let owner = builder.clone().build_at(origin).unwrap();
            let (limiter, word) = builder.word_at(origin).unwrap();
            let mut random = 1_u64;
            for _ in 0..20_000 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let now = origin + (random >> 20) % 9_000_000_000;
                let n = (random >> 60) % 9;
                match (random >> 33) % 7 {
                    0 => assert_eq!(owner.try_acquire_at(now, n), limiter.try_acquire_at(&word, now, n).unwrap()),
                    1 => assert_eq!(owner.take_at(now, n), limiter.take_at(&word, now, n).unwrap()),
                    2 => assert_eq!(owner.peek_at(now, n), limiter.peek_at(&word, now, n).unwrap()),
                    3 => assert_eq!(owner.charge_at(now, n), limiter.charge_at(&word, now, n).unwrap()),
                    4 => {
                        owner.refund_at(now, n);
                        limiter.refund_at(&word, now, n).unwrap();
                    }
                    5 => match (owner.reserve_at(now, n, random), limiter.reserve_at(&word, now, n, random).unwrap()) {
                        (Ok(a), Ok(b)) => {
                            assert_eq!((a.at_nanos(), a.cost()), (b.at_nanos(), b.cost()));
                            owner.cancel_at(now, a);
                            limiter.cancel_at(&word, now, b).unwrap();
                        }
                        (a, b) => assert_eq!(a.unwrap_err(), b.unwrap_err()),
                    },
                    _ if n == 0 => {
                        owner.reset();
                        WordLimiter::reset(&word);
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn words_that_no_step_made_are_refused_and_stay() {
        let quota = Quota::per_second(7).unwrap();
        for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            let (limiter, _) = Limiter::builder(algorithm, quota).word_at(0).unwrap();
            let word = Word::new(u64::MAX);
            assert!(!limiter.holds(&word));
            assert!(limiter.try_acquire_at(&word, 0, 1).is_err() && limiter.take_at(&word, 0, 0).is_err());
            assert!(limiter.charge_at(&word, 0, 1).is_err() && limiter.refund_at(&word, 0, 1).is_err());
            assert!(limiter.reserve_at(&word, 0, 1, u64::MAX).is_err());
            assert_eq!(word.get(), u64::MAX);
            WordLimiter::reset(&word);
            assert!(limiter.try_acquire_at(&word, 0, 7).unwrap());
        }
        assert!(Limiter::builder(Algorithm::SlidingLog, quota).word_at(0).is_err());
    }
}

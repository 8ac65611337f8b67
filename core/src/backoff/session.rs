//! `Session`: the delays of one call, one after the other, until the bounds say to give up.

use core::iter::FusedIterator;
use core::time::Duration;

use super::config::{Backoff, nanos};
use super::jitter;
use super::random::SplitMix64;
use super::schedule::Steps;

/// The delays of one call and its retries, made by [`Backoff::start`] or [`Backoff::delays`].
///
/// Ask it after each failed attempt, wait as long as it says, try again; `None` means to give up, and stays so. It is an
/// iterator over the delays for those who have no hints. Constant time and no allocation for each delay.
///
/// ```
/// use core::time::Duration;
/// use tidegate::backoff::{Backoff, Jitter};
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).jitter(Jitter::Equal).max_retries(4);
/// let mut session = backoff.start();
/// let mut failures = [Some(Duration::from_secs(3)), None].into_iter(); // what the server said: Retry-After: 3, then nothing
/// let mut waited = Duration::ZERO;
/// while let Some(retry_after) = failures.next() {
///     match session.next_delay(retry_after) {
///         Some(delay) => waited += delay,
///         None => break, // give up
///     }
/// }
/// assert!(waited >= Duration::from_millis(3_100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    backoff: Backoff,
    steps: Steps,
    /// The decorrelated state s.
    previous: u64,
    seed: u64,
    random: SplitMix64,
    retries: u32,
    /// What is spent of `max_elapsed`; never falls.
    elapsed: u64,
    /// The reading of the caller's clock at which `elapsed` was 0, once it is known.
    origin: Option<u64>,
    over: bool,
}

impl Session {
    pub(super) fn new(backoff: Backoff, origin: Option<u64>, seed: u64) -> Session {
        Session {
            backoff,
            steps: backoff.steps(),
            previous: backoff.base,
            seed,
            random: SplitMix64::new(seed),
            retries: 0,
            elapsed: 0,
            origin,
            over: false,
        }
    }

    /// The delay before the next retry, or `None` to give up. `hint` is the least that the server asks for (`Retry-After`).
    ///
    /// The delay is at least the hint, with jitter added upwards; it stays within the cap unless the hint itself reaches it.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::constant(Duration::from_secs(1)).max_retries(2).start();
    /// assert_eq!(session.next_delay(Some(Duration::from_secs(20))), Some(Duration::from_secs(20)));
    /// assert_eq!(session.next_delay(None), Some(Duration::from_secs(1)));
    /// assert_eq!(session.next_delay(None), None);
    /// ```
    pub fn next_delay(&mut self, hint: Option<Duration>) -> Option<Duration> {
        self.next_delay_nanos(hint.map(nanos)).map(Duration::from_nanos)
    }

    /// As [`next_delay`](Session::next_delay), in whole nanoseconds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::exponential(Duration::from_nanos(7)).start();
    /// assert_eq!(session.next_delay_nanos(None), Some(7));
    /// assert_eq!(session.next_delay_nanos(Some(100)), Some(100));
    /// assert_eq!(session.next_delay_nanos(None), Some(28));
    /// ```
    pub fn next_delay_nanos(&mut self, hint: Option<u64>) -> Option<u64> {
        self.ask(None, hint)
    }

    /// As [`next_delay`](Session::next_delay), told the time, so that [`max_elapsed`](Backoff::max_elapsed) counts what the attempts
    /// themselves took.
    ///
    /// `now` is nanoseconds of any one clock. Elapsed time is `now` less the time given to [`Backoff::start_at`], or less that of the first
    /// call if none was given, and at least the sum of the delays given out: a clock that stands still or runs backwards
    /// does not prolong a session.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let second = Duration::from_secs(1);
    /// let mut session = Backoff::constant(second).max_elapsed(second * 3).start_at(0);
    /// assert_eq!(session.next_delay_at(2_000_000_000, None), Some(second));
    /// assert_eq!(session.next_delay_at(3_000_000_001, None), None);
    /// ```
    pub fn next_delay_at(&mut self, now: u64, hint: Option<Duration>) -> Option<Duration> {
        self.next_delay_nanos_at(now, hint.map(nanos)).map(Duration::from_nanos)
    }

    /// As [`next_delay_at`](Session::next_delay_at), in whole nanoseconds.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::constant(Duration::from_nanos(10)).max_elapsed(Duration::from_nanos(30)).start_at(100);
    /// assert_eq!(session.next_delay_nanos_at(105, None), Some(10));
    /// assert_eq!(session.next_delay_nanos_at(121, None), None);
    /// ```
    pub fn next_delay_nanos_at(&mut self, now: u64, hint: Option<u64>) -> Option<u64> {
        self.ask(Some(now), hint)
    }

    /// Back to the first delay with all bounds anew, as after a success. The jitter goes on where it was and does not repeat itself;
    /// `max_elapsed` counts from the next time the session is told.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::exponential(Duration::from_secs(1)).max_retries(2).start();
    /// assert_eq!(session.by_ref().count(), 2);
    /// session.reset();
    /// assert_eq!(session.next_delay(None), Some(Duration::from_secs(1)));
    /// ```
    pub fn reset(&mut self) {
        *self = Session { random: self.random, ..Session::new(self.backoff, None, self.seed) };
    }

    /// As [`reset`](Session::reset), with `max_elapsed` counted from `now`.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::constant(Duration::from_nanos(5)).max_elapsed(Duration::from_nanos(9)).start_at(0);
    /// assert_eq!(session.next_delay_nanos_at(5, None), None);
    /// session.reset_at(100);
    /// assert_eq!(session.next_delay_nanos_at(104, None), Some(5));
    /// ```
    pub fn reset_at(&mut self, now: u64) {
        self.reset();
        self.origin = Some(now);
    }

    /// How many delays were given out since the start or the last reset.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::Backoff;
    /// let mut session = Backoff::constant(Duration::from_secs(1)).start();
    /// session.next_delay(None);
    /// assert_eq!(session.retries(), 1);
    /// ```
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// The seed of this session: given to [`Backoff::seed`] it replays the same jitter.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let backoff = Backoff::constant(Duration::from_secs(1)).jitter(Jitter::Full);
    /// let mut session = backoff.start();
    /// let mut replay = backoff.seed(session.seed()).start();
    /// assert_eq!(session.next_delay(None), replay.next_delay(None));
    /// ```
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Where the session stands, as plain numbers, for callers who keep it where no Rust type lives. [`Backoff::resume`] goes on from there.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use tidegate::backoff::{Backoff, Jitter};
    /// let backoff = Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::Full);
    /// let mut session = backoff.start();
    /// session.next_delay(None);
    /// let mut other = backoff.resume(session.to_raw());
    /// assert_eq!(session.next_delay(None), other.next_delay(None));
    /// ```
    pub fn to_raw(&self) -> [u64; 8] {
        let [next, after] = self.steps.to_raw();
        let told = u64::from(self.origin.is_some()) << 33 | u64::from(self.over) << 32 | u64::from(self.retries);
        let origin = self.origin.unwrap_or(0);
        [next, after, self.previous, self.seed, self.random.state(), told, self.elapsed, origin]
    }

    pub(super) fn of_raw(
        backoff: Backoff,
        [next, after, previous, seed, random, told, elapsed, origin]: [u64; 8],
    ) -> Session {
        Session {
            backoff,
            steps: backoff.steps().at_raw([next, after]),
            previous,
            seed,
            random: SplitMix64::new(random),
            retries: told as u32,
            elapsed,
            origin: (told >> 33 & 1 == 1).then_some(origin),
            over: told >> 32 & 1 == 1,
        }
    }

    fn ask(&mut self, now: Option<u64>, hint: Option<u64>) -> Option<u64> {
        if let Some(now) = now {
            // A session that has counted delays before it hears of a clock goes on from that count.
            let origin = *self.origin.get_or_insert(now.saturating_sub(self.elapsed));
            self.elapsed = self.elapsed.max(now.saturating_sub(origin));
        }
        if self.over || self.backoff.max_retries.is_some_and(|most| self.retries >= most) {
            self.over = true;
            return None;
        }
        let Backoff { base, cap, jitter, .. } = self.backoff;
        let value = self.steps.peek().min(cap);
        let delay = jitter::draw(jitter, base, cap, value, &mut self.previous, hint, &mut self.random);
        let end = self.elapsed.saturating_add(delay);
        if self.backoff.max_elapsed.is_some_and(|most| end > most) {
            self.over = true;
            return None;
        }
        self.steps.advance();
        self.elapsed = end;
        // Saturates: an unbounded session that was asked 2^32 times goes on.
        self.retries = self.retries.saturating_add(1);
        Some(delay)
    }
}

impl Iterator for Session {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.next_delay(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.over {
            return (0, Some(0));
        }
        let most = self.backoff.max_retries.map(|most| most.saturating_sub(self.retries));
        (0, most.and_then(|most| usize::try_from(most).ok()))
    }
}

impl FusedIterator for Session {}

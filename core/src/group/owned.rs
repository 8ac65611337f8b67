//! `LimiterGroup`: limiters of its own, or shared with others.

use alloc::boxed::Box;
use alloc::sync::Arc;
#[cfg(feature = "std")]
use core::time::Duration;

use super::decision::{GroupDecision, Parts};
use super::error::{GroupError, check_names};
use super::member::Limit;
use super::reserve::{GroupRefused, GroupSlot, cancel, reserve, settle};
use super::spend::attempt;
use crate::limiter::Limiter;
#[cfg(feature = "std")]
use crate::time::ClockSource;

/// Several limiters at once: a call is allowed if all of them allow it, and then charged to all of them; otherwise to none.
///
/// A member may be used elsewhere as well: hand in an `Arc<Limiter>` and keep another. For members chosen call by call, or without a heap, see
/// [`Group`](crate::Group); for several limits of each key, [`KeyedLimiterGroup`](crate::KeyedLimiterGroup).
///
/// # Concurrency
/// No member ever lets through more than it would alone, whatever happens at once. A denied call writes nothing, but where a race is lost: then
/// what was spent is given back before the call returns. Between the two a member is fuller than it will have been, so somebody else may be
/// refused what would have fitted, never the other way round. A denial is linearizable at the look of the member that denied.
///
/// Who gives back when, to the nanosecond: if nobody has touched a member since, its state before comes back. Otherwise the permits
/// are given back as [`Limiter::cancel_at`] does, at the time of the roll-back. The plain verbs read the clock for it after the state, so they
/// never give back what has been earned back already, and lose at most what is earned during the call. The `_at` verbs know no other
/// time than the one they were given: if, while such a call runs, another spends on the same member with a later `now`, up to the smaller
/// of the cost and what that member earns between the two may be given back twice.
///
/// Nothing is allocated by any verb. A group of three costs about three grants.
///
/// ```
/// use tidegate::{Algorithm, Limiter, LimiterGroup, Quota};
/// let hour = Limiter::new(Algorithm::SlidingWindow, Quota::per_hour(100)?)?;
/// let day = Limiter::new(Algorithm::FixedWindow, Quota::per_day(1_000)?)?;
/// let group = LimiterGroup::new([("hour", hour), ("day", day)])?;
///
/// assert!(group.try_acquire(1));
/// let decision = group.take(100);
/// assert!(!decision.is_allowed());
/// assert_eq!(decision.binding(), Some("hour"));
/// assert_eq!(group.get("day").unwrap().peek(1).remaining(), 999);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LimiterGroup {
    members: Box<[Named]>,
}

#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: Box<str>,
    pub(super) limiter: Arc<Limiter>,
}

impl LimiterGroup {
    /// A group of named members: `Limiter`s, or `Arc<Limiter>`s that others use too. They are spent on in this order; the one that denies most
    /// often is best the first.
    ///
    /// # Errors
    /// No member, more than [`MAX_MEMBERS`](crate::MAX_MEMBERS), two of one name, one limiter twice, or members with different clocks.
    pub fn new<N: Into<Box<str>>, L: Into<Arc<Limiter>>>(
        members: impl IntoIterator<Item = (N, L)>,
    ) -> Result<LimiterGroup, GroupError> {
        let named = |(name, limiter): (N, L)| Named { name: name.into(), limiter: limiter.into() };
        let members: Box<[Named]> = members.into_iter().map(named).collect();
        check_names(members.len(), |index| &members[index].name)?;
        for (at, member) in members.iter().enumerate() {
            if members[..at].iter().any(|earlier| Arc::ptr_eq(&earlier.limiter, &member.limiter)) {
                return Err(GroupError::DuplicateLimiter(at));
            }
            #[cfg(feature = "std")]
            if !member.limiter.clock().is(members[0].limiter.clock()) {
                return Err(GroupError::AnotherClock(at));
            }
        }
        Ok(LimiterGroup { members })
    }

    /// Spends `cost` permits on every member if they fit in all; whether they did.
    #[inline]
    pub fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        attempt(self.members.len(), now, &|| now, &self.part(cost))
    }

    /// Spends `cost` permits on every member if they fit in all, and says everything about it.
    #[inline]
    pub fn take_at(&self, now: u64, cost: u64) -> GroupDecision<'_> {
        self.take_by(now, cost, || now)
    }

    /// What [`LimiterGroup::take_at`] would answer, without spending.
    pub fn peek_at(&self, now: u64, cost: u64) -> GroupDecision<'_> {
        GroupDecision::peeked(self.parts(cost), now, self.part(cost))
    }

    /// Books `cost` permits on every member for one instant, the earliest at which all have room, at most `max_wait_nanos` from now.
    ///
    /// First come, first served: whoever asks any member later stands behind. Each member keeps its permits for the common instant, although it
    /// may have had room earlier ([`Limiter::reserve_from_at`]): so long as the group waits for a full member, windows and logs among the others are closed
    /// to all who share them. Say with `max_wait_nanos` how long that may be.
    ///
    /// If somebody else books a member meanwhile, what was booked is given back and the search begins anew; a hole may stay in a member that others have
    /// stood in line behind. After 64 races lost to others the call is refused.
    ///
    /// # Errors
    /// The cost can never fit, the wait would be longer, a member's queue cannot be counted, or 64 races were lost; nothing is booked.
    ///
    /// ```
    /// use tidegate::{Algorithm, Limiter, LimiterGroup, Quota};
    /// let second = Limiter::new(Algorithm::Gcra, Quota::per_second(2)?)?;
    /// let minute = Limiter::new(Algorithm::FixedWindow, Quota::per_minute(3)?)?;
    /// let group = LimiterGroup::new([("second", second), ("minute", minute)])?;
    /// let at: Vec<u64> =
    ///     (0..6).map(|_| group.reserve_at(0, 1, u64::MAX).unwrap().at_nanos() / 500_000_000).collect();
    /// // Half seconds: a burst of two, the third a little later; then the next minute, with a burst of its own.
    /// assert_eq!(at, [0, 0, 1, 120, 120, 121]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_at(&self, now: u64, cost: u64, max_wait_nanos: u64) -> Result<GroupSlot, GroupRefused<'_>> {
        reserve(self.parts(cost), now, max_wait_nanos, || now, self.part(cost))
    }

    /// Gives a reservation back on every member, as far as nobody else relies on it (see [`Limiter::cancel_at`]).
    ///
    /// A sliding log stays closed until the instant, as after any cancelled reservation: its time does not run back.
    pub fn cancel_at(&self, now: u64, slot: GroupSlot) {
        cancel(slot, &|| now, &self.part(0));
    }

    /// Says what a reservation has really cost: every member gives the difference back, or charges it, as [`Limiter::settle_at`] does.
    ///
    /// The work is done, so this is not all or nothing: a member whose debt would be too deep denies and charges no more, the others have settled. The
    /// decision is allowed if all have; `retry_after` is the longest debt or wait, and [`GroupDecision::members`] says what each has done.
    pub fn settle_at(&self, now: u64, slot: GroupSlot, actual: u64) -> GroupDecision<'_> {
        settle(self.parts(actual), now, slot, &|| now, &self.part(actual))
    }

    /// `clock` says the time of a roll-back.
    #[inline]
    fn take_by(&self, now: u64, cost: u64, clock: impl Fn() -> u64) -> GroupDecision<'_> {
        GroupDecision::taken(self.parts(cost), now, clock, self.part(cost))
    }

    /// Every member as new and full (see [`Limiter::reset`]), one after the other.
    pub fn reset(&self) {
        self.members.iter().for_each(|member| member.limiter.reset());
    }

    /// The member with a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Limiter>> {
        self.members.iter().find(|member| *member.name == *name).map(|member| &member.limiter)
    }

    /// The members and their names, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Arc<Limiter>)> {
        self.members.iter().map(|member| (&*member.name, &member.limiter))
    }

    /// How many members there are; at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    fn parts(&self, cost: u64) -> Parts<'_> {
        Parts::Owned(&self.members, cost)
    }

    #[inline(always)]
    fn part<'a>(&'a self, cost: u64) -> impl Fn(usize) -> (Limit<'a>, u64) + use<'a> {
        move |index| (Limit::Limiter(&self.members[index].limiter), cost)
    }
}

/// The same verbs at the time of the members' clock.
#[cfg(feature = "std")]
impl LimiterGroup {
    pub(crate) fn clock(&self) -> &ClockSource {
        self.members[0].limiter.clock()
    }

    /// The time of the members' clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock().now()
    }

    /// [`LimiterGroup::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, cost: u64) -> bool {
        attempt(self.members.len(), self.now(), &|| self.now(), &self.part(cost))
    }

    /// [`LimiterGroup::take_at`], now.
    #[inline]
    pub fn take(&self, cost: u64) -> GroupDecision<'_> {
        self.take_by(self.now(), cost, || self.now())
    }

    /// [`LimiterGroup::reserve_at`], now. A `max_wait` beyond 584 years is read as that.
    ///
    /// # Errors
    /// As [`LimiterGroup::reserve_at`].
    pub fn reserve(&self, cost: u64, max_wait: Duration) -> Result<GroupReservation<'_>, GroupRefused<'_>> {
        let max_wait = crate::wait::nanos(max_wait);
        let slot = reserve(self.parts(cost), self.now(), max_wait, || self.now(), self.part(cost))?;
        Ok(GroupReservation { group: self, slot })
    }

    /// [`LimiterGroup::settle_at`], now.
    pub fn settle(&self, slot: GroupSlot, actual: u64) -> GroupDecision<'_> {
        settle(self.parts(actual), self.now(), slot, &|| self.now(), &self.part(actual))
    }

    /// [`LimiterGroup::cancel_at`], now.
    pub fn cancel(&self, slot: GroupSlot) {
        cancel(slot, &|| self.now(), &self.part(0));
    }

    /// [`LimiterGroup::peek_at`], now.
    pub fn peek(&self, cost: u64) -> GroupDecision<'_> {
        self.peek_at(self.now(), cost)
    }
}

/// Permits booked on a group with its members' own clock, made by [`LimiterGroup::reserve`].
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Algorithm, Limiter, LimiterGroup, Quota};
/// let limiter = |quota| Limiter::new(Algorithm::Gcra, quota);
/// let group = LimiterGroup::new([("minute", limiter(Quota::per_minute(1)?)?), ("hour", limiter(Quota::per_hour(9)?)?)])?;
/// // A refusal borrows the group's names, and cannot outlive it.
/// let reserve = |wait| group.reserve(1, wait).map_err(|refused| refused.to_string());
/// assert_eq!(reserve(Duration::ZERO)?.delay(), Duration::ZERO);
///
/// let later = reserve(Duration::from_secs(60))?;
/// assert!(later.delay() > Duration::from_secs(59));
/// later.cancel();
/// assert_eq!(group.get("hour").unwrap().peek(1).remaining(), 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "std")]
#[derive(Debug)]
#[must_use = "the permits are booked; wait for the instant, or cancel"]
pub struct GroupReservation<'a> {
    group: &'a LimiterGroup,
    slot: GroupSlot,
}

#[cfg(feature = "std")]
impl<'a> GroupReservation<'a> {
    /// The instant from which the permits may be used, in nanoseconds of the members' clock.
    pub fn at_nanos(&self) -> u64 {
        self.slot.at_nanos()
    }

    /// How long it is until then, from now.
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(self.slot.at_nanos().saturating_sub(self.group.now()))
    }

    /// Gives the permits back, as far as nobody else relies on them (see [`LimiterGroup::cancel_at`]).
    pub fn cancel(self) {
        self.group.cancel(self.slot);
    }

    /// Says what it has really cost (see [`LimiterGroup::settle_at`]).
    pub fn settle(self, actual: u64) -> GroupDecision<'a> {
        self.group.settle(self.slot, actual)
    }

    /// The group, and the slot to be kept without borrowing it.
    pub fn into_parts(self) -> (&'a LimiterGroup, GroupSlot) {
        (self.group, self.slot)
    }
}

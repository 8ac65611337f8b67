//! `LimiterGroup`: limiters of its own, or shared with others.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::decision::{GroupDecision, Names};
use super::error::{GroupError, check_names};
use super::member::Limit;
use crate::limiter::Limiter;

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
    limiter: Arc<Limiter>,
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
        self.take_at(now, cost).is_allowed()
    }

    /// Spends `cost` permits on every member if they fit in all, and says everything about it.
    #[inline]
    pub fn take_at(&self, now: u64, cost: u64) -> GroupDecision<'_> {
        self.take_by(now, cost, || now)
    }

    /// What [`LimiterGroup::take_at`] would answer, without spending.
    pub fn peek_at(&self, now: u64, cost: u64) -> GroupDecision<'_> {
        GroupDecision::peeked(self.names(), now, self.part(cost))
    }

    /// `clock` says the time of a roll-back.
    #[inline]
    fn take_by(&self, now: u64, cost: u64, clock: impl Fn() -> u64) -> GroupDecision<'_> {
        GroupDecision::taken(self.names(), now, clock, self.part(cost))
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

    fn names(&self) -> Names<'_> {
        Names::Owned(&self.members)
    }

    #[inline(always)]
    fn part<'a>(&'a self, cost: u64) -> impl Fn(usize) -> (Limit<'a>, u64) + use<'a> {
        move |index| (Limit::Limiter(&self.members[index].limiter), cost)
    }
}

/// The same verbs at the time of the members' clock.
#[cfg(feature = "std")]
impl LimiterGroup {
    /// The time of the members' clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.members[0].limiter.now()
    }

    /// [`LimiterGroup::try_acquire_at`], now.
    #[inline]
    pub fn try_acquire(&self, cost: u64) -> bool {
        self.take(cost).is_allowed()
    }

    /// [`LimiterGroup::take_at`], now.
    #[inline]
    pub fn take(&self, cost: u64) -> GroupDecision<'_> {
        self.take_by(self.now(), cost, || self.now())
    }

    /// [`LimiterGroup::peek_at`], now.
    pub fn peek(&self, cost: u64) -> GroupDecision<'_> {
        self.peek_at(self.now(), cost)
    }
}

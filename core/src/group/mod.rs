//! Several limits at once: all of them are charged, or none.
//!
//! The rule: *look, spend, roll back*. Every member is first judged without a write, so that a denial writes nothing and is linearizable at
//! the look that denied. Then the members are spent on in their order. If one of them, exhausted meanwhile by somebody else, denies now,
//! those before it are given back, the newest first: exactly (its state before comes back) where nobody has touched a member since, else
//! as `cancel` gives back a reservation.
//!
//! No member is ever above its limit, in any interleaving: each spend is a grant of that member alone, and what is given back is
//! never more than what it holds of the call. Between spending and rolling back a member is fuller than it will have been, so a race
//! may refuse what would have fitted (`docs/semantics.md` says how often), never the other way round.
//!
//! One implementation ([`spend`]) serves the borrowed [`Group`] (no heap) and the owned [`LimiterGroup`] and [`KeyedLimiterGroup`].

mod decision;
mod error;
#[cfg(feature = "std")]
mod keyed;
mod member;
#[cfg(feature = "alloc")]
mod owned;
mod reserve;
mod spend;

pub use decision::GroupDecision;
pub use error::GroupError;
#[cfg(feature = "std")]
pub use keyed::{KeyedLimiterGroup, KeyedMember};
pub use member::Member;
#[cfg(feature = "std")]
pub use owned::GroupReservation;
#[cfg(feature = "alloc")]
pub use owned::LimiterGroup;
pub use reserve::{GroupRefused, GroupSlot};

#[cfg(feature = "std")]
use core::time::Duration;
use decision::Parts;

#[cfg(feature = "std")]
use crate::time::ClockSource;
use error::check_names;
use member::Limit;
use reserve::{cancel, reserve, settle};
use spend::attempt;

/// The most members of a group.
pub const MAX_MEMBERS: usize = 16;

/// Several limits, borrowed for a call or for good: all or nothing, without a heap.
///
/// Each [`Member`] names a [`Limiter`](crate::Limiter), or one key of a [`KeyedLimiter`](crate::KeyedLimiter), and what the call costs there.
/// So the members can be chosen, call by call, at run time; in firmware they can be a `static`.
///
/// The verbs promise what those of [`LimiterGroup`] do.
///
/// ```
/// use tidegate::{Algorithm, Group, KeyedLimiter, Limiter, Member, Quota};
/// let all = Limiter::new(Algorithm::Gcra, Quota::per_second(100)?)?;
/// let users: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::FixedWindow, Quota::per_minute(2)?).max_keys(100).build()?;
///
/// let members = [Member::limiter("all", &all, 1), Member::key("user", users.key("alice"), 2)];
/// let group = Group::new(&members)?;
/// assert!(group.take_at(0).is_allowed());
/// let denied = group.take_at(0);
/// assert_eq!(denied.binding(), Some("user"));
/// assert_eq!(all.peek_at(0, 1).remaining(), 99);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```
/// use tidegate::{Algorithm, Group, Limiter, Member, Quota};
/// const fn gate(quota: Result<Quota, tidegate::QuotaError>) -> Limiter {
///     match quota {
///         Ok(quota) => Limiter::fixed(Algorithm::Gcra, quota),
///         Err(_) => panic!("bad quota"),
///     }
/// }
/// static SECOND: Limiter = gate(Quota::per_second(10));
/// static HOUR: Limiter = gate(Quota::per_hour(100));
/// static LIMITS: [Member; 2] = [Member::limiter("second", &SECOND, 1), Member::limiter("hour", &HOUR, 1)];
///
/// assert!(Group::new(&LIMITS)?.try_acquire_at(1_000));
/// # Ok::<(), tidegate::GroupError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    members: &'a [Member<'a>],
}

impl<'a> Group<'a> {
    /// A group of these members.
    ///
    /// # Errors
    /// No member, more than [`MAX_MEMBERS`], or two of one name (members without a name, `""`, are told apart by position). (A limiter named twice under two names is charged twice; then `retry_after` may say
    /// too little.)
    #[inline]
    pub fn new(members: &'a [Member<'a>]) -> Result<Group<'a>, GroupError> {
        check_names(members.len(), |index| members[index].name())?;
        Ok(Group { members })
    }

    /// Spends each member's cost if all of them fit; whether they did.
    #[inline]
    pub fn try_acquire_at(&self, now: u64) -> bool {
        attempt(self.members.len(), now, &|| now, &self.part())
    }

    /// Spends each member's cost if all of them fit, and says everything about it.
    #[inline]
    pub fn take_at(&self, now: u64) -> GroupDecision<'a> {
        self.take_by(now, || now)
    }

    /// What [`Group::take_at`] would answer, without spending.
    pub fn peek_at(&self, now: u64) -> GroupDecision<'a> {
        GroupDecision::peeked(self.parts(), now, self.part())
    }

    /// See [`LimiterGroup::reserve_at`](crate::LimiterGroup::reserve_at).
    ///
    /// # Errors
    /// As there.
    pub fn reserve_at(&self, now: u64, max_wait_nanos: u64) -> Result<GroupSlot, GroupRefused<'a>> {
        reserve(self.parts(), now, max_wait_nanos, || now, self.part())
    }

    /// See [`LimiterGroup::cancel_at`](crate::LimiterGroup::cancel_at). The members must be those of the reservation, in the same order.
    pub fn cancel_at(&self, now: u64, slot: GroupSlot) {
        cancel(slot, &|| now, &self.part());
    }

    /// See [`LimiterGroup::settle_at`](crate::LimiterGroup::settle_at). The members must be those of the reservation, in the same order, with what it has
    /// really cost in each.
    pub fn settle_at(&self, now: u64, slot: GroupSlot) -> GroupDecision<'a> {
        settle(self.parts(), now, slot, &|| now, &self.part())
    }

    /// `clock` says the time of a roll-back.
    #[inline]
    fn take_by(&self, now: u64, clock: impl Fn() -> u64) -> GroupDecision<'a> {
        GroupDecision::taken(self.parts(), now, clock, self.part())
    }

    fn parts(&self) -> Parts<'a> {
        Parts::Members(self.members)
    }

    #[inline(always)]
    fn part(&self) -> impl Fn(usize) -> (Limit<'a>, u64) + use<'a> {
        let members = self.members;
        move |index| members[index].part()
    }
}

/// The same verbs at the time of the first member's own clock, which should be that of all.
#[cfg(feature = "std")]
impl<'a> Group<'a> {
    /// The time of the first member's clock, in nanoseconds.
    pub fn now(&self) -> u64 {
        self.clock().now()
    }

    pub(crate) fn clock(&self) -> &ClockSource {
        self.members[0].clock()
    }

    /// [`Group::try_acquire_at`], now.
    pub fn try_acquire(&self) -> bool {
        attempt(self.members.len(), self.now(), &|| self.now(), &self.part())
    }

    /// [`Group::take_at`], now.
    pub fn take(&self) -> GroupDecision<'a> {
        self.take_by(self.now(), || self.now())
    }

    /// [`Group::reserve_at`], now.
    ///
    /// # Errors
    /// As there.
    pub fn reserve(&self, max_wait: Duration) -> Result<GroupSlot, GroupRefused<'a>> {
        reserve(self.parts(), self.now(), crate::wait::nanos(max_wait), || self.now(), self.part())
    }

    /// [`Group::settle_at`], now.
    pub fn settle(&self, slot: GroupSlot) -> GroupDecision<'a> {
        settle(self.parts(), self.now(), slot, &|| self.now(), &self.part())
    }

    /// [`Group::cancel_at`], now.
    pub fn cancel(&self, slot: GroupSlot) {
        cancel(slot, &|| self.now(), &self.part());
    }

    /// [`Group::peek_at`], now.
    pub fn peek(&self) -> GroupDecision<'a> {
        self.peek_at(self.now())
    }
}

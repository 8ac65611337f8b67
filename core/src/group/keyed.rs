//! `KeyedLimiterGroup`: several limits for each key, and limits that all keys share.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::Hash;
use core::time::Duration;

use super::MAX_MEMBERS;
use super::decision::{GroupDecision, Parts};
use super::error::{GroupError, check_names};
use super::member::Limit;
use super::reserve::{GroupRefused, GroupSlot, cancel, reserve, settle};
use super::spend::attempt;
use crate::keyed::KeyedLimiter;
use crate::limiter::Limiter;
use crate::rule::Rule;
use crate::time::ClockSource;

/// A member of a [`KeyedLimiterGroup`].
pub enum KeyedMember<K: ?Sized> {
    /// A limit that all keys share.
    Limiter(Arc<Limiter>),
    /// A limit for each key.
    Keyed(Arc<KeyedLimiter<K>>),
}

impl<K: ?Sized> From<Limiter> for KeyedMember<K> {
    fn from(limiter: Limiter) -> Self {
        KeyedMember::Limiter(Arc::new(limiter))
    }
}

impl<K: ?Sized> From<Arc<Limiter>> for KeyedMember<K> {
    fn from(limiter: Arc<Limiter>) -> Self {
        KeyedMember::Limiter(limiter)
    }
}

impl<K: ?Sized> From<KeyedLimiter<K>> for KeyedMember<K> {
    fn from(limiter: KeyedLimiter<K>) -> Self {
        KeyedMember::Keyed(Arc::new(limiter))
    }
}

impl<K: ?Sized> From<Arc<KeyedLimiter<K>>> for KeyedMember<K> {
    fn from(limiter: Arc<KeyedLimiter<K>>) -> Self {
        KeyedMember::Keyed(limiter)
    }
}

impl<K: ?Sized> Clone for KeyedMember<K> {
    fn clone(&self) -> Self {
        match self {
            KeyedMember::Limiter(limiter) => KeyedMember::Limiter(limiter.clone()),
            KeyedMember::Keyed(limiter) => KeyedMember::Keyed(limiter.clone()),
        }
    }
}

impl<K: ?Sized> core::fmt::Debug for KeyedMember<K> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            KeyedMember::Limiter(limiter) => limiter.fmt(f),
            KeyedMember::Keyed(limiter) => limiter.fmt(f),
        }
    }
}

impl<K: ?Sized> KeyedMember<K> {
    fn clock(&self) -> &ClockSource {
        match self {
            KeyedMember::Limiter(limiter) => limiter.clock(),
            KeyedMember::Keyed(limiter) => limiter.clock(),
        }
    }

    fn rule(&self) -> Option<Rule> {
        match self {
            KeyedMember::Limiter(limiter) => Limit::Limiter(limiter).rule().copied(),
            KeyedMember::Keyed(limiter) => Some(*limiter.rule()),
        }
    }

    fn is(&self, other: &KeyedMember<K>) -> bool {
        match (self, other) {
            (KeyedMember::Limiter(a), KeyedMember::Limiter(b)) => Arc::ptr_eq(a, b),
            (KeyedMember::Keyed(a), KeyedMember::Keyed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// Several limits for each key: keyed limiters, and limiters that all keys share. All or nothing, as a [`LimiterGroup`](crate::LimiterGroup),
/// which says what is promised under concurrency.
///
/// A key that a table forgets (see [`WhenFull`](crate::WhenFull)) in the midst of a call that is then rolled back is forgotten with all it owes.
///
/// ```
/// use tidegate::{Algorithm, KeyedLimiter, KeyedLimiterGroup, Limiter, Quota};
/// let hour: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::Gcra, Quota::per_hour(100)?).max_keys(1_000).build()?;
/// let day: KeyedLimiter<str> = KeyedLimiter::builder(Algorithm::FixedWindow, Quota::per_day(150)?).max_keys(1_000).build()?;
/// let all = Limiter::new(Algorithm::Gcra, Quota::per_second(500)?)?;
/// let group = KeyedLimiterGroup::new([("hour", hour.into()), ("day", day.into()), ("everybody", all.into())])?;
///
/// assert!(group.take_at("alice", 0, 100).is_allowed());
/// assert_eq!(group.take_at("alice", 0, 1).binding(), Some("hour"));
/// assert!(group.take_at("bob", 0, 100).is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeyedLimiterGroup<K: ?Sized> {
    named: Box<[NamedRule]>,
    members: Box<[KeyedMember<K>]>,
}

/// A member's name, and its rule if its state is one word.
#[derive(Debug)]
pub(super) struct NamedRule {
    pub(super) name: Box<str>,
    pub(super) rule: Option<Rule>,
}

impl<K: ?Sized> KeyedLimiterGroup<K> {
    /// A group of named members, spent on in this order.
    ///
    /// # Errors
    /// As [`LimiterGroup::new`](crate::LimiterGroup::new).
    pub fn new<N: Into<Box<str>>>(
        members: impl IntoIterator<Item = (N, KeyedMember<K>)>,
    ) -> Result<KeyedLimiterGroup<K>, GroupError> {
        let named =
            |(name, member): (N, KeyedMember<K>)| (NamedRule { name: name.into(), rule: member.rule() }, member);
        let (named, members): (Vec<NamedRule>, Vec<KeyedMember<K>>) = members.into_iter().map(named).unzip();
        check_names(named.len(), |index| &named[index].name)?;
        for (at, member) in members.iter().enumerate() {
            if members[..at].iter().any(|earlier| earlier.is(member)) {
                return Err(GroupError::DuplicateLimiter(at));
            }
            if !member.clock().is(members[0].clock()) {
                return Err(GroupError::AnotherClock(at));
            }
        }
        Ok(KeyedLimiterGroup { named: named.into_boxed_slice(), members: members.into_boxed_slice() })
    }

    /// The member with a name.
    pub fn get(&self, name: &str) -> Option<&KeyedMember<K>> {
        self.iter().find(|(known, _)| *known == name).map(|(_, member)| member)
    }

    /// The members and their names, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &KeyedMember<K>)> {
        self.named.iter().map(|named| &*named.name).zip(self.members.iter())
    }

    /// How many members there are; at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The time of the members' clock, in nanoseconds.
    #[inline]
    pub fn now(&self) -> u64 {
        self.clock().now()
    }

    pub(crate) fn clock(&self) -> &ClockSource {
        self.members[0].clock()
    }
}

/// Each verb as [`LimiterGroup`](crate::LimiterGroup) has it, for one key.
impl<K: ?Sized + Hash> KeyedLimiterGroup<K> {
    /// See [`LimiterGroup::try_acquire_at`](crate::LimiterGroup::try_acquire_at).
    pub fn try_acquire_at(&self, key: &K, now: u64, cost: u64) -> bool {
        attempt(self.members.len(), now, &|| now, &self.part(key, cost))
    }

    /// See [`LimiterGroup::take_at`](crate::LimiterGroup::take_at).
    pub fn take_at(&self, key: &K, now: u64, cost: u64) -> GroupDecision<'_> {
        GroupDecision::taken(self.parts(cost), now, || now, self.part(key, cost))
    }

    /// See [`LimiterGroup::peek_at`](crate::LimiterGroup::peek_at).
    pub fn peek_at(&self, key: &K, now: u64, cost: u64) -> GroupDecision<'_> {
        GroupDecision::peeked(self.parts(cost), now, self.part(key, cost))
    }

    /// See [`LimiterGroup::reserve_at`](crate::LimiterGroup::reserve_at).
    ///
    /// # Errors
    /// As there; also if there is no room for the key.
    pub fn reserve_at(&self, key: &K, now: u64, cost: u64, max_wait_nanos: u64) -> Result<GroupSlot, GroupRefused<'_>> {
        reserve(self.parts(cost), now, max_wait_nanos, || now, self.part(key, cost))
    }

    /// See [`LimiterGroup::cancel_at`](crate::LimiterGroup::cancel_at). The key must be the one of the reservation.
    pub fn cancel_at(&self, key: &K, now: u64, slot: GroupSlot) {
        cancel(slot, &|| now, &self.part(key, 0));
    }

    /// See [`LimiterGroup::settle_at`](crate::LimiterGroup::settle_at). The key must be the one of the reservation.
    pub fn settle_at(&self, key: &K, now: u64, slot: GroupSlot, actual: u64) -> GroupDecision<'_> {
        settle(self.parts(actual), now, slot, &|| now, &self.part(key, actual))
    }

    /// [`KeyedLimiterGroup::reserve_at`], now.
    ///
    /// # Errors
    /// As there.
    pub fn reserve(&self, key: &K, cost: u64, max_wait: Duration) -> Result<GroupSlot, GroupRefused<'_>> {
        let max_wait = crate::wait::nanos(max_wait);
        reserve(self.parts(cost), self.now(), max_wait, || self.now(), self.part(key, cost))
    }

    /// [`KeyedLimiterGroup::settle_at`], now.
    pub fn settle(&self, key: &K, slot: GroupSlot, actual: u64) -> GroupDecision<'_> {
        settle(self.parts(actual), self.now(), slot, &|| self.now(), &self.part(key, actual))
    }

    /// [`KeyedLimiterGroup::cancel_at`], now.
    pub fn cancel(&self, key: &K, slot: GroupSlot) {
        cancel(slot, &|| self.now(), &self.part(key, 0));
    }

    /// [`KeyedLimiterGroup::try_acquire_at`], now.
    pub fn try_acquire(&self, key: &K, cost: u64) -> bool {
        attempt(self.members.len(), self.now(), &|| self.now(), &self.part(key, cost))
    }

    /// [`KeyedLimiterGroup::take_at`], now.
    pub fn take(&self, key: &K, cost: u64) -> GroupDecision<'_> {
        GroupDecision::taken(self.parts(cost), self.now(), || self.now(), self.part(key, cost))
    }

    /// [`KeyedLimiterGroup::peek_at`], now.
    pub fn peek(&self, key: &K, cost: u64) -> GroupDecision<'_> {
        self.peek_at(key, self.now(), cost)
    }

    fn parts(&self, cost: u64) -> Parts<'_> {
        Parts::Keyed(&self.named, cost)
    }

    /// The key is hashed once for each member that has keys.
    fn part<'a>(&'a self, key: &K, cost: u64) -> impl Fn(usize) -> (Limit<'a>, u64) + use<'a, K> {
        let limit = |member: &'a KeyedMember<K>| match member {
            KeyedMember::Limiter(limiter) => Limit::Limiter(limiter),
            KeyedMember::Keyed(keyed) => Limit::Key(keyed.key(key).untyped()),
        };
        // Beyond the last member nothing is asked.
        let mut limits = [limit(&self.members[0]); MAX_MEMBERS];
        for (known, member) in limits.iter_mut().zip(&self.members).skip(1) {
            *known = limit(member);
        }
        move |index| (limits[index], cost)
    }
}

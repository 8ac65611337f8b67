//! `GroupDecision`: what all members said, and which of them binds.

use core::fmt;
use core::time::Duration;

use super::MAX_MEMBERS;
#[cfg(feature = "std")]
use super::keyed::NamedRule;
use super::member::{Judged, Limit, Member, State};
#[cfg(feature = "alloc")]
use super::owned::Named;
use super::spend::{Said, look, spend};
use crate::decision::Decision;
use crate::rule::{Rule, Step};

/// What a group answered.
///
/// Each member's figures are worked out when they are asked for.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Algorithm, Limiter, LimiterGroup, Quota};
/// let second = Limiter::new(Algorithm::Gcra, Quota::per_second(2)?)?;
/// let day = Limiter::new(Algorithm::FixedWindow, Quota::per_day(3)?)?;
/// let group = LimiterGroup::new([("second", second), ("day", day)])?;
///
/// let decision = group.take_at(0, 1);
/// assert!(decision.is_allowed());
/// // One of two is left this second, two of three today.
/// assert_eq!((decision.binding(), decision.limit(), decision.remaining()), (Some("second"), 2, 1));
///
/// let denied = group.take_at(0, 2);
/// assert_eq!((denied.binding(), denied.retry_after()), (Some("second"), Some(Duration::from_millis(500))));
/// for (name, decision) in denied.members() {
///     println!("{name}: {decision:?}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a decision says whether the call may go ahead"]
pub struct GroupDecision<'a> {
    parts: Parts<'a>,
    now: u64,
    allowed: bool,
    /// The costs have been spent.
    spent: bool,
    said: Said,
}

/// The members that were asked, for their names and rules, and what it cost there.
#[derive(Clone, Copy)]
pub(super) enum Parts<'a> {
    Members(&'a [Member<'a>]),
    #[cfg(feature = "alloc")]
    Owned(&'a [Named], u64),
    #[cfg(feature = "std")]
    Keyed(&'a [NamedRule], u64),
}

impl<'a> Parts<'a> {
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        match self {
            Parts::Members(members) => members.len(),
            #[cfg(feature = "alloc")]
            Parts::Owned(named, _) => named.len(),
            #[cfg(feature = "std")]
            Parts::Keyed(named, _) => named.len(),
        }
    }

    fn name(&self, index: usize) -> &'a str {
        match self {
            Parts::Members(members) => members[index].name(),
            #[cfg(feature = "alloc")]
            Parts::Owned(named, _) => &named[index].name,
            #[cfg(feature = "std")]
            Parts::Keyed(named, _) => &named[index].name,
        }
    }

    fn cost(&self, index: usize) -> u64 {
        match self {
            Parts::Members(members) => members[index].cost(),
            #[cfg(feature = "alloc")]
            Parts::Owned(_, cost) => *cost,
            #[cfg(feature = "std")]
            Parts::Keyed(_, cost) => *cost,
        }
    }

    /// The rule of a member whose state is one word.
    fn rule(&self, index: usize) -> Option<&'a Rule> {
        match self {
            Parts::Members(members) => members[index].part().0.rule(),
            #[cfg(feature = "alloc")]
            Parts::Owned(named, _) => Limit::Limiter(&named[index].limiter).rule(),
            #[cfg(feature = "std")]
            Parts::Keyed(named, _) => named[index].rule.as_ref(),
        }
    }
}

impl<'a> GroupDecision<'a> {
    #[inline(always)]
    pub(super) fn taken(
        parts: Parts<'a>,
        now: u64,
        clock: impl Fn() -> u64,
        part: impl Fn(usize) -> (Limit<'a>, u64),
    ) -> GroupDecision<'a> {
        let mut decision = GroupDecision::unasked(parts, now);
        // A group has at most MAX_MEMBERS.
        let said = &mut decision.said[..parts.len().min(MAX_MEMBERS)];
        let allowed = look(said, now, &part) && spend(said, 0, now, &clock, &part);
        (decision.allowed, decision.spent) = (allowed, allowed);
        decision
    }

    #[inline(always)]
    pub(super) fn peeked(parts: Parts<'a>, now: u64, part: impl Fn(usize) -> (Limit<'a>, u64)) -> GroupDecision<'a> {
        let mut decision = GroupDecision::unasked(parts, now);
        decision.allowed = look(&mut decision.said[..parts.len().min(MAX_MEMBERS)], now, &part);
        decision
    }

    #[inline(always)]
    fn unasked(parts: Parts<'a>, now: u64) -> GroupDecision<'a> {
        GroupDecision { parts, now, allowed: false, spent: false, said: [const { Judged::Nothing }; MAX_MEMBERS] }
    }

    /// What each member says to something else than a spend of all or none.
    pub(super) fn gathered(parts: Parts<'a>, now: u64, ask: impl Fn(usize) -> Judged) -> GroupDecision<'a> {
        let mut decision = GroupDecision::unasked(parts, now);
        let said = &mut decision.said[..parts.len().min(MAX_MEMBERS)];
        said.iter_mut().enumerate().for_each(|(index, judged)| *judged = ask(index));
        decision.allowed = said.iter().all(Judged::allows);
        decision
    }

    /// The same, denied by a member for what only booking shows.
    pub(super) fn denied_by(mut self, index: usize, judged: Judged) -> GroupDecision<'a> {
        self.allowed = false;
        if let Some(said) = self.said.get_mut(index) {
            *said = judged;
        }
        self
    }

    /// Whether the call may go ahead. What it cost has then been spent on every member (by `take`, not by `peek`); otherwise on none.
    #[inline]
    pub const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The name of the member that binds.
    ///
    /// Denied: the one with the longest wait, *never* being the longest. Allowed: the one with the least share left,
    /// `remaining / limit` (compared exactly). Of equals the first. `None` if that member has no name.
    pub fn binding(&self) -> Option<&'a str> {
        Some(self.parts.name(self.binding_index())).filter(|name| !name.is_empty())
    }

    /// The position of the member that binds, from 0.
    pub fn binding_index(&self) -> usize {
        if self.allowed { self.least_share() } else { self.longest_wait() }
    }

    fn least_share(&self) -> usize {
        let (mut least, mut share) = (0, (self.remaining_in(0), self.limit_of(0)));
        for index in 1..self.parts.len() {
            let (remaining, limit) = (self.remaining_in(index), self.limit_of(index));
            // Two numbers of 64 bits each.
            if u128::from(remaining) * u128::from(share.1) < u128::from(share.0) * u128::from(limit) {
                (least, share) = (index, (remaining, limit));
            }
        }
        least
    }

    fn longest_wait(&self) -> usize {
        let mut longest: Option<(usize, Option<u64>)> = None;
        for (index, wait) in self.waits() {
            let binds = match (longest, wait) {
                (None, _) => true,
                (Some((_, Some(longest))), Some(wait)) => wait > longest,
                (Some((_, known)), None) => known.is_some(),
                (Some((_, None)), Some(_)) => false,
            };
            if binds {
                longest = Some((index, wait));
            }
        }
        longest.map_or(0, |(index, _)| index)
    }

    /// The members that deny, and how long they do; `None` for ever.
    fn waits(&self) -> impl Iterator<Item = (usize, Option<u64>)> + use<'_> {
        let denying = (0..self.parts.len()).filter(|&index| !self.said[index].allows());
        denying.map(|index| (index, self.decision(index).retry_after_nanos()))
    }

    /// The capacity of the member that binds. Permits.
    pub fn limit(&self) -> u64 {
        self.limit_of(self.binding_index())
    }

    /// The least that remains in any member. Permits.
    pub fn remaining(&self) -> u64 {
        (0..self.parts.len()).map(|index| self.remaining_in(index)).min().unwrap_or(0)
    }

    /// How long to wait until the same call is allowed, if nobody else calls: the longest wait of all members, zero if allowed (for a settlement: until
    /// every debt is paid), `None` for *never*.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_nanos().map(Duration::from_nanos)
    }

    /// As [`GroupDecision::retry_after`], in nanoseconds.
    pub fn retry_after_nanos(&self) -> Option<u64> {
        if self.spent {
            return Some(0);
        }
        let waits = (0..self.parts.len()).map(|index| self.decision(index).retry_after_nanos());
        waits.into_iter().try_fold(0, |longest, wait| wait.map(|wait| longest.max(wait)))
    }

    /// Whether the same call can never be allowed: waiting for it would be an error.
    pub fn is_never(&self) -> bool {
        self.retry_after_nanos().is_none()
    }

    /// How long until every member is as good as new, if nobody else calls. `u64::MAX` nanoseconds if that is beyond the end of the clock.
    pub fn reset_after(&self) -> Duration {
        Duration::from_nanos(self.reset_after_nanos())
    }

    /// As [`GroupDecision::reset_after`], in nanoseconds.
    pub fn reset_after_nanos(&self) -> u64 {
        (0..self.parts.len()).map(|index| self.reset_of(index)).max().unwrap_or(0)
    }

    /// Each member's name and own decision, in order. In a denied call a member may have allowed it; nothing was spent there either.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, Decision)> + use<'_, 'a> {
        (0..self.parts.len()).map(|index| (self.parts.name(index), self.decision(index)))
    }

    /// The decision of the member with a name, if there is one.
    pub fn member(&self, name: &str) -> Option<Decision> {
        self.members().find(|(known, _)| *known == name).map(|(_, decision)| decision)
    }

    fn decision(&self, index: usize) -> Decision {
        self.said[index].decision(self.parts.rule(index), self.now, self.parts.cost(index), self.spent)
    }

    fn remaining_in(&self, index: usize) -> u64 {
        match self.state(index) {
            State::Word(rule, word) => rule.remaining(word, self.now.min(rule.end())),
            State::Facts(facts) => facts.remaining,
        }
    }

    fn limit_of(&self, index: usize) -> u64 {
        match self.state(index) {
            State::Word(rule, _) => rule.capacity(),
            State::Facts(facts) => facts.limit,
        }
    }

    fn reset_of(&self, index: usize) -> u64 {
        match self.state(index) {
            State::Word(rule, word) => {
                let now = self.now.min(rule.end());
                rule.renewed(word, now).map_or(u64::MAX, |at| at - now)
            }
            State::Facts(facts) => facts.reset_after,
        }
    }

    #[inline]
    fn state(&self, index: usize) -> State<'a> {
        self.said[index].state(self.parts.rule(index), self.spent)
    }
}

impl fmt::Debug for GroupDecision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupDecision")
            .field("allowed", &self.allowed)
            .field("binding", &self.binding())
            .field("limit", &self.limit())
            .field("remaining", &self.remaining())
            .field("retry_after", &self.retry_after())
            .field("reset_after", &self.reset_after())
            .finish()
    }
}

//! `GroupDecision`: what all members said, and which of them binds.

use core::fmt;
use core::time::Duration;

use super::MAX_MEMBERS;
use super::member::{Judged, Limit, Member};
#[cfg(feature = "alloc")]
use super::owned::Named;
use super::spend::{Said, look, spend};
use crate::decision::Decision;
use crate::sync::{Bug, seeded};

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
#[derive(Clone, Copy)]
#[must_use = "a decision says whether the call may go ahead"]
pub struct GroupDecision<'a> {
    names: Names<'a>,
    now: u64,
    allowed: bool,
    /// The costs have been spent.
    spent: bool,
    said: Said<'a>,
}

/// Where the members' names stand.
#[derive(Clone, Copy)]
pub(super) enum Names<'a> {
    Members(&'a [Member<'a>]),
    #[cfg(feature = "alloc")]
    Owned(&'a [Named]),
    #[cfg(feature = "std")]
    Keyed(&'a [alloc::boxed::Box<str>]),
}

impl<'a> Names<'a> {
    #[inline(always)]
    fn len(&self) -> usize {
        match self {
            Names::Members(members) => members.len(),
            #[cfg(feature = "alloc")]
            Names::Owned(named) => named.len(),
            #[cfg(feature = "std")]
            Names::Keyed(names) => names.len(),
        }
    }

    fn name(&self, index: usize) -> &'a str {
        match self {
            Names::Members(members) => members[index].name(),
            #[cfg(feature = "alloc")]
            Names::Owned(named) => &named[index].name,
            #[cfg(feature = "std")]
            Names::Keyed(names) => &names[index],
        }
    }
}

impl<'a> GroupDecision<'a> {
    #[inline(always)]
    pub(super) fn taken(
        names: Names<'a>,
        now: u64,
        clock: impl Fn() -> u64,
        part: impl Fn(usize) -> (Limit<'a>, u64),
    ) -> GroupDecision<'a> {
        let mut decision = GroupDecision::peeked(names, now, &part);
        if decision.allowed {
            let clock = || if seeded(Bug::LateRollback) { now } else { clock() };
            // A group has at most MAX_MEMBERS.
            let said = &mut decision.said[..names.len()];
            decision.allowed = spend(said, 0, now, &clock, &part);
            decision.spent = decision.allowed;
        }
        decision
    }

    #[inline(always)]
    pub(super) fn peeked(names: Names<'a>, now: u64, part: impl Fn(usize) -> (Limit<'a>, u64)) -> GroupDecision<'a> {
        let mut decision =
            GroupDecision { names, now, allowed: false, spent: false, said: [Judged::NOTHING; MAX_MEMBERS] };
        decision.allowed = look(&mut decision.said[..names.len()], now, &part);
        decision
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
        Some(self.names.name(self.binding_index())).filter(|name| !name.is_empty())
    }

    /// The position of the member that binds, from 0.
    pub fn binding_index(&self) -> usize {
        let mut binding = 0;
        let mut best: Option<Decision> = None;
        for (index, decision) in self.decisions().enumerate() {
            let binds = match &best {
                _ if decision.is_allowed() != self.allowed => false,
                None => true,
                Some(best) if self.allowed => {
                    // Two numbers of 64 bits each.
                    u128::from(decision.remaining()) * u128::from(best.limit())
                        < u128::from(best.remaining()) * u128::from(decision.limit())
                }
                Some(best) => wait(&decision) > wait(best),
            };
            if binds {
                (binding, best) = (index, Some(decision));
            }
        }
        binding
    }

    /// The capacity of the member that binds. Permits.
    pub fn limit(&self) -> u64 {
        self.decision(self.binding_index()).limit()
    }

    /// The least that remains in any member. Permits.
    pub fn remaining(&self) -> u64 {
        self.decisions().map(|decision| decision.remaining()).min().unwrap_or(0)
    }

    /// How long to wait until the same call is allowed, if nobody else calls: the longest wait of all members, zero if allowed, `None` for *never*.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_nanos().map(Duration::from_nanos)
    }

    /// As [`GroupDecision::retry_after`], in nanoseconds.
    pub fn retry_after_nanos(&self) -> Option<u64> {
        if self.allowed {
            return Some(0);
        }
        self.decisions()
            .filter(|decision| !decision.is_allowed())
            .try_fold(0, |longest, decision| decision.retry_after_nanos().map(|wait| longest.max(wait)))
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
        self.decisions().map(|decision| decision.reset_after_nanos()).max().unwrap_or(0)
    }

    /// Each member's name and own decision, in order. In a denied call a member may have allowed it; nothing was spent there either.
    pub fn members(&self) -> impl Iterator<Item = (&'a str, Decision)> + use<'_, 'a> {
        (0..self.names.len()).map(|index| (self.names.name(index), self.decision(index)))
    }

    /// The decision of the member with a name, if there is one.
    pub fn member(&self, name: &str) -> Option<Decision> {
        self.members().find(|(known, _)| *known == name).map(|(_, decision)| decision)
    }

    fn decisions(&self) -> impl Iterator<Item = Decision> + use<'_> {
        (0..self.names.len()).map(|index| self.decision(index))
    }

    fn decision(&self, index: usize) -> Decision {
        self.said[index].decision(self.now, self.spent)
    }
}

/// A wait to be compared; never is longer than any.
fn wait(decision: &Decision) -> u128 {
    decision.retry_after_nanos().map_or(u128::MAX, u128::from)
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

//! Enforcement: which limits a request meets, where their permits are counted, and what is answered.
//!
//! 1. The plan and the customer choose a list of limits, once and for all when the file is loaded.
//! 2. The endpoint chooses among them (`route`).
//! 3. Each is asked for one key of its table (`counts`), all or nothing (`group`).
//! 4. Limits in shadow are asked after the verdict is certain, and change nothing about it.

mod compile;
mod counts;
mod group;
mod in_flight;
mod report;
mod request;
mod route;
mod shelf;
mod verdict;

use std::fmt;
use std::hash::{BuildHasher, Hasher};

use smallvec::SmallVec;

pub(crate) use compile::{Enforcer, Settings};
pub use in_flight::InFlight;
pub use report::{LimitReport, QuotaStatus, Report};
pub use request::{Request, RequestError};
pub use verdict::{LimitDecision, Verdict};

use crate::limit::Scope;
use crate::policy::Policy;
use compile::Rule;
use group::Member;
use in_flight::InFlight as Held;

/// Asking a policy.
///
/// # Concurrency
/// `&self` everywhere. Each limit is linearizable by itself and never exceeded. A request is counted by all of its limits or, once the call has
/// returned, by none; two requests in a race for the last permit of one limit may both be refused if they also compete for another.
impl Policy {
    /// Counts a request against every limit that it meets, all or nothing, at the time of the policy's clock.
    ///
    /// # Errors
    /// A request without meaning for this policy (see [`RequestError`]); nothing was counted then. A denied request is no error.
    ///
    /// ```
    /// use tidegate_policy::{Policy, Request, Scope};
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailtrap.toml");
    /// let policy = Policy::from_file(path)?;
    /// let stats = Request::new()
    ///     .endpoint("GET", "/api/accounts/7/stats/domains")
    ///     .scope(Scope::ApiKey, "token_1")
    ///     .scope(Scope::Account, "7");
    /// for _ in 0..10 {
    ///     assert!(policy.take(&stats)?.is_allowed());
    /// }
    /// let verdict = policy.take(&stats)?;
    /// let binding = verdict.binding().unwrap();
    /// assert_eq!((verdict.status(), binding.id(), binding.limit()), (429, "api/stats", 10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take(&self, request: &Request<'_>) -> Result<Verdict<'_>, RequestError> {
        self.take_at(self.now(), request)
    }

    /// [`Policy::take`] at `now`, in nanoseconds since 1970-01-01 UTC: windows are aligned to that.
    ///
    /// # Errors
    /// As [`Policy::take`].
    pub fn take_at(&self, now: u64, request: &Request<'_>) -> Result<Verdict<'_>, RequestError> {
        self.ask(now, request, true)
    }

    /// What [`Policy::take`] would answer; nothing is counted. "Check your current quota" is the [`Verdict::quota`] of this.
    ///
    /// # Errors
    /// As [`Policy::take`].
    pub fn peek(&self, request: &Request<'_>) -> Result<Verdict<'_>, RequestError> {
        self.peek_at(self.now(), request)
    }

    /// [`Policy::peek`] at `now`.
    ///
    /// # Errors
    /// As [`Policy::take`].
    pub fn peek_at(&self, now: u64, request: &Request<'_>) -> Result<Verdict<'_>, RequestError> {
        self.ask(now, request, false)
    }

    /// The limits that a request meets, with a number or without: "Custom", "Unlimited" and unstated ones are enforced by nobody.
    ///
    /// # Errors
    /// As [`Policy::take`], but that scopes need not be named.
    pub fn limits_of(&self, request: &Request<'_>) -> Result<Vec<&crate::Limit>, RequestError> {
        let enforcer = self.enforcer();
        let list = enforcer.list(request)?;
        let rows = enforcer.rows(request)?;
        let met = list.iter().filter(|at| rows.hits().met(enforcer.rules[**at as usize].meets).is_some());
        Ok(met.map(|at| &self.limits()[*at as usize]).collect())
    }

    /// How full the table of a limit is; `None` for an id that is not there, a limit without a number, or one that nobody has met yet.
    pub fn table_of(&self, id: &str) -> Option<TableStatus> {
        let at = self.limits().iter().position(|limit| limit.id() == id)?;
        let rule = &self.enforcer().rules[at];
        let counts = rule.counts_if_any()?;
        Some(TableStatus {
            keys: counts.len(),
            max_keys: rule.max_keys as usize,
            evictions: counts.evictions(),
            shadow_denials: rule.shadow_denials(),
        })
    }

    fn ask(&self, now: u64, request: &Request<'_>, spend: bool) -> Result<Verdict<'_>, RequestError> {
        let enforcer = self.enforcer();
        // Hashed first: while memory brings the keys, the plan and the endpoint are looked at.
        let keys = Keys::new(enforcer, request);
        let list = enforcer.list(request)?;
        enforcer.check_units(request)?;
        let rows = enforcer.rows(request)?;
        let hits = rows.hits();
        let mut members: SmallVec<[Member<'_>; 6]> = SmallVec::new();
        let mut shadows: SmallVec<[Member<'_>; 1]> = SmallVec::new();
        for at in &*list {
            let Some(pattern) = enforcer.asked[*at as usize].and_then(|meets| hits.met(meets)) else { continue };
            let (rule, limit) = (&enforcer.rules[*at as usize], &self.limits()[*at as usize]);
            let Some(member) = keys.member(rule, limit, *at, pattern, now, hits)? else { continue };
            if limit.is_shadow() { shadows.push(member) } else { members.push(member) }
        }
        // One right after the other: a processor waits for all of them at once only if they are few instructions apart.
        members.iter().chain(&shadows).for_each(Member::touch);
        // The limits in force first; those in shadow behind them. Filled where it stays: it is large.
        let mut verdict =
            Verdict { policy: self, now, allowed: true, entries: SmallVec::new(), in_flight: Held::default() };
        let in_flight = spend.then_some(&mut verdict.in_flight);
        verdict.allowed = group::ask(&members, now, in_flight, &mut verdict.entries);
        for member in shadows {
            let in_flight = (spend && verdict.allowed).then_some(&mut verdict.in_flight);
            let allowed = group::ask(std::slice::from_ref(&member), now, in_flight, &mut verdict.entries);
            if spend && !allowed {
                enforcer.rules[member.limit as usize].count_shadow_denial();
            }
        }
        Ok(verdict)
    }
}

/// The keys of one request, each hashed once.
struct Keys<'p, 'r> {
    enforcer: &'p Enforcer,
    request: &'r Request<'r>,
    hashes: [Option<u64>; Scope::COUNT],
}

impl<'p, 'r> Keys<'p, 'r> {
    fn new(enforcer: &'p Enforcer, request: &'r Request<'r>) -> Keys<'p, 'r> {
        let mut hashes = [None; Scope::COUNT];
        for scope in &enforcer.scopes {
            if let Some(key) = request.keys[*scope as usize] {
                let mut hasher = enforcer.seed.build_hasher();
                hasher.write(key.as_bytes());
                hashes[*scope as usize] = Some(hasher.finish());
            }
        }
        Keys { enforcer, request, hashes }
    }

    /// What to ask of one limit; `None` for one that is passed over because the request does not name its scope.
    #[inline]
    fn member(
        &self,
        rule: &'p Rule,
        limit: &crate::Limit,
        at: u32,
        pattern: u16,
        now: u64,
        hits: route::Hits<'_>,
    ) -> Result<Option<Member<'p>>, RequestError> {
        let cost = self.enforcer.cost(rule, self.request, hits);
        if let Some(most) = rule.most() {
            return Ok(Some(Member { of_key: group::OfKey::Most(most), limit: at, cost }));
        }
        let per = limit.counted_per();
        let Some(key) = self.hashes[per as usize] else {
            let error = RequestError::NoKey { scope: per, limit: limit.id().to_owned() };
            return if limit.is_optional() || limit.is_shadow() { Ok(None) } else { Err(error) };
        };
        // Endpoints that are counted apart have keys apart.
        let key = if rule.per_pattern { self.enforcer.seed.hash_one((key, pattern)) } else { key };
        let zone = self.request.zone;
        let of_key = match rule.counts(now) {
            None => group::OfKey::Nowhere,
            Some(counts) => counts.of_key(key, now, zone, &self.enforcer.seed).map_err(|error| {
                let given = zone.unwrap_or_default().to_owned();
                RequestError::UnknownZone { given, nearest: error.suggestion() }
            })?,
        };
        Ok(Some(Member { of_key, limit: at, cost }))
    }
}

/// How full the table of one limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStatus {
    /// The keys remembered.
    pub keys: usize,
    /// The most keys that are.
    pub max_keys: usize,
    /// How many keys were forgotten although they had permits in use.
    pub evictions: u64,
    /// How many requests the limit would have denied while in shadow.
    pub shadow_denials: u64,
}

impl fmt::Debug for Enforcer {
    /// The seed is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enforcer").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

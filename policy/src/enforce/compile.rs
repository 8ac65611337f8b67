//! From the limits of a file to what can be asked in a moment: lists by plan and customer, patterns in order, costs, tables.
//!
//! Tables are made when the first request meets their limit: a policy of a hundred limits of which three are used takes memory for three.
//!
//! # Precedence
//! 1. A request meets the limits of its plan, and those without a plan.
//! 2. A customer's limit stands instead of those that its `instead` names; without `instead`, of those with the same scope, endpoints, unit
//!    and kind (a rate with the same period, a count, a number at the same time). All other limits of the plan stay.
//! 3. Of the rows of one table (and of the categories of the file) the most specific that matches is met; `others` where none does.
//! 4. All limits met hold together: none is looser for another.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tidegate::{Carry, Clock, MonotonicClock};

use super::counts::{Counts, Measure};
use super::group::MAX_RATES;
use super::request::{Request, RequestError};
use super::route::{Hits, Meets, Router, Rows};
use crate::endpoint::Endpoint;
use crate::limit::{Allowance, Limit, Pool, Scope};
use crate::policy::Cost;

/// What a policy is built with, besides its file.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The largest file that is read.
    pub max_bytes: u64,
    pub examples: bool,
    pub max_keys: Option<u32>,
    pub clock: Arc<dyn Clock>,
}

/// The largest file that is read if nothing else is said: 4 MiB. The largest of the published ones has 20 KiB.
const MAX_BYTES: u64 = 4 << 20;

impl Default for Settings {
    fn default() -> Self {
        Settings { max_bytes: MAX_BYTES, examples: false, max_keys: None, clock: Arc::new(MonotonicClock) }
    }
}

pub(crate) struct Enforcer {
    /// One for each limit of the policy, in its order.
    pub rules: Vec<Rule>,
    /// When each of them is asked; `None` for those that have no number to enforce. Small, because a request looks at many.
    pub asked: Box<[Option<Meets>]>,
    /// Whose calls are counted by any of them.
    pub scopes: Box<[Scope]>,
    pub seed: RandomState,
    pub settings: Settings,
    router: Router,
    costs: Vec<(Meets, String, u64)>,
    units: HashSet<String>,
    /// In the order of the file; with the limits of each.
    plans: Vec<(String, List)>,
    /// The limits of no plan.
    unplanned: List,
    customers: HashMap<String, Customer>,
}

/// What is different for one customer.
struct Customer {
    /// Its own limits, with their plan (its place in `plans`; any if there is none).
    own: Vec<(Option<usize>, u32)>,
    /// What each of them stands instead of: the place in `own` and of the usual limit, in order.
    instead: Vec<(u32, usize)>,
}

/// Places in the policy's limits.
type List = Box<[u32]>;

/// How one limit is enforced.
pub(crate) struct Rule {
    pub meets: Meets,
    pub per_pattern: bool,
    pub max_keys: u32,
    unit: String,
    enforced: Enforced,
    counts: OnceLock<Option<Arc<Counts>>>,
    shadow_denials: AtomicU64,
}

enum Enforced {
    Counted(Measure),
    /// At most so many in one request.
    Most(u64),
    No,
}

impl Rule {
    pub(crate) fn most(&self) -> Option<u64> {
        if let Enforced::Most(most) = self.enforced { Some(most) } else { None }
    }

    pub(crate) fn counts(&self, now: u64) -> Option<&Counts> {
        let Enforced::Counted(measure) = &self.enforced else { return None };
        let made = self.counts.get_or_init(|| Counts::new(measure, self.max_keys, now).map(Arc::new));
        made.as_deref()
    }

    pub(crate) fn counts_if_any(&self) -> Option<&Counts> {
        self.counts.get()?.as_deref()
    }

    pub(crate) fn count_shadow_denial(&self) {
        self.shadow_denials.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn shadow_denials(&self) -> u64 {
        self.shadow_denials.load(Ordering::Relaxed)
    }
}

impl Enforcer {
    pub(crate) fn new(
        limits: &[Limit],
        costs: &[Cost],
        categories: &[Vec<Endpoint>],
        max_keys: Option<u32>,
        settings: Settings,
    ) -> Enforcer {
        let mut router = Router::default();
        categories.iter().for_each(|patterns| router.category(patterns));
        let rules: Vec<Rule> =
            limits.iter().map(|limit| rule(limit, router.limit(limit), max_keys, &settings)).collect();
        let costs = costs.iter().map(|cost| (router.cost(cost), cost.unit.clone(), cost.cost)).collect();
        router.rank();
        let asked = rules.iter().map(|rule| (!matches!(rule.enforced, Enforced::No)).then_some(rule.meets)).collect();
        let counted = |scope: &Scope| {
            let counts = |rule: &Rule| matches!(rule.enforced, Enforced::Counted(_));
            limits.iter().zip(&rules).any(|(limit, rule)| counts(rule) && limit.counted_per() == *scope)
        };
        let scopes = Scope::ALL.into_iter().filter(counted).collect();
        let mut plans: Vec<String> = Vec::new();
        for plan in limits.iter().filter_map(|limit| limit.plan.as_ref()) {
            if !plans.contains(plan) {
                plans.push(plan.clone());
            }
        }
        let usual = |plan: Option<&String>| {
            let of_plan = |limit: &Limit| limit.plan.as_ref().is_none_or(|own| Some(own) == plan);
            places(limits, |limit| limit.customer.is_none() && of_plan(limit))
        };
        Enforcer {
            customers: customers(limits, &plans),
            unplanned: usual(None),
            plans: plans.into_iter().map(|plan| (plan.clone(), usual(Some(&plan)))).collect(),
            units: limits.iter().map(|limit| limit.unit.clone()).collect(),
            rules,
            asked,
            scopes,
            router,
            costs,
            seed: RandomState::new(),
            settings,
        }
    }

    /// Takes over what another policy has counted; see `handle`. Nobody asks this one yet.
    pub(crate) fn succeed(
        &mut self,
        (limits, old_limits): (&[Limit], &[Limit]),
        old: &Enforcer,
        now: u64,
        carry: Carry,
    ) {
        // Keys are hashes under this seed.
        self.seed = old.seed.clone();
        let known: HashMap<&str, usize> =
            old_limits.iter().enumerate().map(|(at, limit)| (limit.id.as_str(), at)).collect();
        for (limit, rule) in limits.iter().zip(&mut self.rules) {
            let Some(at) = known.get(limit.id.as_str()) else { continue };
            let (before, last) = (&old_limits[*at], &old.rules[*at]);
            rule.shadow_denials = AtomicU64::new(last.shadow_denials());
            let alike = before.keeping.per == limit.keeping.per && last.per_pattern == rule.per_pattern;
            let (Enforced::Counted(measure), Some(Some(counts)), true) = (&rule.enforced, last.counts.get(), alike)
            else {
                continue;
            };
            if let Some(carried) = Counts::carried(counts, measure, rule.max_keys, now, carry) {
                rule.counts = OnceLock::from(Some(carried));
            }
        }
    }

    /// The limits of a request's plan and customer.
    pub(crate) fn list(&self, request: &Request<'_>) -> Result<Cow<'_, [u32]>, RequestError> {
        let known = || self.plans.iter().map(|(plan, _)| plan.clone()).collect();
        let at = match request.plan {
            _ if self.plans.is_empty() => 0,
            None => return Err(RequestError::NoPlan { known: known() }),
            Some(given) => self
                .plans
                .iter()
                .position(|(plan, _)| plan == given || plan.eq_ignore_ascii_case(given))
                .ok_or_else(|| RequestError::UnknownPlan { given: given.to_owned(), known: known() })?,
        };
        let usual = self.plans.get(at).map_or(&self.unplanned, |(_, list)| list);
        let customer = request.customer.and_then(|customer| self.customers.get(customer));
        Ok(customer.map_or(Cow::Borrowed(usual), |customer| Cow::Owned(customer.list(at, usual))))
    }

    /// The most rates that one request can meet at once, if that is more than can be asked together: the last limit of such a list.
    pub(crate) fn too_many_rates(&self) -> Option<u32> {
        let nobody = Customer { own: Vec::new(), instead: Vec::new() };
        let lists = self.plans.iter().map(|(_, list)| list).enumerate();
        let lists = lists.chain(self.plans.is_empty().then_some((0, &self.unplanned)));
        lists.into_iter().find_map(|(plan, usual)| {
            let most = self.most_rates(usual);
            let customers = std::iter::once(&nobody).chain(self.customers.values());
            let crowded = customers.filter(|customer| most + customer.own.len() > MAX_RATES);
            let mut lists = crowded.map(|customer| customer.list(plan, usual));
            lists.find(|list| self.most_rates(list) > MAX_RATES)?.last().copied()
        })
    }

    /// At most so many of a list are met at once: all that are met always, and of each set those of one row.
    fn most_rates(&self, list: &[u32]) -> usize {
        let mut always = 0;
        let mut rows: HashMap<u16, HashMap<Option<u16>, usize>> = HashMap::new();
        for rule in list.iter().map(|at| &self.rules[*at as usize]) {
            let (set, row) = match rule.meets {
                _ if !matches!(rule.enforced, Enforced::Counted(_)) => continue,
                Meets::Always => {
                    always += 1;
                    continue;
                }
                Meets::Row { set, row } => (set, Some(row)),
                Meets::NoRow { set } => (set, None),
            };
            *rows.entry(set).or_default().entry(row).or_default() += 1;
        }
        always + rows.values().map(|rows| rows.values().max().copied().unwrap_or(0)).sum::<usize>()
    }

    pub(crate) fn rows(&self, request: &Request<'_>) -> Result<Rows, RequestError> {
        if !self.router.is_needed() {
            return Ok(self.router.no_rows());
        }
        let (method, path) = request.split()?;
        Ok(self.router.rows(method, path))
    }

    pub(crate) fn check_units(&self, request: &Request<'_>) -> Result<(), RequestError> {
        match request.named_units().find(|(unit, _)| !self.units.contains(*unit)) {
            None => Ok(()),
            Some((unit, _)) => {
                let mut known: Vec<String> = self.units.iter().cloned().collect();
                known.sort();
                Err(RequestError::UnknownUnit { given: (*unit).to_owned(), known })
            }
        }
    }

    /// The permits that a request asks of a limit. A product beyond 2^64 asks for more than any capacity.
    #[inline]
    pub(crate) fn cost(&self, rule: &Rule, request: &Request<'_>, hits: Hits<'_>) -> u64 {
        let named = request.named_amount(&rule.unit);
        // A request is under way once, whatever it costs.
        let usual =
            if matches!(rule.enforced, Enforced::Counted(Measure::Concurrency { .. })) { 1 } else { request.cost };
        let weight = |(meets, unit, cost): &(Meets, String, u64)| {
            (*unit == rule.unit && hits.met(*meets).is_some()).then_some(*cost)
        };
        let weight = self.costs.iter().find_map(weight).unwrap_or(1);
        named.unwrap_or(usual).saturating_mul(weight)
    }
}

fn rule(limit: &Limit, meets: Meets, file_keys: Option<u32>, settings: &Settings) -> Rule {
    let allowance = match (&limit.allowance, &limit.example) {
        (Allowance::Unstated, Some(example)) if settings.examples => example,
        (allowance, _) => allowance,
    };
    let enforced = match (allowance, &limit.window, limit.scope) {
        (Allowance::Rate(quota), Some(window), _) => {
            Enforced::Counted(Measure::Rate { algorithm: window.algorithm, quota: *quota })
        }
        (Allowance::Calendar(quota), Some(window), _) => Enforced::Counted(match (quota.zone(), quota.in_zone(None)) {
            (Some(_), Ok(quota)) => Measure::Rate { algorithm: window.algorithm, quota },
            _ => Measure::OwnZone(*quota),
        }),
        (Allowance::Concurrency(limit), ..) => Enforced::Counted(Measure::Concurrency { limit: *limit }),
        (Allowance::Count(most), _, Scope::Request) => Enforced::Most(*most),
        _ => Enforced::No,
    };
    let usual = if let Enforced::Counted(measure) = &enforced { measure.default_keys() } else { 0 };
    Rule {
        meets,
        per_pattern: limit.pool == Pool::PerEndpoint,
        max_keys: limit.keeping.max_keys.or(settings.max_keys).or(file_keys).unwrap_or(usual),
        unit: limit.unit.clone(),
        enforced,
        counts: OnceLock::new(),
        shadow_denials: AtomicU64::new(0),
    }
}

fn places(limits: &[Limit], holds: impl Fn(&Limit) -> bool) -> List {
    // The loader refuses files with as many limits.
    limits.iter().enumerate().filter(|(_, limit)| holds(limit)).filter_map(|(at, _)| u32::try_from(at).ok()).collect()
}

fn customers(limits: &[Limit], plans: &[String]) -> HashMap<String, Customer> {
    let mut customers: HashMap<String, Customer> = HashMap::new();
    for at in places(limits, |limit| limit.customer.is_some()) {
        let limit = &limits[at as usize];
        let Some(name) = &limit.customer else { continue };
        let customer =
            customers.entry(name.clone()).or_insert_with(|| Customer { own: Vec::new(), instead: Vec::new() });
        let plan = limit.plan.as_ref().and_then(|plan| plans.iter().position(|known| known == plan));
        let own = customer.own.len();
        let usual = places(limits, |usual| usual.customer.is_none() && replaces(limit, usual));
        customer.instead.extend(usual.iter().map(|usual| (*usual, own)));
        customer.own.push((plan, at));
    }
    customers.values_mut().for_each(|customer| customer.instead.sort_unstable());
    customers
}

impl Customer {
    /// The limits of this customer on a plan, given the usual ones.
    fn list(&self, plan: usize, usual: &[u32]) -> Vec<u32> {
        let holds = |own: &(Option<usize>, u32)| own.0.is_none_or(|at| at == plan);
        let stays = |usual: &u32| {
            let from = self.instead.partition_point(|(at, _)| at < usual);
            let replaced = self.instead[from..].iter().take_while(|(at, _)| at == usual);
            !replaced.into_iter().any(|(_, own)| holds(&self.own[*own]))
        };
        let own = self.own.iter().filter(|own| holds(own)).map(|(_, at)| *at);
        let mut list: Vec<u32> = usual.iter().copied().filter(stays).chain(own).collect();
        list.sort_unstable();
        list
    }
}

/// Whether a customer's limit stands instead of a usual one.
fn replaces(own: &Limit, usual: &Limit) -> bool {
    if !own.instead.is_empty() {
        return own.instead.contains(&usual.id);
    }
    let kind = match (&own.allowance, &usual.allowance) {
        (Allowance::Rate(own), Allowance::Rate(usual)) => own.period_nanos() == usual.period_nanos(),
        (Allowance::Calendar(own), Allowance::Calendar(usual)) => own.unit() == usual.unit(),
        (Allowance::Count(_), Allowance::Count(_)) | (Allowance::Concurrency(_), Allowance::Concurrency(_)) => true,
        _ => false,
    };
    kind && own.scope == usual.scope && own.endpoints == usual.endpoints && own.unit == usual.unit
}

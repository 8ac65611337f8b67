//! `Policy` and `Verdict`: a provider's published limits, asked about one request.
//!
//! A verdict crosses as a handle; JavaScript asks it for what it wants to know. When the handle is collected, what it holds of limits of
//! requests at the same time is given back at the latest.

use std::cell::RefCell;
use std::sync::Arc;

use napi::bindgen_prelude::{BigInt, Either, External};
use napi::{Env, Result};
use napi_derive::napi;
use tidegate::{Carry, ManualClock};
use tidegate_policy::headers::Dialect;
use tidegate_policy::{
    InFlight, LimitReport, Policy, PolicyError, PolicyHandle, Report, Request, RequestError, Scope, UnknownScope,
};

use crate::headers;
use crate::limiter::carry;
use crate::number::{Permits, Time, range_error};

/// A policy that can be exchanged, and the clock of one that is told the time by JavaScript.
pub struct Shared {
    handle: PolicyHandle,
    carry: Carry,
    clock: Arc<ManualClock>,
}

/// Where a policy comes from.
#[napi(object, object_to_js = false)]
pub struct Source {
    /// The name of the file.
    pub file: String,
    /// Its text; read if not said.
    pub text: Option<String>,
    /// Whether the text is JSON.
    pub json: bool,
    /// How many keys each limit remembers.
    pub max_keys: Option<Permits>,
    /// Whether the example numbers of limits that state none are enforced.
    pub enforce_examples: Option<bool>,
    /// How use goes over to a changed quota.
    pub carry: Option<String>,
    /// The time, if it is told at each call.
    pub now: Option<Time>,
}

/// Why a policy was refused, and where.
#[napi(object)]
pub struct PolicyRefusal {
    /// For people.
    pub message: String,
    /// The file.
    pub file: String,
    /// From 1.
    pub line: Option<u32>,
    /// From 1.
    pub column: Option<u32>,
}

/// Loads a policy.
#[napi(catch_unwind)]
pub fn load_policy(env: &Env, source: Source) -> Result<Either<External<Shared>, PolicyRefusal>> {
    let carry = match &source.carry {
        Some(name) => carry(env, name)?,
        None => Carry::default(),
    };
    let clock = Arc::new(ManualClock::new(source.now.map_or(0, |now| now.0)));
    let mut builder = Policy::builder().enforce_examples(source.enforce_examples.unwrap_or(false));
    if let Some(keys) = source.max_keys {
        builder = builder.max_keys(u32::try_from(keys.0).unwrap_or(u32::MAX));
    }
    if source.now.is_some() {
        builder = builder.shared_clock(clock.clone());
    }
    let loaded = match &source.text {
        None => builder.from_file(&source.file),
        Some(text) if source.json => builder.from_json(text, &source.file),
        Some(text) => builder.from_toml(text, &source.file),
    };
    Ok(match loaded {
        Ok(policy) => Either::A(External::new(Shared { handle: PolicyHandle::new(policy).carry(carry), carry, clock })),
        Err(error) => Either::B(refusal(&error)),
    })
}

/// Puts another policy in force, with the settings of the one before; why not, if not.
#[napi(catch_unwind)]
pub fn reload_policy(policy: &External<Shared>, source: Source) -> Option<PolicyRefusal> {
    if let Some(now) = source.now {
        policy.clock.set(now.0);
    }
    let loaded = match &source.text {
        None => policy.handle.reload(&source.file),
        Some(text) if source.json => policy.handle.reload_json(text, &source.file),
        Some(text) => policy.handle.reload_toml(text, &source.file),
    };
    loaded.err().map(|error| refusal(&error))
}

fn refusal(error: &PolicyError) -> PolicyRefusal {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = error.place().map(|place| (number(place.line()), number(place.column())));
    let (line, column) = place.unzip();
    PolicyRefusal { message: error.to_string(), file: error.file().to_owned(), line, column }
}

/// What a policy is.
#[napi(object)]
pub struct PolicyParts {
    /// The ids of all limits, in the order of the file.
    pub limits: Vec<String>,
    /// Who publishes them.
    pub provider: String,
    /// The dialect of the provider's headers, if it can be written.
    pub dialect: Option<String>,
}

/// What a policy is.
#[napi(catch_unwind)]
pub fn policy_parts(policy: &External<Shared>) -> PolicyParts {
    let policy = policy.handle.load();
    PolicyParts {
        limits: policy.limits().iter().map(|limit| limit.id().to_owned()).collect(),
        provider: policy.provider().name().to_owned(),
        dialect: policy.headers().and_then(Dialect::of).map(|dialect| dialect.to_string()),
    }
}

/// The same policy with nothing counted yet.
#[napi(catch_unwind)]
pub fn policy_anew(policy: &External<Shared>) -> External<Shared> {
    let anew = policy.handle.load().anew();
    External::new(Shared {
        handle: PolicyHandle::new(anew).carry(policy.carry),
        carry: policy.carry,
        clock: policy.clock.clone(),
    })
}

/// A request; names and what they name by turns.
#[napi(object, object_to_js = false)]
pub struct Asked {
    /// Whether it is counted.
    pub spend: bool,
    /// Of whoever asks.
    pub plan: Option<String>,
    /// For limits of single customers.
    pub customer: Option<String>,
    /// Method and path.
    pub endpoint: Option<String>,
    /// The customer's own.
    pub zone: Option<String>,
    /// Of limits whose unit is not named.
    pub cost: Option<Permits>,
    /// Scope, key, scope, key.
    pub scopes: Vec<String>,
    /// What the request carries...
    pub units: Vec<String>,
    /// ... and how many of each.
    pub amounts: Vec<Permits>,
    /// Unix time; the policy's clock if not said.
    pub now: Option<Time>,
}

/// An answer and the places it holds.
pub struct Verdict {
    report: Report,
    dialect: Option<Dialect>,
    places: RefCell<Option<InFlight>>,
}

/// Asks about a request.
#[napi(catch_unwind)]
pub fn ask_policy(env: &Env, policy: &External<Shared>, asked: Asked) -> Result<External<Verdict>> {
    let cannot = |message: String| range_error(env, "ERR_REQUEST", &message);
    let mut request = Request::new().cost(asked.cost.map_or(1, |cost| cost.0));
    if let Some(plan) = &asked.plan {
        request = request.plan(plan);
    }
    if let Some(customer) = &asked.customer {
        request = request.customer(customer);
    }
    if let Some(endpoint) = &asked.endpoint {
        request = request.request_line(endpoint);
    }
    if let Some(zone) = &asked.zone {
        request = request.zone(zone);
    }
    for pair in asked.scopes.chunks_exact(2) {
        let scope: Scope = pair[0].parse().map_err(|error: UnknownScope| cannot(error.to_string()))?;
        request = request.scope(scope, &pair[1]);
    }
    for (unit, amount) in asked.units.iter().zip(&asked.amounts) {
        request = request.units(unit, amount.0);
    }
    let policy = policy.handle.load_full();
    let now = asked.now.map_or_else(|| policy.now(), |now| now.0);
    let verdict = if asked.spend { policy.take_at(now, &request) } else { policy.peek_at(now, &request) };
    let verdict = verdict.map_err(|error: RequestError| cannot(error.to_string()))?;
    Ok(External::new(Verdict {
        report: verdict.report(),
        dialect: policy.headers().and_then(Dialect::of),
        places: RefCell::new(Some(verdict.into_in_flight())),
    }))
}

/// Whether the request may go ahead.
#[napi(catch_unwind)]
pub fn verdict_allowed(verdict: &External<Verdict>) -> bool {
    verdict.report.allowed
}

/// Gives the places back; whether this call did.
#[napi(catch_unwind)]
pub fn verdict_release(verdict: &External<Verdict>) -> bool {
    let places = verdict.places.borrow_mut().take();
    places.is_some()
}

/// The header fields of the answer in a dialect, or in the provider's own, if any.
#[napi(catch_unwind)]
pub fn verdict_headers(env: &Env, verdict: &External<Verdict>, dialect: Option<String>) -> Result<Vec<String>> {
    let named = dialect.map(|name| headers::dialect(env, &name)).transpose()?;
    let Some(dialect) = named.or(verdict.dialect) else { return Ok(Vec::new()) };
    verdict.report.headers_in(dialect).map(headers::flat).map_err(|error| headers::refused(env, &error))
}

/// A verdict's figures, in nanoseconds.
#[napi(object)]
pub struct VerdictParts {
    /// The place of the limit that binds.
    pub binding: Option<u32>,
    /// None: never, or nobody knows.
    pub retry_after: Option<BigInt>,
    /// Whether the same request can never be allowed.
    pub never: bool,
    /// The provider's.
    pub code: Option<String>,
    /// Of HTTP.
    pub status: u32,
    /// In the order of the file, those in shadow last.
    pub limits: Vec<LimitParts>,
}

/// What one limit said.
#[napi(object)]
pub struct LimitParts {
    /// In the policy file.
    pub id: String,
    /// Whom it counts.
    pub scope: String,
    /// What its permits are.
    pub unit: String,
    /// Whether it allows the request.
    pub allowed: bool,
    /// Whether it is on trial.
    pub shadow: bool,
    /// Whether it never allows the request.
    pub never: bool,
    /// Asked of it.
    pub cost: BigInt,
    /// Permits in all.
    pub limit: BigInt,
    /// Permits left.
    pub remaining: BigInt,
    /// Permits used.
    pub used: BigInt,
    /// None: never, or nobody knows.
    pub retry_after: Option<BigInt>,
    /// Until it is as good as new.
    pub reset_after: BigInt,
    /// As ISO 8601.
    pub resets_at: Option<String>,
}

/// All that a verdict says.
#[napi(catch_unwind)]
pub fn verdict_parts(verdict: &External<Verdict>) -> VerdictParts {
    let report = &verdict.report;
    VerdictParts {
        binding: report.binding.and_then(|at| u32::try_from(at).ok()),
        retry_after: report.retry_after_nanos.map(BigInt::from),
        never: report.never,
        code: report.code.clone(),
        status: report.status.into(),
        limits: report.limits.iter().map(limit_parts).collect(),
    }
}

fn limit_parts(limit: &LimitReport) -> LimitParts {
    LimitParts {
        id: limit.id.clone(),
        scope: limit.scope.name().to_owned(),
        unit: limit.unit.clone(),
        allowed: limit.allowed,
        shadow: limit.shadow,
        never: limit.never,
        cost: limit.cost.into(),
        limit: limit.quota.limit.into(),
        remaining: limit.quota.remaining.into(),
        used: limit.quota.used.into(),
        retry_after: limit.retry_after_nanos.map(BigInt::from),
        reset_after: limit.reset_after_nanos.into(),
        resets_at: limit.quota.resets_at_iso(),
    }
}

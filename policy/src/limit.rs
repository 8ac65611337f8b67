//! One published limit: whom it counts, what it counts, how much, in which window, and the words of the document behind it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate::{Algorithm, Anchor, Limiter, Quota, QuotaError};

use crate::calendar::CalendarQuota;
use crate::endpoint::Endpoints;
use crate::place::Place;

/// A limit of a provider.
///
/// Made by [`Policy::from_toml`](crate::Policy::from_toml); nothing here is checked again later.
#[derive(Clone, Debug)]
pub struct Limit {
    pub(crate) id: String,
    pub(crate) table: Option<String>,
    pub(crate) plan: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) scope: Scope,
    pub(crate) endpoints: Endpoints,
    pub(crate) pool: Pool,
    pub(crate) unit: String,
    pub(crate) allowance: Allowance,
    pub(crate) window: Option<Window>,
    pub(crate) example: Option<Allowance>,
    pub(crate) source: String,
    pub(crate) note: Option<String>,
    pub(crate) place: Place,
    pub(crate) category: Option<String>,
    pub(crate) instead: Vec<String>,
    pub(crate) keeping: Keeping,
}

/// How a limit is kept: how many keys, and what of it is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keeping {
    pub max_keys: Option<u32>,
    pub shadow: bool,
    pub optional: bool,
    pub per: Scope,
    pub code: Option<String>,
}

impl Limit {
    /// The name of the limit, unique in its file: `table/row/column`, or its own for a limit that stands in no table.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the table that it stands in; `None` for a limit stated in prose.
    pub fn table(&self) -> Option<&str> {
        self.table.as_deref()
    }

    /// The plan that it belongs to, in lower case; `None` when it holds for all.
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_deref()
    }

    /// The one customer that it holds for, instead of the plan's own limit; `None` when it holds for all.
    pub fn customer(&self) -> Option<&str> {
        self.customer.as_deref()
    }

    /// Whom it counts: each of these has a count of its own.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The requests that it counts.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether those requests share one count.
    pub fn pool(&self) -> Pool {
        self.pool
    }

    /// What a permit is: "requests" unless the document counts something else.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// How much is allowed.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// The window, for limits that have one.
    pub fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// An example number, for a limit whose document states the window and not the number.
    pub fn example(&self) -> Option<&Allowance> {
        self.example.as_ref()
    }

    /// The literal row or sentence of the document.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A remark of the policy file: what was read into the document.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The category of the file whose requests it counts, if it names one.
    pub fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    /// The most keys that are remembered for it, if the file says so for this limit.
    pub fn max_keys(&self) -> Option<u32> {
        self.keeping.max_keys
    }

    /// Whether it is on trial: counted and reported, and never a reason to deny.
    pub fn is_shadow(&self) -> bool {
        self.keeping.shadow
    }

    /// Whether it is passed over for requests that do not name its scope; otherwise such a request is an error.
    pub fn is_optional(&self) -> bool {
        self.keeping.optional
    }

    /// Who has a count of its own: the [scope](Limit::scope) itself, or, for limits of an endpoint, the scope of its callers.
    pub fn counted_per(&self) -> Scope {
        self.keeping.per
    }

    /// The code of its refusals, where that is not the one of its scope.
    pub fn code(&self) -> Option<&str> {
        self.keeping.code.as_deref()
    }

    /// The ids of the limits that this one, a customer's, stands instead of, if the file names them.
    pub fn instead(&self) -> &[String] {
        &self.instead
    }

    /// Where the number stands in the policy file.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The limiter that enforces this limit, new and full, on the clock of `tidegate`.
    ///
    /// `None` when there is no rate to enforce: a count, "Custom", "Unlimited". A calendar quota of the customer's own zone is in UTC.
    ///
    /// # Errors
    /// None for a limit that came out of a file: the quota was built once when the file was loaded.
    pub fn limiter(&self) -> Option<Result<Limiter, QuotaError>> {
        match (&self.allowance, &self.window) {
            (Allowance::Rate(quota), Some(window)) => Some(Limiter::new(window.algorithm, *quota)),
            (Allowance::Calendar(quota), Some(window)) => {
                Some(quota.in_zone(None).and_then(|quota| Limiter::new(window.algorithm, quota)))
            }
            _ => None,
        }
    }
}

/// Whom a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scope {
    /// Each API key or token.
    ApiKey,
    /// Each client address.
    Ip,
    /// Each account.
    Account,
    /// Each organization.
    Organization,
    /// Each domain that e-mail is sent from.
    SenderDomain,
    /// Each endpoint category, for each caller.
    Endpoint,
    /// Each single request: how much one may carry.
    Request,
}

impl Scope {
    /// All scopes, in the order of their declaration.
    pub const ALL: [Scope; 7] = [
        Scope::ApiKey,
        Scope::Ip,
        Scope::Account,
        Scope::Organization,
        Scope::SenderDomain,
        Scope::Endpoint,
        Scope::Request,
    ];

    pub(crate) const COUNT: usize = Scope::ALL.len();

    /// The name in text: `api-key`, `ip`, `account`, `organization`, `sender-domain`, `endpoint`, `request`.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::ApiKey => "api-key",
            Scope::Ip => "ip",
            Scope::Account => "account",
            Scope::Organization => "organization",
            Scope::SenderDomain => "sender-domain",
            Scope::Endpoint => "endpoint",
            Scope::Request => "request",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownScope(String);

impl fmt::Display for UnknownScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Scope::ALL.into_iter().map(Scope::name);
        write!(f, "there is no scope `{}`; {}", self.0, crate::place::nearest(&self.0, known))
    }
}

impl std::error::Error for UnknownScope {}

impl FromStr for Scope {
    type Err = UnknownScope;

    /// # Errors
    /// Any other text, with the nearest name.
    fn from_str(text: &str) -> Result<Scope, UnknownScope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// Whether the requests of one limit are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Pool {
    /// All endpoints of the limit share one count.
    #[default]
    Shared,
    /// Each endpoint pattern of the limit has a count of its own.
    PerEndpoint,
}

/// How much a limit allows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allowance {
    /// So many in a fixed period, in the grammar of [`Quota`].
    Rate(Quota),
    /// So many in each hour, day, week, month or year of the calendar.
    Calendar(CalendarQuota),
    /// The document says "Custom": agreed with each customer.
    Custom,
    /// The document says "Unlimited".
    Unlimited,
    /// The document names the limit and publishes no number.
    Unstated,
    /// At most so many things at all: a stock, not a rate.
    Count(u64),
    /// At most so many at the same time.
    Concurrency(u64),
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowance::Rate(quota) => quota.fmt(f),
            Allowance::Calendar(quota) => quota.fmt(f),
            Allowance::Custom => f.write_str("custom"),
            Allowance::Unlimited => f.write_str("unlimited"),
            Allowance::Unstated => f.write_str("unstated"),
            Allowance::Count(count) => write!(f, "{count} in all"),
            Allowance::Concurrency(count) => write!(f, "{count} at once"),
        }
    }
}

/// How a limit's window runs, and why the file says so.
#[derive(Clone, Debug)]
pub struct Window {
    pub(crate) algorithm: Algorithm,
    pub(crate) start: Start,
    pub(crate) why: Option<String>,
    pub(crate) reading: Option<String>,
}

impl Window {
    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Where windows begin.
    pub fn start(&self) -> Start {
        self.start
    }

    /// The sentence of the document that says which window it is; `None` where it says nothing.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// What was read into the document, and on what grounds. A window has this, or [`why`](Window::why), or both.
    pub fn reading(&self) -> Option<&str> {
        self.reading.as_deref()
    }
}

/// Where windows begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Start {
    /// At the multiples of the period: the top of the hour, midnight UTC. Algorithms without windows ignore it.
    #[default]
    Clock,
    /// At the first call after the last window was paid off.
    FirstUse,
    /// At the units of a calendar quota.
    Calendar,
}

impl Start {
    pub(crate) fn apply(self, quota: Quota) -> Quota {
        match self {
            Start::FirstUse => quota.anchor(Anchor::FirstUse),
            Start::Clock | Start::Calendar => quota,
        }
    }
}

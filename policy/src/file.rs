//! The shape of a policy file as it is written, every value with its place. `policies/README.md` describes each key.
//!
//! Nothing here is checked beyond its type: `load` does that. Unknown keys are refused everywhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::advice::{Client, Headers, Schedule};
use crate::limit::{Pool, Scope, Start};

pub(crate) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub format: Spanned<u64>,
    pub provider: Provider,
    pub max_keys: Option<Spanned<u64>>,
    #[serde(default)]
    pub category: BTreeMap<String, Spanned<CategoryText>>,
    #[serde(default)]
    pub cost: Vec<Spanned<CostText>>,
    #[serde(default)]
    pub window: BTreeMap<String, Spanned<WindowText>>,
    #[serde(default)]
    pub table: Vec<Table>,
    #[serde(default)]
    pub limit: Vec<Spanned<LimitText>>,
    pub headers: Option<Spanned<Headers>>,
    pub refusal: Option<RefusalText>,
    pub retry: Option<RetryText>,
    pub client: Option<Spanned<Client>>,
}

/// Who publishes the limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    pub(crate) name: String,
    pub(crate) document: Option<String>,
    pub(crate) api: Option<String>,
}

impl Provider {
    /// The name of the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title of the document that the limits are taken from, or its first sentence; `None` for a policy of one's own.
    pub fn document(&self) -> Option<&str> {
        self.document.as_deref()
    }

    /// The base address of its API, if the document has it.
    pub fn api(&self) -> Option<&str> {
        self.api.as_deref()
    }
}

/// Endpoints under one name. A request belongs to the most specific category that it matches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryText {
    pub endpoints: Spanned<Vec<Text>>,
}

/// What a request to some endpoints counts for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostText {
    pub endpoints: Option<Spanned<Vec<Text>>>,
    pub category: Option<Text>,
    pub unit: Option<Text>,
    pub cost: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowText {
    pub algorithm: Text,
    #[serde(default)]
    pub anchor: Start,
    pub why: Option<Text>,
    pub reading: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub id: Text,
    pub heading: Text,
    pub header: Text,
    pub scope: Option<Scope>,
    pub scope_why: Option<Text>,
    pub endpoints: Option<Spanned<Vec<Text>>>,
    pub unit: Option<String>,
    pub window: Option<Text>,
    #[serde(default)]
    pub pool: Pool,
    pub pool_why: Option<Text>,
    pub max_keys: Option<Spanned<u64>>,
    pub shadow: Option<bool>,
    pub optional: Option<bool>,
    pub per: Option<Spanned<Scope>>,
    pub code: Option<Text>,
    pub note: Option<String>,
    pub columns: Vec<Spanned<Column>>,
    pub row: Vec<Spanned<Row>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub id: Option<String>,
    pub name: Text,
    pub holds: Spanned<Holds>,
    pub scope: Option<Scope>,
    pub scope_why: Option<Text>,
    pub endpoints: Option<Spanned<Vec<Text>>>,
    pub unit: Option<String>,
    pub window: Option<Text>,
    pub max_keys: Option<Spanned<u64>>,
    pub shadow: Option<bool>,
    pub optional: Option<bool>,
    pub per: Option<Spanned<Scope>>,
    pub code: Option<Text>,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Holds {
    /// The name of a plan.
    Plan,
    /// The name of anything else.
    Label,
    /// Nothing that limits.
    Text,
    /// A number that limits a rate; the row has a quota for it.
    Limit,
    /// A number that limits a stock; the row has a count for it.
    Count,
    /// The burst of the limit before it.
    Burst,
    /// The period of the limit before it.
    Period,
    /// Whom the row counts.
    Scope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub id: Option<Text>,
    pub scope: Option<Scope>,
    pub endpoints: Option<Spanned<Vec<Text>>>,
    pub max_keys: Option<Spanned<u64>>,
    pub shadow: Option<bool>,
    pub optional: Option<bool>,
    pub per: Option<Spanned<Scope>>,
    pub code: Option<Text>,
    pub note: Option<String>,
    pub source: Text,
    pub cells: Option<Spanned<Vec<Text>>>,
    pub limits: Spanned<Vec<Text>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitText {
    pub id: Text,
    pub plan: Option<String>,
    pub customer: Option<String>,
    pub scope: Scope,
    pub scope_why: Option<Text>,
    pub endpoints: Option<Spanned<Vec<Text>>>,
    pub category: Option<Text>,
    pub unit: Option<String>,
    #[serde(default)]
    pub pool: Pool,
    pub instead: Option<Spanned<Vec<Text>>>,
    pub max_keys: Option<Spanned<u64>>,
    pub shadow: Option<bool>,
    pub optional: Option<bool>,
    pub per: Option<Spanned<Scope>>,
    pub code: Option<Text>,
    pub quota: Option<Text>,
    pub count: Option<Spanned<u64>>,
    pub concurrency: Option<Spanned<u64>>,
    pub window: Option<Text>,
    pub example: Option<Text>,
    pub source: Option<Text>,
    pub note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefusalText {
    pub status: Spanned<u64>,
    pub code: Option<String>,
    pub message: Option<String>,
    #[serde(default)]
    pub scope_codes: BTreeMap<Scope, String>,
    pub source: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryText {
    pub schedule: Schedule,
    pub max_retries: Option<Spanned<u64>>,
    pub max_attempts: Option<Spanned<u64>>,
    pub base_delay_ms: Option<Spanned<u64>>,
    pub factor: Option<Spanned<u64>>,
    pub first_exponent: Option<u64>,
    pub jitter_ms: Option<Spanned<u64>>,
    pub missing_retry_after_s: Option<Spanned<u64>>,
    #[serde(default)]
    pub retry_after_is_floor: bool,
    #[serde(default)]
    pub source: Vec<Text>,
    pub note: Option<String>,
}

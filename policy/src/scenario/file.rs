//! The shape of a scenario file. `policies/scenarios/README.md` describes each key.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::limit::Scope;

pub(super) type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub policy: Text,
    #[serde(default)]
    pub examples: bool,
    pub scenario: Vec<Spanned<Scenario>>,
}

/// Who asks for what stands here for all steps; a step's own words win.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    pub name: String,
    #[serde(default)]
    pub shows: Vec<Text>,
    pub start: Text,
    pub plan: Option<String>,
    pub customer: Option<String>,
    pub zone: Option<String>,
    pub request: Option<OneOrMany>,
    #[serde(default)]
    pub scopes: BTreeMap<Scope, String>,
    pub cost: Option<u64>,
    #[serde(default)]
    pub units: BTreeMap<String, u64>,
    pub step: Vec<Spanned<Step>>,
}

/// Several requests are asked in turn.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub at: Text,
    pub times: Option<u64>,
    pub every: Option<Text>,
    pub plan: Option<String>,
    pub customer: Option<String>,
    pub zone: Option<String>,
    pub request: Option<OneOrMany>,
    #[serde(default)]
    pub scopes: BTreeMap<Scope, String>,
    pub cost: Option<u64>,
    #[serde(default)]
    pub units: BTreeMap<String, u64>,
    #[serde(default)]
    pub hold: bool,
    #[serde(default)]
    pub release: bool,
    // What is expected: of every call, and below that of the last one.
    pub allowed: Spanned<bool>,
    pub binding: Option<Text>,
    pub scope: Option<Spanned<Scope>>,
    pub code: Option<Text>,
    pub status: Option<Spanned<u16>>,
    pub remaining: Option<Spanned<u64>>,
    pub retry_after: Option<Text>,
    pub headers: Option<Spanned<Vec<String>>>,
    pub quota: Option<Spanned<Status>>,
    pub meets: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Status {
    pub used: u64,
    pub remaining: u64,
    pub limit: u64,
    pub resets_at: String,
}

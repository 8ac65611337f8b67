//! A loaded policy: the limits of one provider, its headers, and its advice.

use std::path::Path;
use std::sync::Arc;

use tidegate::Carry;

use crate::advice::{Client, Headers, Refusal, Retry};
use crate::endpoint::{Endpoint, Endpoints};
use crate::enforce::Enforcer;
use crate::evidence::bare;
use crate::file::Provider;
use crate::limit::Limit;
use crate::load::PolicyBuilder;
use crate::place::{Place, PolicyError};

/// The limits that a provider publishes.
///
/// `Send + Sync`. What was loaded never changes; what was counted is shared by all clones. A policy can be read ([`Policy::limits`]) and
/// asked ([`Policy::take`]).
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) provider: Provider,
    pub(crate) tables: Vec<TableInfo>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) headers: Option<Headers>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) retry: Option<Retry>,
    pub(crate) client: Option<Client>,
    pub(crate) quotations: Vec<(Place, String)>,
    pub(crate) costs: Vec<Cost>,
    pub(crate) categories: Vec<Vec<Endpoint>>,
    pub(crate) max_keys: Option<u32>,
    pub(crate) enforcer: Arc<Enforcer>,
}

/// What a request to some endpoints counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub(crate) endpoints: Endpoints,
    pub(crate) unit: String,
    pub(crate) cost: u64,
}

impl Cost {
    /// The requests.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The unit of the limits that it goes to.
    pub fn unit(&self) -> &str {
        &self.unit
    }

    /// How many permits one of the unit takes.
    pub fn cost(&self) -> u64 {
        self.cost
    }
}

/// A table of the provider's document.
#[derive(Clone, Debug)]
pub struct TableInfo {
    pub(crate) id: String,
    pub(crate) heading: String,
    pub(crate) rows: usize,
}

impl TableInfo {
    /// The id of the table; limits carry it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The heading that it stands under in the document.
    pub fn heading(&self) -> &str {
        &self.heading
    }

    /// How many rows it has, without its head.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Policy {
    /// Loads a policy file.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8; otherwise as [`Policy::from_toml`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Policy, PolicyError> {
        Policy::builder().from_file(path)
    }

    /// Loads with more to say: how large a file may be, how many keys, which clock, whether examples are enforced.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::new()
    }

    /// Loads a policy from text; `file` is the name that its errors carry.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place: text that is not TOML, an unknown or missing key, a quota that an algorithm
    /// cannot hold, a number, period or scope that the quotation beside it does not say, a row whose cells do not add up.
    pub fn from_toml(text: &str, file: &str) -> Result<Policy, PolicyError> {
        Policy::builder().from_toml(text, file)
    }

    /// Loads a policy from JSON text: the same keys as in TOML.
    ///
    /// # Errors
    /// As [`Policy::from_toml`].
    pub fn from_json(text: &str, file: &str) -> Result<Policy, PolicyError> {
        Policy::builder().from_json(text, file)
    }

    /// The time of the policy's clock, in nanoseconds.
    pub fn now(&self) -> u64 {
        self.enforcer.settings.clock.now()
    }

    /// The same policy with nothing counted yet.
    pub fn anew(&self) -> Policy {
        let settings = self.enforcer.settings.clone();
        let enforcer = Enforcer::new(&self.limits, &self.costs, &self.categories, self.max_keys, settings);
        Policy { enforcer: Arc::new(enforcer), ..self.clone() }
    }

    /// A builder with the settings of this policy.
    pub(crate) fn builder_alike(&self) -> PolicyBuilder {
        PolicyBuilder { settings: self.enforcer.settings.clone() }
    }

    /// This policy with what another one has counted; see `handle`.
    pub(crate) fn succeeding(self, old: &Policy, now: u64, carry: Carry) -> Policy {
        let settings = self.enforcer.settings.clone();
        let mut enforcer = Enforcer::new(&self.limits, &self.costs, &self.categories, self.max_keys, settings);
        enforcer.succeed((&self.limits, &old.limits), &old.enforcer, now, carry);
        Policy { enforcer: Arc::new(enforcer), ..self }
    }

    pub(crate) fn enforcer(&self) -> &Enforcer {
        &self.enforcer
    }

    /// Who publishes the limits.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The tables of the document, in its order.
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// All limits: those of the tables, then those stated in prose, in the order of the file.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }

    /// The limit with this id.
    pub fn limit(&self, id: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.id == id)
    }

    /// What requests to some endpoints count for, where that is not one.
    pub fn costs(&self) -> &[Cost] {
        &self.costs
    }

    /// The headers of the provider's responses.
    pub fn headers(&self) -> Option<&Headers> {
        self.headers.as_ref()
    }

    /// What the provider answers when a limit is exceeded.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// How the document tells clients to retry.
    pub fn retry(&self) -> Option<&Retry> {
        self.retry.as_ref()
    }

    /// How the document tells clients to pace themselves.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// How many literal quotations the file has.
    pub fn quotations(&self) -> usize {
        self.quotations.len()
    }

    /// Looks every quotation of the file up in a saved copy of the provider's document.
    ///
    /// White space, table bars and HTML tags are not compared.
    ///
    /// # Errors
    /// The first quotation that the document does not have, with its place in the policy file.
    pub fn check_quotations(&self, document: &str) -> Result<(), PolicyError> {
        let document = bare(document);
        match self.quotations.iter().find(|(_, quotation)| !document.contains(&bare(quotation))) {
            None => Ok(()),
            Some((place, quotation)) => {
                Err(PolicyError::at(place, quotation, "the document does not have these words".to_owned()))
            }
        }
    }
}

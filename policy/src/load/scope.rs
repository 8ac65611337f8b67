//! What a limit counts and how it is kept: endpoints and categories, costs, the keys of enforcement, a customer's replacements.
//!
//! Within one table, and among the categories of the file, a request belongs to one row: the most specific that it matches. Two rows
//! of which neither is the more specific, and which some request matches both, are refused.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use tidegate::Algorithm;
use toml::Spanned;

use super::Loader;
use crate::endpoint::{Endpoint, Endpoints};
use crate::file::{CategoryText, CostText, LimitText, Text};
use crate::limit::{Allowance, Keeping, Scope, Start, Window};
use crate::place::{PolicyError, nearest};
use crate::policy::Cost;

/// The most keys that a limit may ask for: a table of 22 GiB.
const MAX_KEYS: u64 = 1 << 30;
/// The most lists of endpoints that stand in no table and no category.
const MAX_LISTS: usize = 256;
/// The most patterns of one table, or of all categories: all pairs are compared.
const MAX_PATTERNS: usize = 512;
/// The most costs of a file: each is looked at for each limit of a request.
const MAX_COSTS: usize = 256;

/// The keys of enforcement as they are written at one level.
pub(super) struct KeepingText<'a> {
    pub max_keys: Option<&'a Spanned<u64>>,
    pub shadow: Option<bool>,
    pub optional: Option<bool>,
    pub per: Option<&'a Spanned<Scope>>,
    pub code: Option<&'a Text>,
}

impl Loader<'_> {
    pub(super) fn max_keys(&self, keys: &Spanned<u64>) -> Result<u32, PolicyError> {
        let checked = u32::try_from(*keys.get_ref()).ok().filter(|keys| (1..=MAX_KEYS).contains(&u64::from(*keys)));
        checked.ok_or_else(|| self.doc.error(keys.span(), format!("`max_keys` is from 1 to {MAX_KEYS}")))
    }

    /// The keys of enforcement of a limit; earlier levels win over later ones.
    pub(super) fn keeping(&mut self, scope: Scope, levels: &[&KeepingText<'_>]) -> Result<Keeping, PolicyError> {
        let per = levels.iter().find_map(|level| level.per);
        if let Some(per) = per {
            let caller = !matches!(per.get_ref(), Scope::Endpoint | Scope::Request);
            if scope != Scope::Endpoint || !caller {
                let message =
                    "`per` names the callers of an endpoint: it goes with the scope `endpoint`, and is none itself";
                return Err(self.doc.error(per.span(), message));
            }
        }
        let max_keys = levels.iter().find_map(|level| level.max_keys);
        let code = levels.iter().find_map(|level| level.code);
        if let Some(code) = code {
            self.quote(code);
        }
        Ok(Keeping {
            max_keys: max_keys.map(|keys| self.max_keys(keys)).transpose()?,
            shadow: levels.iter().find_map(|level| level.shadow).unwrap_or(false),
            optional: levels.iter().find_map(|level| level.optional).unwrap_or(false),
            per: match (scope, per) {
                (Scope::Endpoint, Some(per)) => *per.get_ref(),
                (Scope::Endpoint, None) => Scope::ApiKey,
                (scope, _) => scope,
            },
            code: code.map(|code| code.get_ref().clone()),
        })
    }

    /// What a quota of a file without a document runs in, if it does not say.
    pub(super) fn usual_window(&self, allowance: &Allowance) -> Option<Window> {
        let (algorithm, start) = match allowance {
            _ if self.quoted => return None,
            Allowance::Rate(_) => (Algorithm::Gcra, Start::Clock),
            Allowance::Calendar(_) => (Algorithm::FixedWindow, Start::Calendar),
            _ => return None,
        };
        Some(Window { algorithm, start, why: None, reading: None })
    }

    pub(super) fn categories(&mut self, texts: &BTreeMap<String, Spanned<CategoryText>>) -> Result<(), PolicyError> {
        let mut rows = Vec::new();
        for (name, text) in texts {
            let endpoints = &text.get_ref().endpoints;
            let Endpoints::Matching(patterns) = self.endpoints(endpoints)? else {
                return Err(self.doc.error(endpoints.span(), "a category lists its endpoints"));
            };
            rows.push((endpoints.span(), patterns.clone()));
            self.categories.insert(name.clone(), patterns);
        }
        self.told_apart(&rows)
    }

    /// The endpoints of a limit that stands in no table.
    pub(super) fn endpoints_of_limit(&mut self, spanned: &Spanned<LimitText>) -> Result<Endpoints, PolicyError> {
        let text = spanned.get_ref();
        match (&text.endpoints, &text.category) {
            (Some(endpoints), None) => {
                let read = self.endpoints(endpoints)?;
                self.count_list(&read, endpoints.span())?;
                if read == Endpoints::Others && self.categories.is_empty() {
                    let message =
                        "\"others\" means the other rows of a table, or what is in no category, and here is neither";
                    return Err(self.doc.error(endpoints.span(), message));
                }
                Ok(read)
            }
            (None, Some(category)) => self.category(category),
            _ => Err(self.doc.error(spanned.span(), "a limit has `endpoints` or a `category`")),
        }
    }

    /// Every list of its own is looked through at every request.
    fn count_list(&mut self, endpoints: &Endpoints, span: Range<usize>) -> Result<(), PolicyError> {
        if let Endpoints::Matching(patterns) = endpoints {
            self.prose.insert(patterns.clone());
        }
        if self.prose.len() > MAX_LISTS {
            let message = format!("more than {MAX_LISTS} limits and costs have endpoints of their own");
            return Err(self.doc.error(span, message).help("put the endpoints into categories"));
        }
        Ok(())
    }

    fn category(&self, name: &Text) -> Result<Endpoints, PolicyError> {
        match self.categories.get(name.get_ref()) {
            Some(patterns) => Ok(Endpoints::Matching(patterns.clone())),
            None => {
                let known = self.categories.keys().map(String::as_str);
                let message = format!("there is no category `{}`", name.get_ref());
                Err(self.doc.error(name.span(), message).help(nearest(name.get_ref(), known)))
            }
        }
    }

    pub(super) fn cost(&mut self, spanned: &Spanned<CostText>) -> Result<Cost, PolicyError> {
        let text = spanned.get_ref();
        self.costs += 1;
        if self.costs > MAX_COSTS {
            return Err(self.doc.error(spanned.span(), format!("a file has at most {MAX_COSTS} costs")));
        }
        let endpoints = match (&text.endpoints, &text.category) {
            (Some(endpoints), None) => {
                let read = self.endpoints(endpoints)?;
                self.count_list(&read, endpoints.span())?;
                read
            }
            (None, Some(category)) => self.category(category)?,
            _ => return Err(self.doc.error(spanned.span(), "a cost has `endpoints` or a `category`")),
        };
        if endpoints == Endpoints::Others && self.categories.is_empty() {
            return Err(self.doc.error(spanned.span(), "\"others\" means what is in no category, and there is none"));
        }
        let unit = text.unit.as_ref().map_or("requests", |unit| unit.get_ref().as_str());
        if let (Some(place), false) = (&text.unit, self.limits.iter().any(|limit| limit.unit == unit)) {
            let known: BTreeSet<&str> = self.limits.iter().map(|limit| limit.unit.as_str()).collect();
            let message = format!("no limit counts `{unit}`");
            return Err(self.doc.error(place.span(), message).help(nearest(unit, known.into_iter())));
        }
        Ok(Cost { endpoints, unit: unit.to_owned(), cost: *text.cost.get_ref() })
    }

    /// Every `instead` names a limit that is there and is no customer's.
    pub(super) fn replacements(&self, texts: &[Spanned<LimitText>]) -> Result<(), PolicyError> {
        let usual: HashSet<&str> =
            self.limits.iter().filter(|limit| limit.customer.is_none()).map(|limit| limit.id()).collect();
        let named = texts.iter().filter_map(|text| text.get_ref().instead.as_ref()).flat_map(|ids| ids.get_ref());
        match named.into_iter().find(|id| !usual.contains(id.get_ref().as_str())) {
            None => Ok(()),
            Some(id) => {
                let message = format!("there is no limit `{}` to stand instead of", id.get_ref());
                let known = self.limits.iter().map(|limit| limit.id()).filter(|id| usual.contains(id));
                Err(self.doc.error(id.span(), message).help(nearest(id.get_ref(), known)))
            }
        }
    }

    pub(super) fn endpoints(&self, text: &Spanned<Vec<Text>>) -> Result<Endpoints, PolicyError> {
        let words: Vec<&str> = text.get_ref().iter().map(|word| word.get_ref().as_str()).collect();
        match words[..] {
            ["all"] => return Ok(Endpoints::All),
            ["others"] => return Ok(Endpoints::Others),
            [] => return Err(self.doc.error(text.span(), "a limit counts at least one endpoint, or \"all\"")),
            _ => {}
        }
        let patterns: Result<Vec<Endpoint>, PolicyError> = text
            .get_ref()
            .iter()
            .map(|word| {
                let parsed: Result<Endpoint, _> = word.get_ref().parse();
                parsed.map_err(|error| {
                    self.doc.error(word.span(), format!("`{}` is no endpoint: {error}", word.get_ref()))
                })
            })
            .collect();
        patterns.map(Endpoints::Matching)
    }

    /// Refuses rows that share requests without one being more specific than the other.
    pub(super) fn told_apart(&self, rows: &[(Range<usize>, Vec<Endpoint>)]) -> Result<(), PolicyError> {
        let patterns: usize = rows.iter().map(|(_, patterns)| patterns.len()).sum();
        if let (true, Some((span, _))) = (patterns > MAX_PATTERNS, rows.last()) {
            return Err(self
                .doc
                .error(span.clone(), format!("more than {MAX_PATTERNS} patterns are to be told apart")));
        }
        for (n, (_, first)) in rows.iter().enumerate() {
            for (span, second) in &rows[n + 1..] {
                if first == second {
                    continue;
                }
                for (left, right) in first.iter().flat_map(|left| second.iter().map(move |right| (left, right))) {
                    let ordered = left.within(right) != right.within(left);
                    if left.overlaps(right) && !ordered {
                        let message =
                            format!("`{right}` overlaps `{left}` of another row, and neither is the more specific");
                        return Err(self.doc.error(span.clone(), message).help(
                            "a request belongs to one row: part them by method, or write out a segment that is a name",
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

//! From a file as it is written to a policy that may be believed: names resolved, defaults applied, every number checked.

mod advice;
mod builder;
mod json;
mod scope;
mod table;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use tidegate::{Algorithm, Limiter, Quota};
use toml::Spanned;

use crate::calendar::CalendarQuota;
use crate::check::{self, Evidence};
use crate::endpoint::Endpoint;
use crate::enforce::{Enforcer, Settings};
use crate::file::{File, LimitText, Text, WindowText};
use crate::limit::{Allowance, Limit, Start, Window};
use crate::place::{Document, Place, PolicyError, nearest};
use crate::policy::{Policy, TableInfo};
pub use builder::PolicyBuilder;
use scope::KeepingText;

/// The version of the format that this crate reads.
const FORMAT: u64 = 1;

/// The most limits of a file: some comparisons are between all pairs.
const MAX_LIMITS: usize = 8_192;

const ALGORITHMS: [&str; 5] = ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"];

fn load(doc: &Document<'_>, file: File, settings: Settings) -> Result<Policy, PolicyError> {
    if *file.format.get_ref() != FORMAT {
        let message = format!("format {} is not known", file.format.get_ref());
        return Err(doc.error(file.format.span(), message).help(format!("this version reads format {FORMAT}")));
    }
    let mut loader = Loader {
        doc,
        quoted: file.provider.document.is_some(),
        windows: BTreeMap::new(),
        categories: BTreeMap::new(),
        limits: Vec::new(),
        ids: HashMap::new(),
        prose: HashSet::new(),
        costs: 0,
        quotations: Vec::new(),
    };
    let max_keys = file.max_keys.as_ref().map(|keys| loader.max_keys(keys)).transpose()?;
    loader.categories(&file.category)?;
    for (name, window) in &file.window {
        loader.window(name, window)?;
    }
    let mut tables = Vec::new();
    for table in &file.table {
        loader.quote(&table.heading);
        loader.quote(&table.header);
        loader.table(table)?;
        let (id, heading) = (table.id.get_ref().clone(), table.heading.get_ref().clone());
        tables.push(TableInfo { id, heading, rows: table.row.len() });
    }
    for limit in &file.limit {
        loader.limit(limit)?;
    }
    loader.replacements(&file.limit)?;
    let costs: Vec<_> = file.cost.iter().map(|cost| loader.cost(cost)).collect::<Result<_, _>>()?;
    if let Some((name, (_, span, _))) = loader.windows.iter().find(|(_, (_, _, used))| !used) {
        return Err(doc.error(span.clone(), format!("no limit uses the window `{name}`")));
    }
    if let Some(headers) = &file.headers {
        loader.headers(headers);
    }
    let refusal = file.refusal.as_ref().map(|refusal| loader.refusal(refusal)).transpose()?;
    let retry = file.retry.as_ref().map(|retry| loader.retry(retry)).transpose()?;
    if let Some(client) = &file.client {
        loader.client(client)?;
    }
    let categories: Vec<_> = loader.categories.into_values().collect();
    let enforcer = Enforcer::new(&loader.limits, &costs, &categories, max_keys, settings);
    if let Some(last) = enforcer.too_many_rates() {
        let limit = &loader.limits[last as usize];
        let message = "with this limit a request can meet more than 16 rates at once";
        return Err(PolicyError::at(&limit.place, &limit.id, message.to_owned()));
    }
    Ok(Policy {
        provider: file.provider,
        tables,
        limits: loader.limits,
        headers: file.headers.map(Spanned::into_inner),
        refusal,
        retry,
        client: file.client.map(Spanned::into_inner),
        quotations: loader.quotations,
        costs,
        categories,
        max_keys,
        enforcer: Arc::new(enforcer),
    })
}

struct Loader<'a> {
    doc: &'a Document<'a>,
    /// Whether the file quotes a document: then every number needs its quotation.
    quoted: bool,
    categories: BTreeMap<String, Vec<Endpoint>>,
    /// By name: the window, where it stands, and whether a limit uses it.
    windows: BTreeMap<String, (Window, Range<usize>, bool)>,
    limits: Vec<Limit>,
    /// Where each limit stands, by its id.
    ids: HashMap<String, Place>,
    /// The lists of endpoints that stand in no table.
    prose: HashSet<Vec<Endpoint>>,
    costs: usize,
    quotations: Vec<(Place, String)>,
}

impl Loader<'_> {
    fn quote(&mut self, text: &Text) {
        self.quote_at(text.span(), text.get_ref());
    }

    fn quote_at(&mut self, span: Range<usize>, text: &str) {
        self.quotations.push((self.doc.place(span.start), text.to_owned()));
    }

    fn window(&mut self, name: &str, text: &Spanned<WindowText>) -> Result<(), PolicyError> {
        let span = text.span();
        let text = text.get_ref();
        let algorithm: Algorithm = text.algorithm.get_ref().parse().map_err(|_| {
            let given = text.algorithm.get_ref();
            self.doc
                .error(text.algorithm.span(), format!("`{given}` is no algorithm"))
                .help(nearest(given, ALGORITHMS.into_iter()))
        })?;
        if self.quoted && text.why.is_none() && text.reading.is_none() {
            return Err(self
                .doc
                .error(span, format!("the window `{name}` does not say why"))
                .help("`why` quotes the sentence of the document that says which window it is; `reading` says what was assumed"));
        }
        if let Some(why) = &text.why {
            self.quote(why);
        }
        let window = Window {
            algorithm,
            start: text.anchor,
            why: text.why.as_ref().map(|why| why.get_ref().trim().to_owned()),
            reading: text.reading.clone(),
        };
        self.windows.insert(name.to_owned(), (window, span, false));
        Ok(())
    }

    fn find_window(&mut self, name: Option<&Text>) -> Result<Option<Window>, PolicyError> {
        let Some(name) = name else { return Ok(None) };
        if let Some((window, _, used)) = self.windows.get_mut(name.get_ref()) {
            *used = true;
            return Ok(Some(window.clone()));
        }
        if let (false, Ok(algorithm)) = (self.quoted, name.get_ref().parse()) {
            return Ok(Some(Window { algorithm, start: Start::Clock, why: None, reading: None }));
        }
        let known = self
            .windows
            .keys()
            .map(String::as_str)
            .chain(if self.quoted { &[][..] } else { &ALGORITHMS[..] }.iter().copied());
        let message = format!("there is no window `{}`", name.get_ref());
        Err(self.doc.error(name.span(), message).help(nearest(name.get_ref(), known)))
    }

    fn limit(&mut self, spanned: &Spanned<LimitText>) -> Result<(), PolicyError> {
        let text = spanned.get_ref();
        match &text.source {
            Some(source) => self.quote(source),
            None if self.quoted => {
                let message = format!("the limit `{}` has no `source`", text.id.get_ref());
                return Err(self
                    .doc
                    .error(text.id.span(), message)
                    .help("a file that names a `document` quotes the words behind every limit"));
            }
            None => {}
        }
        if let Some(why) = &text.scope_why {
            self.quote(why);
            check::scope(self.doc, &why.span(), text.scope, why.get_ref())?;
        }
        let endpoints = self.endpoints_of_limit(spanned)?;
        let window = self.find_window(text.window.as_ref())?;
        let (allowance, span) = match (&text.quota, &text.count, &text.concurrency) {
            (Some(quota), None, None) => (self.allowance(quota, window.as_ref())?, quota.span()),
            (None, Some(count), None) => (Allowance::Count(*count.get_ref()), count.span()),
            (None, None, Some(count)) => (Allowance::Concurrency(*count.get_ref()), count.span()),
            _ => return Err(self.doc.error(spanned.span(), "a limit has one of `quota`, `count` and `concurrency`")),
        };
        let window = window.or_else(|| self.usual_window(&allowance));
        let source = text.source.as_ref().map(|source| source.get_ref().as_str());
        if let Some(source) = source.filter(|_| self.quoted) {
            let evidence = Evidence {
                number: source,
                exact: false,
                burst: None,
                period: source.to_owned(),
                name: "its `source`".to_owned(),
            };
            check::allowance(self.doc, &span, &allowance, &evidence)?;
        }
        let example = match (&text.example, &allowance) {
            (None, _) => None,
            (Some(example), Allowance::Unstated) => Some(self.allowance(example, window.as_ref())?),
            (Some(example), _) => {
                return Err(self
                    .doc
                    .error(example.span(), "an `example` stands in only for a quota that is \"unstated\""));
            }
        };
        if let (Some(instead), None) = (&text.instead, &text.customer) {
            return Err(self.doc.error(instead.span(), "only the limit of a `customer` stands instead of others"));
        }
        let keys = [&KeepingText {
            max_keys: text.max_keys.as_ref(),
            shadow: text.shadow,
            optional: text.optional,
            per: text.per.as_ref(),
            code: text.code.as_ref(),
        }];
        let limit = Limit {
            id: text.id.get_ref().clone(),
            table: None,
            plan: text.plan.as_ref().map(|plan| plan.to_lowercase()),
            customer: text.customer.clone(),
            scope: text.scope,
            endpoints,
            pool: text.pool,
            unit: text.unit.as_deref().unwrap_or("requests").to_owned(),
            allowance,
            window,
            example,
            source: source.unwrap_or("").to_owned(),
            note: text.note.clone(),
            place: self.doc.place(span.start),
            category: text.category.as_ref().map(|category| category.get_ref().clone()),
            instead: text.instead.iter().flat_map(|ids| ids.get_ref()).map(|id| id.get_ref().clone()).collect(),
            keeping: self.keeping(text.scope, &keys)?,
        };
        self.push(limit, text.id.span())
    }

    fn push(&mut self, limit: Limit, span: Range<usize>) -> Result<(), PolicyError> {
        if let Some(first) = self.ids.insert(limit.id.clone(), limit.place.clone()) {
            let message = format!("the limit `{}` stands twice; first at {first}", limit.id);
            return Err(self.doc.error(span, message));
        }
        if self.limits.len() >= MAX_LIMITS {
            return Err(self.doc.error(span, format!("a file has at most {MAX_LIMITS} limits")));
        }
        self.limits.push(limit);
        Ok(())
    }

    /// A quota in text, or one of the words for its absence; built once, so that a limiter of it cannot fail later.
    fn allowance(&self, text: &Text, window: Option<&Window>) -> Result<Allowance, PolicyError> {
        let value = text.get_ref().as_str();
        match value {
            "custom" => return Ok(Allowance::Custom),
            "unlimited" => return Ok(Allowance::Unlimited),
            "unstated" => return Ok(Allowance::Unstated),
            _ => {}
        }
        if window.is_none() && self.quoted {
            return Err(self.doc.error(text.span(), "a quota needs a `window`"));
        }
        let quota: Quota = value.parse().map_err(|error: tidegate::QuotaError| {
            let span = error.position().map_or(text.span(), |position| self.doc.inside(text.span(), value, position));
            let misread = self.doc.error(span, error.to_string());
            error.suggestion().map_or(misread.clone(), |zone| misread.help(format!("did you mean `{zone}`?")))
        })?;
        let calendar = CalendarQuota::as_written(quota, value);
        if window.is_some_and(|window| calendar.is_some() != (window.start == Start::Calendar)) {
            let help = "a window with `anchor = \"calendar\"` takes quotas per calendar unit, and no other window does";
            return Err(self.doc.error(text.span(), format!("`{value}` does not go with its window")).help(help));
        }
        let usual = if calendar.is_some() { Algorithm::FixedWindow } else { Algorithm::Gcra };
        let algorithm = window.map_or(usual, |window| window.algorithm);
        let quota = window.map_or(quota, |window| window.start.apply(quota));
        let holds = |algorithm: &Algorithm| Limiter::new(*algorithm, quota).is_ok();
        Limiter::new(algorithm, quota).map_err(|error| {
            let others: Vec<String> =
                Algorithm::ALL.iter().filter(|other| holds(other)).map(|other| format!("`{other}`")).collect();
            let help = if others.is_empty() { "no algorithm".to_owned() } else { others.join(", ") };
            let refused = self.doc.error(text.span(), format!("{algorithm} cannot hold `{value}`: {error}"));
            refused.help(format!("what can hold it in such a window: {help}"))
        })?;
        Ok(calendar.map_or(Allowance::Rate(quota), Allowance::Calendar))
    }

    fn count_text(&self, text: &Text) -> Result<Allowance, PolicyError> {
        match text.get_ref().as_str() {
            "custom" => Ok(Allowance::Custom),
            "unlimited" => Ok(Allowance::Unlimited),
            value => value.parse().map(Allowance::Count).map_err(|_| {
                self.doc.error(text.span(), format!("`{value}` is no whole number, \"custom\" or \"unlimited\""))
            }),
        }
    }
}

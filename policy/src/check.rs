//! Does a quota say what its quotation says? The number, the burst, the period and the scope, each or an error.
//!
//! A cell of a table is stricter evidence than a sentence: it must hold exactly the one number. A sentence must hold it among others.

use std::ops::Range;

use crate::calendar::words;
use crate::evidence::{names_period, names_scope, names_word, numbers};
use crate::limit::{Allowance, Scope};
use crate::place::{Document, PolicyError};

/// The words of the document that speak for one limit.
pub(crate) struct Evidence<'a> {
    /// The cell or the sentence that has the number.
    pub number: &'a str,
    /// Whether it must hold that number and no other.
    pub exact: bool,
    /// The cell that has the burst.
    pub burst: Option<&'a str>,
    /// The words that name the period.
    pub period: String,
    /// What to call the evidence in an error.
    pub name: String,
}

/// Checks a limit at `span` against its evidence.
pub(crate) fn allowance(
    doc: &Document<'_>,
    span: &Range<usize>,
    allowance: &Allowance,
    evidence: &Evidence<'_>,
) -> Result<(), PolicyError> {
    let fail = |message: String| Err(doc.error(span.clone(), message));
    let word = |word: &str| {
        let burst_agrees = evidence.burst.is_none_or(|cell| cell.to_lowercase().starts_with(word));
        if evidence.number.trim().to_lowercase().starts_with(word) && burst_agrees {
            return Ok(());
        }
        fail(format!("\"{word}\" stands here, but {} says `{}`", evidence.name, shown(evidence.number)))
    };
    match allowance {
        Allowance::Custom => word("custom"),
        Allowance::Unlimited => word("unlimited"),
        Allowance::Unstated if states_something(evidence.number) => {
            fail(format!("\"unstated\" stands here, but {} says `{}`", evidence.name, shown(evidence.number)))
        }
        Allowance::Unstated => Ok(()),
        Allowance::Count(count) | Allowance::Concurrency(count) => number(doc, span, "count", *count, evidence),
        Allowance::Rate(quota) => {
            number(doc, span, "quota", quota.limit(), evidence)?;
            burst(doc, span, quota.limit(), quota.capacity(), evidence)?;
            if names_period(&evidence.period, quota.period_nanos()) {
                return Ok(());
            }
            fail(format!("this quota is per {:?}, which {} does not say", quota.period(), evidence.name))
                .map_err(|error| error.help(format!("it says `{}`", shown(&evidence.period))))
        }
        Allowance::Calendar(quota) => {
            number(doc, span, "quota", quota.limit(), evidence)?;
            if names_word(&evidence.period, words(quota.unit())) {
                return Ok(());
            }
            fail(format!("this quota is per calendar {}, which {} does not say", quota.unit().name(), evidence.name))
                .map_err(|error| error.help(format!("it says `{}`", shown(&evidence.period))))
        }
    }
}

fn number(
    doc: &Document<'_>,
    span: &Range<usize>,
    what: &str,
    value: u64,
    evidence: &Evidence<'_>,
) -> Result<(), PolicyError> {
    let found = numbers(evidence.number);
    if if evidence.exact { found == [value] } else { found.contains(&value) } {
        return Ok(());
    }
    Err(doc.error(
        span.clone(),
        format!("this {what} allows {value}, but {} says `{}`", evidence.name, shown(evidence.number)),
    ))
}

fn burst(
    doc: &Document<'_>,
    span: &Range<usize>,
    limit: u64,
    capacity: u64,
    evidence: &Evidence<'_>,
) -> Result<(), PolicyError> {
    let said = match evidence.burst {
        Some(cell) => numbers(cell) == [capacity],
        None => capacity == limit || (!evidence.exact && numbers(evidence.number).contains(&capacity)),
    };
    if said {
        return Ok(());
    }
    let cell = evidence.burst.unwrap_or(evidence.number);
    Err(doc
        .error(span.clone(), format!("this quota has a burst of {capacity}, but the document says `{}`", shown(cell))))
}

/// Checks that the words name the scope.
pub(crate) fn scope(doc: &Document<'_>, span: &Range<usize>, scope: Scope, words: &str) -> Result<(), PolicyError> {
    if names_scope(words, scope) {
        return Ok(());
    }
    Err(doc.error(span.clone(), format!("the scope is `{scope}`, but the document says `{}`", shown(words))))
}

/// Checks that a number of the advice stands in the quoted lines.
pub(crate) fn advice(
    doc: &Document<'_>,
    span: Range<usize>,
    key: &str,
    value: u64,
    lines: &str,
) -> Result<(), PolicyError> {
    if numbers(lines).contains(&value) {
        return Ok(());
    }
    Err(doc.error(span, format!("`{key}` is {value}, but no line of `source` has that number")))
}

/// Whether the words hold a number, or a word that stands for one.
fn states_something(words: &str) -> bool {
    !numbers(words).is_empty() || names_word(words.trim(), &["custom", "unlimited"])
}

/// A quotation on one line.
fn shown(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

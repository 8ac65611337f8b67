//! Headers, refusals, retries and pacing: every number must stand in the lines that are quoted for it.

use std::ops::Range;

use toml::Spanned;

use super::Loader;
use crate::advice::{Client, Headers, Refusal, Retry};
use crate::check;
use crate::file::{RefusalText, RetryText, Text};
use crate::place::PolicyError;

impl Loader<'_> {
    /// Whether a number stands in the lines that are quoted for it, where a document is quoted at all.
    fn stands(&self, span: &Range<usize>, key: &str, value: u64, lines: &str) -> Result<(), PolicyError> {
        if self.quoted { check::advice(self.doc, span.clone(), key, value, lines) } else { Ok(()) }
    }

    pub(super) fn headers(&mut self, headers: &Spanned<Headers>) {
        let span = headers.span();
        let headers = headers.get_ref();
        headers.source.iter().for_each(|line| self.quote(line));
        let names = [&headers.limit, &headers.remaining, &headers.reset, &headers.retry_after, &headers.scope];
        for name in names.into_iter().flatten() {
            self.quote_at(span.clone(), name);
        }
    }

    pub(super) fn refusal(&mut self, text: &RefusalText) -> Result<Refusal, PolicyError> {
        text.source.iter().for_each(|source| self.quote(source));
        let span = text.status.span();
        let words = [&text.code, &text.message];
        for word in words.into_iter().flatten().chain(text.scope_codes.values()) {
            self.quote_at(span.clone(), word);
        }
        let status = *text.status.get_ref();
        self.stands(&span, "status", status, text.source.as_ref().map_or("", |source| source.get_ref()))?;
        let status = u16::try_from(status).ok().filter(|status| (100..1000).contains(status));
        Ok(Refusal {
            status: status.ok_or_else(|| self.doc.error(span, "an HTTP status has three digits"))?,
            code: text.code.clone(),
            message: text.message.clone(),
            scope_codes: text.scope_codes.clone(),
        })
    }

    pub(super) fn retry(&mut self, text: &RetryText) -> Result<Retry, PolicyError> {
        text.source.iter().for_each(|line| self.quote(line));
        let lines = join(&text.source);
        let numbers = [
            ("max_retries", &text.max_retries),
            ("max_attempts", &text.max_attempts),
            ("base_delay_ms", &text.base_delay_ms),
            ("factor", &text.factor),
            ("jitter_ms", &text.jitter_ms),
            ("missing_retry_after_s", &text.missing_retry_after_s),
        ];
        for (key, value) in numbers {
            if let Some(value) = value {
                self.stands(&value.span(), key, *value.get_ref(), &lines)?;
            }
        }
        if let (Some(attempts), Some(_)) = (&text.max_attempts, &text.max_retries) {
            return Err(self.doc.error(attempts.span(), "a document counts attempts or retries, not both"));
        }
        let plain = |value: &Option<Spanned<u64>>| value.as_ref().map(|value| *value.get_ref());
        Ok(Retry {
            schedule: text.schedule,
            max_retries: plain(&text.max_retries)
                .or(plain(&text.max_attempts).map(|attempts| attempts.saturating_sub(1))),
            base_delay_ms: plain(&text.base_delay_ms),
            factor: plain(&text.factor),
            first_exponent: text.first_exponent.unwrap_or(0),
            jitter_ms: plain(&text.jitter_ms).unwrap_or(0),
            missing_retry_after_s: plain(&text.missing_retry_after_s),
            retry_after_is_floor: text.retry_after_is_floor,
            note: text.note.clone(),
        })
    }

    pub(super) fn client(&mut self, spanned: &Spanned<Client>) -> Result<(), PolicyError> {
        let client = spanned.get_ref();
        client.source.iter().for_each(|line| self.quote(line));
        let lines = join(&client.source);
        let shares = [
            ("slow_down_below_percent", client.slow_down_below_percent),
            ("warn_below_percent", client.warn_below_percent),
            ("alert_above_percent", client.alert_above_percent),
        ];
        for (key, value) in shares {
            if let Some(value) = value {
                self.stands(&spanned.span(), key, value, &lines)?;
            }
        }
        let Some(pacing) = &client.pacing else { return Ok(()) };
        pacing.source.iter().for_each(|line| self.quote(line));
        let lines = join(&pacing.source);
        for (key, value) in [("start_ms", pacing.start_ms), ("min_ms", pacing.min_ms), ("max_ms", pacing.max_ms)] {
            self.stands(&spanned.span(), key, value, &lines)?;
        }
        for step in &pacing.steps {
            for value in [step.above_percent, step.below_percent].into_iter().flatten() {
                self.stands(&spanned.span(), "steps", value, &lines)?;
            }
            if self.quoted && !lines.contains(&format!("* {},", step.factor)) {
                let message = format!("no line of `source` multiplies by {}", step.factor);
                return Err(self.doc.error(spanned.span(), message));
            }
        }
        Ok(())
    }
}

fn join(lines: &[Text]) -> String {
    lines.iter().map(|line| line.get_ref().as_str()).collect::<Vec<_>>().join("\n")
}

//! Playing scenarios: requests at their instants, verdicts beside what was expected.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use toml::Spanned;

use super::file::{File, OneOrMany, Scenario, Status, Step, Text};
use crate::enforce::{InFlight, Report, Request, Verdict};
use crate::place::{Document, PolicyError};
use crate::policy::Policy;

/// What was played.
#[derive(Debug, Default)]
pub struct Played {
    scenes: Vec<Scene>,
    denied: BTreeSet<String>,
    met: BTreeSet<String>,
}

/// One scenario.
#[derive(Debug)]
pub struct Scene {
    /// Its name.
    pub name: String,
    /// Its steps; of a step with several calls the last.
    pub acts: Vec<Act>,
}

/// The last call of a step.
#[derive(Debug)]
pub struct Act {
    /// When, in nanoseconds since 1970.
    pub now_nanos: u64,
    /// Method and path.
    pub request: String,
    /// How many calls the step had.
    pub calls: u64,
    /// What was answered.
    pub report: Report,
    /// The headers of the answer.
    pub headers: Vec<String>,
}

impl Played {
    /// The scenarios in their order.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }

    /// The ids of limits that were the reason of an expected denial.
    pub fn denied(&self) -> impl Iterator<Item = &str> {
        self.denied.iter().map(String::as_str)
    }

    /// The ids of limits that a step says its request meets.
    pub fn met(&self) -> impl Iterator<Item = &str> {
        self.met.iter().map(String::as_str)
    }
}

pub(super) fn play(doc: &Document<'_>, file: &File, policy: &Policy) -> Result<Played, PolicyError> {
    let mut played = Played::default();
    for scenario in &file.scenario {
        // Each begins with nothing counted.
        let policy = policy.anew();
        let scene = Player { doc, policy: &policy, played: &mut played }.scenario(scenario.get_ref())?;
        played.scenes.push(scene);
    }
    Ok(played)
}

struct Player<'a> {
    doc: &'a Document<'a>,
    policy: &'a Policy,
    played: &'a mut Played,
}

impl Player<'_> {
    fn scenario(&mut self, scenario: &Scenario) -> Result<Scene, PolicyError> {
        let start: Timestamp = self.read(&scenario.start, "an instant such as 2026-01-15T12:20:17Z")?;
        let start = u64::try_from(start.as_nanosecond());
        let start = start.map_err(|_| self.doc.error(scenario.start.span(), "an instant from 1970 to 2554"))?;
        let mut held = Vec::new();
        let mut before = start;
        let mut acts = Vec::new();
        for spanned in &scenario.step {
            let step = spanned.get_ref();
            let from = start.saturating_add(self.duration(&step.at)?);
            if from < before {
                return Err(self.doc.error(step.at.span(), "a step is no earlier than the last call before it"));
            }
            if step.release {
                held.clear();
            }
            let act = self.step(scenario, spanned, from, &mut held)?;
            before = act.now_nanos;
            acts.push(act);
        }
        Ok(Scene { name: scenario.name.clone(), acts })
    }

    fn step(
        &mut self,
        scenario: &Scenario,
        spanned: &Spanned<Step>,
        from: u64,
        held: &mut Vec<InFlight>,
    ) -> Result<Act, PolicyError> {
        let step = spanned.get_ref();
        let every = step.every.as_ref().map(|every| self.duration(every)).transpose()?.unwrap_or(0);
        let calls = step.times.unwrap_or(1).max(1);
        let lines = match step.request.as_ref().or(scenario.request.as_ref()) {
            Some(OneOrMany::One(line)) => std::slice::from_ref(line),
            Some(OneOrMany::Many(lines)) if !lines.is_empty() => lines,
            _ => return Err(self.doc.error(spanned.span(), "the step has no `request`")),
        };
        let mut last = None;
        for call in 0..calls {
            let now = from.saturating_add(every.saturating_mul(call));
            let line = &lines[(call % lines.len() as u64) as usize];
            let scopes: Vec<_> = scenario.scopes.iter().chain(&step.scopes).collect();
            let keys: Vec<_> =
                scopes.iter().map(|(scope, key)| (**scope, key.replace("{n}", &call.to_string()))).collect();
            let mut request = Request::new().request_line(line).cost(step.cost.or(scenario.cost).unwrap_or(1));
            request.plan = step.plan.as_deref().or(scenario.plan.as_deref());
            request.customer = step.customer.as_deref().or(scenario.customer.as_deref());
            request.zone = step.zone.as_deref().or(scenario.zone.as_deref());
            for (scope, key) in &keys {
                request = request.scope(*scope, key);
            }
            for (unit, amount) in scenario.units.iter().chain(&step.units) {
                request = request.units(unit, *amount);
            }
            let verdict = self
                .policy
                .take_at(now, &request)
                .map_err(|error| self.doc.error(spanned.span(), error.to_string()))?;
            if verdict.is_allowed() != *step.allowed.get_ref() {
                let word = if verdict.is_allowed() { "allowed" } else { "denied" };
                let message = format!("call {} of {calls} was {word}: {verdict:?}", call + 1);
                return Err(self.doc.error(step.allowed.span(), message));
            }
            if call + 1 == calls {
                let met = self.policy.limits_of(&request).unwrap_or_default();
                self.compare(step, &verdict, &met.iter().map(|limit| limit.id().to_owned()).collect::<Vec<_>>())?;
                let headers = headers(&verdict);
                last = Some(Act { now_nanos: now, request: line.clone(), calls, report: verdict.report(), headers });
            }
            if step.hold {
                held.push(verdict.into_in_flight());
            }
        }
        last.ok_or_else(|| self.doc.error(spanned.span(), "the step has no call"))
    }

    fn compare(&mut self, step: &Step, verdict: &Verdict<'_>, met: &[String]) -> Result<(), PolicyError> {
        let binding = verdict.binding();
        if let Some(expected) = &step.binding {
            let given = binding.map_or("", |binding| binding.id());
            self.same(expected.span(), "the binding limit", expected.get_ref().as_str(), given)?;
            if !verdict.is_allowed() {
                self.played.denied.insert(given.to_owned());
            }
        }
        if let Some(expected) = &step.scope {
            let given = verdict.scope().map_or("", |scope| scope.name());
            self.same(expected.span(), "the scope", expected.get_ref().name(), given)?;
        }
        if let Some(expected) = &step.code {
            self.same(expected.span(), "the code", expected.get_ref().as_str(), verdict.code().unwrap_or(""))?;
        }
        if let Some(expected) = &step.status {
            self.same(expected.span(), "the status", *expected.get_ref(), verdict.status())?;
        }
        if let Some(expected) = &step.remaining {
            let given = binding.map_or(0, |binding| binding.remaining());
            self.same(expected.span(), "what remains", *expected.get_ref(), given)?;
        }
        if let Some(expected) = &step.retry_after {
            let given = match verdict.retry_after_nanos() {
                _ if verdict.is_never() => "never".to_owned(),
                None => "unknown".to_owned(),
                Some(wait) => format!("{wait} ns"),
            };
            let wait = match expected.get_ref().as_str() {
                word @ ("never" | "unknown") => word.to_owned(),
                _ => format!("{} ns", self.duration(expected)?),
            };
            self.same(expected.span(), "retry_after", wait, given)?;
        }
        if let Some(expected) = &step.quota {
            let given = verdict.quota().map(|quota| Status {
                used: quota.used,
                remaining: quota.remaining,
                limit: quota.limit,
                resets_at: quota.resets_at_iso().unwrap_or_default(),
            });
            self.same(expected.span(), "the quota", Some(expected.get_ref()), given.as_ref())?;
        }
        if let Some(expected) = &step.headers {
            self.same(expected.span(), "the headers", expected.get_ref().as_slice(), headers(verdict).as_slice())?;
        }
        if let Some(expected) = &step.meets {
            self.same(expected.span(), "the limits met", expected.get_ref().as_slice(), met)?;
            self.played.met.extend(met.iter().cloned());
        }
        Ok(())
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        span: Range<usize>,
        what: &str,
        expected: T,
        given: T,
    ) -> Result<(), PolicyError> {
        if expected == given {
            return Ok(());
        }
        Err(self.doc.error(span, format!("{what}: expected {expected:?}, answered was {given:?}")))
    }

    fn duration(&self, text: &Text) -> Result<u64, PolicyError> {
        let duration: SignedDuration = self.read(text, "a duration such as 1h 30m or 59.5s")?;
        u64::try_from(duration.as_nanos()).map_err(|_| self.doc.error(text.span(), "a duration from 0 to 584 years"))
    }

    fn read<T: std::str::FromStr>(&self, text: &Text, expected: &str) -> Result<T, PolicyError> {
        let value = text.get_ref();
        value.parse().map_err(|_| self.doc.error(text.span(), format!("`{value}` is not {expected}")))
    }
}

/// The headers that the provider would send, a line each.
fn headers(verdict: &Verdict<'_>) -> Vec<String> {
    // A policy's own scopes and ids are printable.
    verdict.headers().unwrap_or_default().into_iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

//! One parser for all dialects: names sort the fields into limits, one pass, bounded work.
//!
//! A field says one thing about one limit. Fields belong to one limit if they have the same prefix and the same name of a limit. Of two
//! values for one thing the stricter counts: the smaller number, the longer wait.

use super::draft;
use super::moment::{self, Latest};
use super::number::Decimal;
use super::observed::{Observed, ObservedLimit, Seen};

/// The prefixes that tell families apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// `x-ratelimit-`
    X,
    /// `x-rate-limit-`
    Twitter,
    /// `anthropic-ratelimit-`
    Anthropic,
    /// `ratelimit-`
    Draft06,
    /// `ratelimit`, a dictionary
    Draft07,
    /// `ratelimit`, a list
    Draft08,
}

/// What is known of one limit so far.
#[derive(Clone, Debug)]
pub(super) struct Gathered {
    family: Family,
    name: Box<str>,
    pub(super) limit: Option<u64>,
    pub(super) remaining: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) window: Option<u64>,
    pub(super) reset: Latest,
    /// Discord's wait, which needs no clock.
    reset_after: Latest,
}

impl Gathered {
    /// Of two limits the smaller.
    pub(super) fn at_most(place: &mut Option<u64>, value: u64) {
        *place = Some(place.map_or(value, |known| known.min(value)));
    }
}

/// All that was gathered from one response.
#[derive(Default)]
pub(super) struct Sheet {
    limits: Vec<Gathered>,
    /// Of 06 and 07: quotas and their windows.
    quotas: Vec<(u64, u64)>,
    pub(super) ignored: u32,
    date: Option<u128>,
    retry: Latest,
    every: Latest,
    scope: Option<Box<str>>,
    bucket: Option<Box<str>>,
    resource: Option<Box<str>>,
    global: bool,
    discord: bool,
}

impl Observed {
    /// The most limits that are read from one response.
    pub const MAX_LIMITS: usize = 16;
    /// The most fields with a recognized name that are read from one response.
    pub const MAX_FIELDS: usize = 96;
    /// The longest value that is read, in bytes.
    pub const MAX_VALUE: usize = 2048;

    /// Reads the rate-limit headers of a response, at `now` in Unix nanoseconds. Names in any case; other headers are passed over.
    ///
    /// Never fails: what cannot be read is left out and counted in [`ignored`](Observed::ignored). The work is bounded by
    /// the number of headers and the three limits above, and so is the memory.
    ///
    /// Instants are measured from the response's own `Date` if it has one, otherwise from `now`: the server's clock told both. A bare number as a
    /// reset is a wait below 10^9 and an instant from there (`docs/headers.md` has the table).
    ///
    /// ```
    /// use tidegate_policy::headers::{Observed, Seen};
    ///
    /// let now = 1_705_320_000_000_000_000;
    /// let headers = [("X-RateLimit-Limit", "300"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1705320023")];
    /// let observed = Observed::parse(headers, now);
    /// assert!(observed.seen().eq([Seen::XRateLimit]));
    /// assert_eq!(observed.wait(), 23_000_000_000);
    /// ```
    pub fn parse<N: AsRef<str>, V: AsRef<[u8]>>(headers: impl IntoIterator<Item = (N, V)>, now: u64) -> Observed {
        let mut sheet = Sheet::default();
        let mut fields = 0;
        for (name, value) in headers {
            let mut buffer = [0; 64];
            let Some(name) = lower_case(name.as_ref(), &mut buffer) else {
                continue;
            };
            let Some(field) = Field::of(name) else {
                continue;
            };
            fields += 1;
            let value = value.as_ref();
            let read =
                fields <= Self::MAX_FIELDS && value.len() <= Self::MAX_VALUE && sheet.read(field, value).is_some();
            if !read {
                sheet.ignored = sheet.ignored.saturating_add(1);
            }
        }
        sheet.observed(now)
    }
}

/// What one field is about, by its name.
#[derive(Clone, Copy, Debug)]
enum Field<'a> {
    Date,
    RetryAfter,
    RetryAfterMillis,
    /// mailiam's, on every response.
    RetryAfterOnEvery,
    Drafts,
    Policies,
    Scope,
    Bucket,
    Resource,
    Global,
    Of(Family, &'a str, Part),
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Limit,
    Remaining,
    Used,
    Reset,
    ResetAfter,
}

impl<'a> Field<'a> {
    /// `name` in lower case.
    fn of(name: &'a str) -> Option<Field<'a>> {
        let (family, rest) = match name {
            "date" => return Some(Field::Date),
            "retry-after" => return Some(Field::RetryAfter),
            "retry-after-ms" | "x-ms-retry-after-ms" => return Some(Field::RetryAfterMillis),
            "x-ratelimit-retryafter" | "x-ratelimit-retry-after" => return Some(Field::RetryAfterOnEvery),
            "ratelimit" | "x-ratelimit" => return Some(Field::Drafts),
            "ratelimit-policy" | "x-ratelimit-policy" => return Some(Field::Policies),
            "x-ratelimit-scope" => return Some(Field::Scope),
            "x-ratelimit-bucket" => return Some(Field::Bucket),
            "x-ratelimit-resource" => return Some(Field::Resource),
            "x-ratelimit-global" => return Some(Field::Global),
            _ => {
                if let Some(rest) = name.strip_prefix("x-ratelimit-") {
                    (Family::X, rest)
                } else if let Some(rest) = name.strip_prefix("x-rate-limit-") {
                    (Family::Twitter, rest)
                } else if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
                    (Family::Anthropic, rest)
                } else {
                    (Family::Draft06, name.strip_prefix("ratelimit-")?)
                }
            }
        };
        if family == Family::Anthropic {
            let (of, part) = rest.rsplit_once('-')?;
            return Some(Field::Of(family, of, Part::of(part)?));
        }
        if rest == "reset-after" {
            return Some(Field::Of(family, "", Part::ResetAfter));
        }
        let (part, of) = rest.split_once('-').unwrap_or((rest, ""));
        Some(Field::Of(family, of, Part::of(part)?))
    }
}

impl Part {
    fn of(text: &str) -> Option<Part> {
        match text {
            "limit" => Some(Part::Limit),
            "remaining" => Some(Part::Remaining),
            "used" => Some(Part::Used),
            // GitLab says it twice: as a number and as a date.
            "reset" | "resettime" => Some(Part::Reset),
            _ => None,
        }
    }
}

impl Sheet {
    /// `None`: the field could not be read.
    fn read(&mut self, field: Field<'_>, value: &[u8]) -> Option<()> {
        match field {
            Field::Drafts => return draft::limits(self, value),
            Field::Policies => return draft::policies(self, value),
            _ => {}
        }
        let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
        match field {
            // Read above.
            Field::Drafts | Field::Policies => {}
            Field::Date => self.date = Some(moment::http_date(text)?),
            Field::RetryAfter => self.retry.tell(moment::wait(text)?),
            Field::RetryAfterMillis => self.retry.tell(moment::millis(text)?),
            Field::RetryAfterOnEvery => self.every.tell(moment::wait(text)?),
            Field::Scope => self.scope = Some(label(text)?),
            Field::Bucket => self.bucket = Some(label(text)?),
            Field::Resource => self.resource = Some(label(text)?),
            Field::Global => {
                self.discord = true;
                self.global |= text.eq_ignore_ascii_case("true");
            }
            Field::Of(family, name, part) => {
                // Parsed before a place is made, so that what is malformed takes none.
                match part {
                    Part::Limit => {
                        let count = count(text)?;
                        Gathered::at_most(&mut self.limit(family, name)?.limit, count);
                    }
                    Part::Remaining => {
                        let count = count(text).or_else(|| Decimal::parse(text).map(|number| number.count()))?;
                        Gathered::at_most(&mut self.limit(family, name)?.remaining, count);
                    }
                    Part::Used => {
                        let used = count(text)?;
                        let place = &mut self.limit(family, name)?.used;
                        *place = (*place).max(Some(used));
                    }
                    Part::Reset => {
                        let told = moment::reset(text)?;
                        self.limit(family, name)?.reset.tell(told);
                    }
                    Part::ResetAfter => {
                        let told = moment::wait(text)?;
                        self.discord |= family == Family::X;
                        self.limit(family, name)?.reset_after.tell(told);
                    }
                }
            }
        }
        Some(())
    }

    /// The limit of this name, made if it is new; `None` if there are too many.
    pub(super) fn limit(&mut self, family: Family, name: &str) -> Option<&mut Gathered> {
        let known = self.limits.iter().position(|limit| limit.family == family && *limit.name == *name);
        let place = match known {
            Some(place) => place,
            None if self.limits.len() < Observed::MAX_LIMITS => {
                let name = if name.is_empty() { Box::from("") } else { label(name)? };
                self.limits.push(Gathered {
                    family,
                    name,
                    limit: None,
                    remaining: None,
                    used: None,
                    window: None,
                    reset: Latest::default(),
                    reset_after: Latest::default(),
                });
                self.limits.len().checked_sub(1)?
            }
            None => return None,
        };
        self.limits.get_mut(place)
    }

    /// A policy of 06 or 07: the window of the limit with this number, if there is one.
    pub(super) fn quota(&mut self, quota: u64, window: u64) {
        if self.quotas.len() < Observed::MAX_LIMITS {
            self.quotas.push((quota, window));
        } else {
            self.ignored = self.ignored.saturating_add(1);
        }
    }

    fn observed(mut self, now: u64) -> Observed {
        let base = self.date.and_then(|date| u64::try_from(date).ok()).unwrap_or(now);
        let mut observed = Observed { ignored: self.ignored, global: self.global, ..Observed::default() };
        observed.retry_after = self.retry.from(base).map(|(wait, _)| wait);
        observed.on_every_response = self.every.from(base).map(|(wait, _)| wait);
        if observed.retry_after.is_some() {
            observed.mark(Seen::RetryAfter);
        }
        let unnamed = self.unnamed_style();
        if observed.on_every_response.is_some() {
            observed.mark(Seen::Mailiam);
        }
        if unnamed == Seen::Discord {
            observed.mark(Seen::Discord);
        }
        observed.global |= self.scope.as_deref() == Some("global");
        for mut gathered in std::mem::take(&mut self.limits) {
            let seen = match gathered.family {
                Family::X if gathered.name.is_empty() => unnamed,
                Family::X => Seen::OpenAi,
                Family::Twitter => Seen::Twitter,
                Family::Anthropic => Seen::Anthropic,
                Family::Draft06 => Seen::Draft06,
                Family::Draft07 => Seen::Draft07,
                Family::Draft08 => Seen::Draft08,
            };
            observed.mark(seen);
            if let Some(quota) = gathered.limit
                && matches!(gathered.family, Family::Draft06 | Family::Draft07)
            {
                let windows = self.quotas.iter().filter(|(of, _)| *of == quota).map(|(_, window)| *window);
                gathered.window = windows.min();
            }
            let of_x = gathered.family == Family::X && gathered.name.is_empty();
            if of_x {
                gathered.name = self.bucket.take().or(self.resource.take()).unwrap_or_default();
            }
            observed.limits.push(gathered.told(seen, if of_x { self.scope.take() } else { None }, base));
        }
        observed
    }

    /// Whose `X-RateLimit-Limit`, `-Remaining`, `-Reset` these are.
    fn unnamed_style(&self) -> Seen {
        let plain = self.limits.iter().find(|limit| limit.family == Family::X && limit.name.is_empty());
        if self.discord || self.bucket.is_some() {
            Seen::Discord
        } else if self.every.from(0).is_some() || self.scope.is_some() {
            Seen::Mailiam
        } else if self.resource.is_some() {
            Seen::GitHub
        } else if plain.is_some_and(|limit| limit.limit.is_none() && limit.used.is_some()) {
            Seen::Reddit
        } else {
            Seen::XRateLimit
        }
    }
}

impl Gathered {
    fn told(self, seen: Seen, scope: Option<Box<str>>, base: u64) -> ObservedLimit {
        // Discord's wait needs no clock.
        let reset = self.reset_after.from(base).or(self.reset.from(base));
        // What was used and what remains make the limit; either of them follows from it and the other.
        let limit = self.limit.or_else(|| self.used?.checked_add(self.remaining?));
        let remaining = self.remaining.or_else(|| Some(self.limit?.saturating_sub(self.used?)));
        ObservedLimit {
            seen,
            name: (!self.name.is_empty()).then_some(self.name),
            scope,
            limit,
            remaining,
            reset_after: reset.map(|(wait, _)| wait),
            reset_form: reset.map(|(_, form)| form),
            window: self.window,
        }
    }
}

/// A count, rounded down. A negative limit or use is none. What follows a comma or a semicolon is a comment, as in the drafts before 06.
fn count(text: &str) -> Option<u64> {
    let number = text.split([',', ';']).next()?.trim_matches([' ', '\t']);
    let decimal = Decimal::parse(number)?;
    (!decimal.is_negative()).then(|| decimal.count())
}

/// A name or a scope that is fit to be kept: printable ASCII, at most 64 bytes.
fn label(text: &str) -> Option<Box<str>> {
    let fits = !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    fits.then(|| Box::from(text))
}

/// `None` for a name that is longer than any that is known.
fn lower_case<'a>(name: &str, buffer: &'a mut [u8; 64]) -> Option<&'a str> {
    let place = buffer.get_mut(..name.len())?;
    place.copy_from_slice(name.as_bytes());
    place.make_ascii_lowercase();
    std::str::from_utf8(place).ok()
}

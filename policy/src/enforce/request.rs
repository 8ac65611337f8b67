//! `Request`: what a policy is asked about, in borrowed words, and `RequestError`: what it cannot be asked.
//!
//! A denied request is a verdict. What is an error is a question without meaning: a plan that the policy does not have, a limit whose
//! scope the request does not name. Nothing has then been counted.

use std::fmt;

use crate::limit::Scope;

/// A request to an API, as far as its limits are concerned.
///
/// ```
/// use tidegate_policy::{Request, Scope};
/// let request = Request::new()
///     .plan("free")
///     .endpoint("POST", "/v1/emails/batch")
///     .scope(Scope::Organization, "org_1")
///     .scope(Scope::SenderDomain, "example.com")
///     .units("emails", 40);
/// assert_eq!((request.amount("emails"), request.amount("requests")), (40, 1));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request is asked with `Policy::take`"]
pub struct Request<'a> {
    pub(crate) plan: Option<&'a str>,
    pub(crate) customer: Option<&'a str>,
    pub(crate) target: Target<'a>,
    pub(crate) keys: [Option<&'a str>; Scope::COUNT],
    pub(crate) cost: u64,
    /// Those beyond the first few go to the heap. (No `SmallVec`: a request of static words may be used with shorter-lived ones.)
    pub(crate) units: [Option<(&'a str, u64)>; 3],
    pub(crate) more_units: Vec<(&'a str, u64)>,
    pub(crate) zone: Option<&'a str>,
}

/// The method and the path of a request, together or apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'a> {
    None,
    Apart(&'a str, &'a str),
    Together(&'a str),
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request {
            plan: None,
            customer: None,
            target: Target::None,
            keys: [None; Scope::COUNT],
            cost: 1,
            units: [None; 3],
            more_units: Vec::new(),
            zone: None,
        }
    }
}

impl<'a> Request<'a> {
    /// A request of cost 1 without plan, endpoint or scopes.
    pub fn new() -> Request<'a> {
        Request::default()
    }

    /// The plan of whoever asks. Case does not matter.
    pub fn plan(mut self, plan: &'a str) -> Request<'a> {
        self.plan = Some(plan);
        self
    }

    /// The customer, for policies with limits of single customers. One that the policy does not know has none.
    pub fn customer(mut self, customer: &'a str) -> Request<'a> {
        self.customer = Some(customer);
        self
    }

    /// The method and the path; a query or a fragment in the path is passed over.
    pub fn endpoint(mut self, method: &'a str, path: &'a str) -> Request<'a> {
        self.target = Target::Apart(method, path);
        self
    }

    /// Method and path in one text: `POST /v1/x/send`.
    pub fn request_line(mut self, line: &'a str) -> Request<'a> {
        self.target = Target::Together(line);
        self
    }

    /// Who is asking, in one scope: `scope(Scope::ApiKey, "key_1")`. Said once for each scope that the policy counts.
    pub fn scope(mut self, scope: Scope, key: &'a str) -> Request<'a> {
        self.keys[scope as usize] = Some(key);
        self
    }

    /// What the request takes of every limit whose unit is not named by [`Request::units`]; 1 if not said.
    pub fn cost(mut self, cost: u64) -> Request<'a> {
        self.cost = cost;
        self
    }

    /// How many of one unit the request carries: `units("emails", 40)` is one request and forty e-mails.
    pub fn units(mut self, unit: &'a str, amount: u64) -> Request<'a> {
        if let Some((_, known)) =
            self.units.iter_mut().flatten().chain(&mut self.more_units).find(|(known, _)| *known == unit)
        {
            *known = amount;
            return self;
        }
        match self.units.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some((unit, amount)),
            None => self.more_units.push((unit, amount)),
        }
        self
    }

    /// The customer's own time zone (IANA), for calendar quotas that name none. UTC if not said.
    pub fn zone(mut self, zone: &'a str) -> Request<'a> {
        self.zone = Some(zone);
        self
    }

    /// How many permits of this unit the request asks for, before the costs of the policy.
    pub fn amount(&self, unit: &str) -> u64 {
        self.named_amount(unit).unwrap_or(self.cost)
    }

    pub(crate) fn named_amount(&self, unit: &str) -> Option<u64> {
        // Filled from the first.
        self.units[0]?;
        self.named_units().find(|(known, _)| *known == unit).map(|(_, amount)| *amount)
    }

    pub(crate) fn named_units(&self) -> impl Iterator<Item = &(&'a str, u64)> {
        self.units.iter().flatten().chain(&self.more_units)
    }

    /// Method and path, the path without query and fragment.
    pub(crate) fn split(&self) -> Result<(&'a str, &'a str), RequestError> {
        let (method, path) = match self.target {
            Target::None => return Err(RequestError::NoEndpoint),
            Target::Apart(method, path) => (method, path),
            Target::Together(line) => {
                line.trim().split_once(' ').ok_or_else(|| RequestError::Endpoint { given: line.to_owned() })?
            }
        };
        let path = path.trim_start();
        let end = path.bytes().position(|byte| matches!(byte, b'?' | b'#' | b' ')).unwrap_or(path.len());
        let (head, tail) = path.split_at(end);
        if method.is_empty() || !head.starts_with('/') || tail.contains(' ') {
            return Err(RequestError::Endpoint { given: format!("{method} {path}") });
        }
        Ok((method, head))
    }
}

/// Why a policy could not be asked. Nothing was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The policy has plans, and the request names none.
    NoPlan {
        /// The plans that there are.
        known: Vec<String>,
    },
    /// The policy has no such plan.
    UnknownPlan {
        /// What the request said.
        given: String,
        /// The plans that there are.
        known: Vec<String>,
    },
    /// The request has no method and path, and the policy has limits of some endpoints only.
    NoEndpoint,
    /// This is not a method and a path.
    Endpoint {
        /// What the request said.
        given: String,
    },
    /// The request does not say who is asking in a scope that one of its limits counts.
    NoKey {
        /// The scope to name.
        scope: Scope,
        /// The limit that counts it.
        limit: String,
    },
    /// No limit of the policy counts this unit.
    UnknownUnit {
        /// What the request said.
        given: String,
        /// The units that there are.
        known: Vec<String>,
    },
    /// There is no such time zone.
    UnknownZone {
        /// What the request said.
        given: String,
        /// The zone that may have been meant.
        nearest: Option<&'static str>,
    },
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nearest = |given: &str, known: &[String]| crate::place::nearest(given, known.iter().map(String::as_str));
        match self {
            RequestError::NoPlan { known } => {
                write!(f, "the request names no plan; known are `{}`", known.join("`, `"))
            }
            RequestError::UnknownPlan { given, known } => {
                write!(f, "the policy has no plan `{given}`; {}", nearest(given, known))
            }
            RequestError::NoEndpoint => f.write_str("the request has no endpoint, such as `POST /send`"),
            RequestError::Endpoint { given } => {
                write!(f, "`{given}` is no endpoint: expected a method and a path, such as `POST /send`")
            }
            RequestError::NoKey { scope, limit } => {
                write!(f, "the request names no `{scope}`, which the limit `{limit}` counts")
            }
            RequestError::UnknownUnit { given, known } => {
                write!(f, "no limit counts `{given}`; {}", nearest(given, known))
            }
            RequestError::UnknownZone { given, nearest } => {
                write!(f, "there is no time zone `{given}`")?;
                nearest.map_or(Ok(()), |zone| write!(f, "; did you mean `{zone}`?"))
            }
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_is_a_method_and_a_path() {
        let split = |line| Request::new().request_line(line).split();
        assert_eq!(split("POST /v1/x/send?draft=1#top"), Ok(("POST", "/v1/x/send")));
        assert_eq!(split(" GET  /x "), Ok(("GET", "/x")));
        for line in ["", " ", "GET", "/x", "GET x", "GET /x HTTP/1.1", "GET  "] {
            assert!(matches!(split(line), Err(RequestError::Endpoint { .. })), "{line}");
        }
        assert_eq!(Request::new().split(), Err(RequestError::NoEndpoint));
        assert!(Request::new().endpoint("", "/x").split().is_err());
    }

    #[test]
    fn units_are_said_once() {
        let request = Request::new().cost(7).units("emails", 3).units("emails", 4).units("b", 0);
        assert_eq!((request.amount("emails"), request.amount("b"), request.amount("requests")), (4, 0, 7));
        let request = request.units("c", 1).units("d", 2).units("e", 3).units("d", 9);
        assert_eq!((request.amount("d"), request.amount("e"), request.named_units().count()), (9, 3, 5));
    }
}

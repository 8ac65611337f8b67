//! `Arrival`: one request of a load, owned and used again for the next; `Source`: where they come from.

use crate::enforce::Request;
use crate::limit::Scope;
use crate::simulate::TraceError;

/// One request: when it comes and what it asks. Empty words are words not said.
///
/// ```
/// use tidegate_policy::Scope;
/// use tidegate_policy::simulate::Arrival;
/// let arrival = Arrival { plan: "free".into(), ..Arrival::default() }.key(Scope::ApiKey, "k1").endpoint("POST /send");
/// assert_eq!((arrival.method.as_str(), arrival.path.as_str()), ("POST", "/send"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Arrival {
    /// Nanoseconds since 1970-01-01 UTC.
    pub at: u64,
    /// See [`Request::cost`].
    pub cost: u64,
    /// See [`Request::plan`].
    pub plan: String,
    /// See [`Request::customer`].
    pub customer: String,
    /// `GET`, `POST` ...
    pub method: String,
    /// The path, with a `/` in front.
    pub path: String,
    /// See [`Request::zone`].
    pub zone: String,
    /// Who is asking, by scope, in the order of [`Scope::ALL`].
    pub keys: [String; Scope::COUNT],
    /// See [`Request::units`].
    pub units: Vec<(String, u64)>,
}

impl Default for Arrival {
    fn default() -> Self {
        Arrival {
            at: 0,
            cost: 1,
            plan: String::new(),
            customer: String::new(),
            method: String::new(),
            path: String::new(),
            zone: String::new(),
            keys: Default::default(),
            units: Vec::new(),
        }
    }
}

impl Arrival {
    /// Who is asking, in one scope.
    pub fn key(mut self, scope: Scope, key: &str) -> Arrival {
        key.clone_into(&mut self.keys[scope as usize]);
        self
    }

    /// Method and path in one text. Without a blank it is a path, asked with `GET`.
    pub fn endpoint(mut self, line: &str) -> Arrival {
        self.set_endpoint(line);
        self
    }

    pub(crate) fn set_endpoint(&mut self, line: &str) {
        let line = line.trim();
        let (method, path) = line.split_once(' ').unwrap_or(("GET", line));
        method.clone_into(&mut self.method);
        path.trim_start().clone_into(&mut self.path);
    }

    pub(crate) fn request(&self) -> Request<'_> {
        let said = |word: &'_ String| !word.is_empty();
        let mut request = Request {
            plan: Some(self.plan.as_str()).filter(|_| said(&self.plan)),
            customer: Some(self.customer.as_str()).filter(|_| said(&self.customer)),
            zone: Some(self.zone.as_str()).filter(|_| said(&self.zone)),
            keys: std::array::from_fn(|n| Some(self.keys[n].as_str()).filter(|key| !key.is_empty())),
            cost: self.cost,
            ..Request::new()
        };
        if said(&self.path) {
            request = request.endpoint(if self.method.is_empty() { "GET" } else { &self.method }, &self.path);
        }
        for (unit, amount) in &self.units {
            request = request.units(unit, *amount);
        }
        request
    }
}

/// Where requests come from, in the order of time.
pub trait Source {
    /// Puts the next request into `arrival`, which holds the last one; `false` at the end.
    ///
    /// # Errors
    /// What was recorded cannot be read.
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, TraceError>;

    /// Where the last request stands, as `file:line`, if anywhere.
    fn place(&self) -> Option<String> {
        None
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    fn next(&mut self, arrival: &mut Arrival) -> Result<bool, TraceError> {
        (**self).next(arrival)
    }

    fn place(&self) -> Option<String> {
        (**self).place()
    }
}

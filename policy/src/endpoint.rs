//! Which requests a limit counts: `POST /email/send`, `GET/POST /domains/**`, `all`, `others`.
//!
//! A pattern is methods and a path. Methods are joined by `/`; `*` is any. In the path `{name}` is one segment, `*` is one segment,
//! and a final `**` is any number of segments, none included. `all` is every request. `others` is every request that no other row
//! of the same table counts.

use std::fmt;
use std::str::FromStr;

/// The requests that a limit counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoints {
    /// Every request.
    All,
    /// Every request that no other row of the same table counts.
    Others,
    /// The requests that match one of these, at least one.
    Matching(Vec<Endpoint>),
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoints::All => f.write_str("all"),
            Endpoints::Others => f.write_str("others"),
            Endpoints::Matching(patterns) => {
                for (n, pattern) in patterns.iter().enumerate() {
                    write!(f, "{}{pattern}", if n == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
        }
    }
}

/// Methods and a path pattern.
///
/// ```
/// use tidegate_policy::{Endpoint, Segment};
/// let endpoint: Endpoint = "GET/POST /domains/{id}/**".parse()?;
/// assert_eq!(endpoint.methods(), ["GET", "POST"]);
/// assert_eq!(endpoint.path()[1..], [Segment::Name("id".into()), Segment::Rest]);
/// assert!("/domains".parse::<Endpoint>().is_err());
/// # Ok::<(), tidegate_policy::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    methods: Vec<String>,
    path: Vec<Segment>,
}

/// One part of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// This text.
    Text(String),
    /// Any one segment: `{name}`, or `*` with an empty name.
    Name(String),
    /// Any number of segments, at the end only.
    Rest,
}

impl Endpoint {
    /// The methods, in capitals; empty for any.
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The segments of the path.
    pub fn path(&self) -> &[Segment] {
        &self.path
    }
}

/// Why a pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointError(&'static str);

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for EndpointError {}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// # Errors
    /// Text that is not methods, one space and a path of the form above.
    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let (methods, path) =
            text.split_once(' ').ok_or(EndpointError("expected a method and a path, such as \"POST /send\""))?;
        let methods: Vec<String> = match methods {
            "*" => Vec::new(),
            _ => methods.split('/').map(str::to_owned).collect(),
        };
        if methods.iter().any(|method| method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase())) {
            return Err(EndpointError("expected methods in capitals joined by '/', or '*'"));
        }
        let path = path.strip_prefix('/').ok_or(EndpointError("expected a path that begins with '/'"))?;
        let segments: Vec<Segment> = path.split('/').map(segment).collect::<Result<_, _>>()?;
        if segments.iter().rev().skip(1).any(|segment| *segment == Segment::Rest) {
            return Err(EndpointError("'**' can stand at the end of a path only"));
        }
        Ok(Endpoint { methods, path: segments })
    }
}

fn segment(text: &str) -> Result<Segment, EndpointError> {
    match text {
        "**" => Ok(Segment::Rest),
        "*" => Ok(Segment::Name(String::new())),
        _ => match text.strip_prefix('{').map(|rest| rest.strip_suffix('}')) {
            Some(Some(name)) if !name.is_empty() && !name.contains(['{', '}', '*']) => {
                Ok(Segment::Name(name.to_owned()))
            }
            None if !text.contains(['{', '}', '*', ' ', '?', '#']) => Ok(Segment::Text(text.to_owned())),
            _ => Err(EndpointError("a segment is plain text, '{name}', '*', or '**' at the end")),
        },
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.methods.is_empty() {
            f.write_str("* ")?
        } else {
            write!(f, "{} ", self.methods.join("/"))?
        }
        self.path.iter().try_for_each(|segment| match segment {
            Segment::Text(text) => write!(f, "/{text}"),
            Segment::Name(name) if name.is_empty() => f.write_str("/*"),
            Segment::Name(name) => write!(f, "/{{{name}}}"),
            Segment::Rest => f.write_str("/**"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_print_as_they_were_written() {
        for text in ["* /**", "GET /", "GET/POST /domains/**", "POST /v1/{domain}/send", "GET /a/*/b"] {
            assert_eq!(text.parse::<Endpoint>().map(|endpoint| endpoint.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for text in [
            "",
            "GET",
            "/x",
            "get /x",
            "GET x",
            "GET//POST /x",
            "GET /**/x",
            "GET /{a",
            "GET /{}",
            "GET /a*b",
            "GET /a b",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}

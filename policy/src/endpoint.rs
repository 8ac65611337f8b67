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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    methods: Vec<String>,
    path: Vec<Segment>,
}

/// One part of a path between slashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    /// Whether this pattern counts a request: a method, and a path without its query.
    ///
    /// Methods are compared without regard to case. Empty segments (a doubled or final `/`) are passed over, and `%2E` is `.`: a
    /// server that is as lenient must not be asked around its limit. `.` and `..` are not resolved.
    ///
    /// ```
    /// let endpoint: tidegate_policy::Endpoint = "GET/POST /domains/{id}/**".parse()?;
    /// assert!(endpoint.matches("GET", "/domains/7") && endpoint.matches("POST", "//domain%73/7/dns/"));
    /// assert!(!endpoint.matches("PUT", "/domains/7") && !endpoint.matches("GET", "/domains"));
    /// # Ok::<(), tidegate_policy::EndpointError>(())
    /// ```
    pub fn matches(&self, method: &str, path: &str) -> bool {
        self.counts_method(method) && self.covers(parts(path))
    }

    /// As [`Endpoint::matches`], for a path that was parted before.
    pub(crate) fn matches_parts(&self, method: &str, path: &[&[u8]]) -> bool {
        self.covers(path.iter().copied()) && self.counts_method(method)
    }

    #[inline]
    fn covers<'p>(&self, mut path: impl Iterator<Item = &'p [u8]>) -> bool {
        for segment in self.segments() {
            match (segment, path.next()) {
                (Segment::Rest, _) => return true,
                (Segment::Text(text), Some(given)) if same(text, given) => {}
                (Segment::Name(_), Some(_)) => {}
                _ => return false,
            }
        }
        path.next().is_none()
    }

    fn counts_method(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|known| known.eq_ignore_ascii_case(method))
    }

    /// The segments that match something: `/` alone has none.
    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.path.iter().filter(|segment| !matches!(segment, Segment::Text(text) if text.is_empty()))
    }

    /// Whether every request of this pattern is one of the other's.
    pub fn within(&self, other: &Endpoint) -> bool {
        let methods = other.methods.is_empty()
            || (!self.methods.is_empty() && self.methods.iter().all(|method| other.methods.contains(method)));
        let (mut inner, mut outer) = (self.segments(), other.segments());
        methods
            && loop {
                match (inner.next(), outer.next()) {
                    (_, Some(Segment::Rest)) | (None, None) => break true,
                    (Some(Segment::Text(a)), Some(Segment::Text(b))) if a == b => {}
                    (Some(Segment::Text(_) | Segment::Name(_)), Some(Segment::Name(_))) => {}
                    _ => break false,
                }
            }
    }

    /// Whether some request is both patterns'.
    pub fn overlaps(&self, other: &Endpoint) -> bool {
        let methods = self.methods.is_empty()
            || other.methods.is_empty()
            || self.methods.iter().any(|method| other.methods.contains(method));
        let (mut left, mut right) = (self.segments(), other.segments());
        methods
            && loop {
                match (left.next(), right.next()) {
                    (Some(Segment::Rest), _) | (_, Some(Segment::Rest)) | (None, None) => break true,
                    (None, _) | (_, None) => break false,
                    (Some(Segment::Text(a)), Some(Segment::Text(b))) if a != b => break false,
                    _ => {}
                }
            }
    }
}

/// The segments of a path that match something.
pub(crate) fn parts(path: &str) -> impl Iterator<Item = &[u8]> {
    path.as_bytes().split(|byte| *byte == b'/').filter(|segment| !segment.is_empty())
}

/// Whether a segment of a path is this text, percent-encoded or not.
fn same(text: &str, given: &[u8]) -> bool {
    if text.as_bytes() == given {
        return true;
    }
    if !given.contains(&b'%') {
        return false;
    }
    let (mut wanted, mut rest) = (text.bytes(), given);
    while let Some((first, after)) = rest.split_first() {
        let encoded = rest.get(1..3).filter(|_| *first == b'%').and_then(|digits| {
            let digit = |byte: u8| (byte as char).to_digit(16);
            u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()
        });
        let byte = encoded.unwrap_or(*first);
        rest = if encoded.is_some() { &rest[3..] } else { after };
        if wanted.next() != Some(byte) {
            return false;
        }
    }
    wanted.next().is_none()
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

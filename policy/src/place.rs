//! Where in a file something stands, and the error that says so.
//!
//! Every error of this crate prints `file:line:column: what is wrong`, the line itself with a mark under it, and a hint where
//! there is one. Lines and columns count from 1; columns count characters, not bytes.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A position in a policy file.
///
/// ```
/// # let text = "format = 1\n[provider]\nname = \"A\"\ndocument = \"D\"\n[window.w]\nalgorithm = \"gcra\"\nreading = \"any\"\n\
/// # [[limit]]\nid = \"x\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"5/s\"\nwindow = \"w\"\nsource = \"5 per second\"\n";
/// let policy = tidegate_policy::Policy::from_toml(text, "a.toml")?;
/// assert_eq!(policy.limits()[0].place().to_string(), "a.toml:12:9");
/// # Ok::<(), tidegate_policy::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    file: Arc<str>,
    line: usize,
    column: usize,
}

impl Place {
    /// The file, as it was named when it was loaded.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why a policy was refused, and where.
///
/// ```
/// let error = tidegate_policy::Policy::from_toml("format = 1\n[provder]\n", "a.toml").unwrap_err();
/// assert_eq!(error.place().unwrap().line(), 2);
/// assert!(error.to_string().contains("did you mean `provider`?"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(Box<Facts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    file: Arc<str>,
    mark: Option<Mark>,
    message: String,
    help: Option<String>,
}

/// The line that an error points at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    place: Place,
    line_text: String,
    indent: usize,
    width: usize,
}

impl PolicyError {
    /// An error that has no place in the file: the file cannot be read at all.
    pub(crate) fn unreadable(file: &str, message: String) -> PolicyError {
        PolicyError(Box::new(Facts { file: file.into(), mark: None, message, help: None }))
    }

    /// An error about words that stand at a place.
    pub(crate) fn at(place: &Place, words: &str, message: String) -> PolicyError {
        let line_text: String = words.lines().next().unwrap_or("").to_owned();
        let mark = Mark { place: place.clone(), width: line_text.chars().count().max(1), indent: 0, line_text };
        PolicyError(Box::new(Facts { file: place.file.clone(), mark: Some(mark), message, help: None }))
    }

    /// The same error with a hint.
    pub(crate) fn help(mut self, help: impl Into<String>) -> PolicyError {
        self.0.help = Some(help.into());
        self
    }

    /// The file, as it was named when it was loaded.
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// Where in the file; `None` when the file could not be read.
    pub fn place(&self) -> Option<&Place> {
        self.0.mark.as_ref().map(|mark| &mark.place)
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it, if that can be said.
    pub fn hint(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.mark {
            None => write!(f, "{}: {}", self.0.file, self.0.message)?,
            Some(mark) => {
                write!(f, "{}: {}", mark.place, self.0.message)?;
                let indent: String =
                    mark.line_text.chars().take(mark.indent).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                write!(f, "\n{:>5} | {}", mark.place.line, mark.line_text)?;
                write!(f, "\n      | {indent}{}", "^".repeat(mark.width))?;
            }
        }
        match &self.0.help {
            None => Ok(()),
            Some(help) => write!(f, "\n      = {help}"),
        }
    }
}

impl std::error::Error for PolicyError {}

/// The text of one policy file, and how to point into it.
pub(crate) struct Document<'a> {
    file: Arc<str>,
    text: &'a str,
    /// The line and the column, from 0, at every [`STEP`] bytes: a place is then found in a moment, however long the lines are.
    steps: Vec<(usize, usize)>,
}

/// Bytes from one noted place to the next.
const STEP: usize = 4_096;

impl<'a> Document<'a> {
    pub(crate) fn new(file: &str, text: &'a str) -> Document<'a> {
        let (mut line, mut column) = (0, 0);
        let mut steps = Vec::with_capacity(text.len() / STEP + 1);
        for (at, byte) in text.bytes().enumerate() {
            if at % STEP == 0 {
                steps.push((line, column));
            }
            (line, column) = after(byte, line, column);
        }
        Document { file: file.into(), text, steps }
    }

    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = offset.min(self.text.len());
        let step = (offset / STEP).min(self.steps.len().saturating_sub(1));
        let noted = self.steps.get(step).copied().unwrap_or_default();
        let between = self.text.as_bytes().get(step * STEP..offset).unwrap_or_default();
        let (line, column) = between.iter().fold(noted, |(line, column), byte| after(*byte, line, column));
        Place { file: self.file.clone(), line: line + 1, column: column + 1 }
    }

    /// An error at a span of bytes. A span over several lines is marked on its first.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> PolicyError {
        let place = self.place(span.start);
        let start = self.text.get(..span.start).unwrap_or(self.text).rfind('\n').map_or(0, |at| at + 1);
        let line_text = self.text[start..].lines().next().unwrap_or("");
        let marked = self.text.get(span).unwrap_or("").lines().next().unwrap_or("");
        let width = marked.chars().count().max(1);
        let mark = Mark { indent: place.column - 1, place, line_text: line_text.to_owned(), width };
        PolicyError(Box::new(Facts { file: self.file.clone(), mark: Some(mark), message: message.into(), help: None }))
    }

    /// The span inside a string value, `position` bytes into it; the whole value if it was written with escapes.
    pub(crate) fn inside(&self, span: Range<usize>, value: &str, position: usize) -> Range<usize> {
        let start = span.start + 1;
        match self.text.get(start..) {
            Some(rest) if rest.starts_with(value) && position <= value.len() => {
                let at = start + position;
                at..(start + value.len()).max(at + 1)
            }
            _ => span,
        }
    }

    /// Puts an error of the TOML reader into the words of this crate.
    pub(crate) fn toml_error(&self, error: &toml::de::Error) -> PolicyError {
        self.serde_error(error.span().unwrap_or(0..0), error.message())
    }

    /// Puts what serde says about a span into the words of this crate.
    pub(crate) fn serde_error(&self, span: Range<usize>, message: &str) -> PolicyError {
        let mut quoted = message.split('`').skip(1).step_by(2);
        let subject = quoted.next().unwrap_or("");
        if message.starts_with("unknown field") {
            self.error(span, format!("unknown key `{subject}`")).help(nearest(subject, quoted))
        } else if message.starts_with("unknown variant") {
            self.error(span, format!("unknown value `{subject}`")).help(nearest(subject, quoted))
        } else if message.starts_with("missing field") {
            self.error(span, format!("the key `{subject}` is missing here"))
        } else {
            self.error(span, message.trim().replace('\n', "; "))
        }
    }
}

/// The line and the column after a byte. Bytes that continue a character have no column.
fn after(byte: u8, line: usize, column: usize) -> (usize, usize) {
    match byte {
        b'\n' => (line + 1, 0),
        0x80..=0xbf => (line, column),
        _ => (line, column + 1),
    }
}

/// "did you mean `x`?" for a near miss, or the list of what could stand there.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(given, word), *word))
        .min()
        .filter(|(distance, _)| *distance <= 1 + given.chars().count() / 3);
    match near {
        Some((_, word)) => format!("did you mean `{word}`?"),
        None if known.is_empty() => "nothing can stand here".to_owned(),
        None => format!("known here: `{}`", known.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_however_it_is_counted() {
        let text: String = (0..3_000).map(|n| if n % 97 == 0 { "\n".to_owned() } else { format!("é{n} ") }).collect();
        let doc = Document::new("a", &text);
        for offset in (0..=text.len()).step_by(61).filter(|at| text.is_char_boundary(*at)) {
            let before = &text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            assert_eq!((doc.place(offset).line, doc.place(offset).column), (line, column), "{offset}");
        }
        assert_eq!(doc.place(usize::MAX).line, text.matches('\n').count() + 1);
        assert_eq!(Document::new("a", "").place(7).to_string(), "a:1:1");
    }
}

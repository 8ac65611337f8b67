//! `PolicyBuilder`: a policy with more to say than its file.

use std::fs::File as OsFile;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use tidegate::Clock;

use crate::enforce::Settings;
use crate::place::{Document, PolicyError};
use crate::policy::Policy;

/// Loads a [`Policy`].
///
/// ```
/// use std::sync::Arc;
/// use tidegate_policy::Policy;
/// let clock = Arc::new(tidegate::ManualClock::new(0));
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/mailtrap.toml");
/// let policy = Policy::builder().max_keys(1_000).shared_clock(clock).from_file(path)?;
/// assert_eq!(policy.now(), 0);
/// # Ok::<(), tidegate_policy::PolicyError>(())
/// ```
#[derive(Clone)]
#[must_use = "call `from_file`"]
pub struct PolicyBuilder {
    pub(crate) settings: Settings,
}

impl PolicyBuilder {
    pub(crate) fn new() -> PolicyBuilder {
        PolicyBuilder { settings: Settings::default() }
    }

    /// The largest file or text that is read, in bytes; 4 MiB if not said. A larger one is refused before it is parsed.
    pub fn max_bytes(mut self, bytes: u64) -> PolicyBuilder {
        self.settings.max_bytes = bytes;
        self
    }

    /// The keys that each limit remembers, where it does not say itself: stands above the file's own `max_keys`. At least 1.
    pub fn max_keys(mut self, keys: u32) -> PolicyBuilder {
        self.settings.max_keys = Some(keys.max(1));
        self
    }

    /// Whether the `example` numbers of limits that state none are enforced; false if not said.
    pub fn enforce_examples(mut self, enforce: bool) -> PolicyBuilder {
        self.settings.examples = enforce;
        self
    }

    /// A clock of your own, in nanoseconds since 1970-01-01 UTC.
    pub fn shared_clock(mut self, clock: Arc<dyn Clock>) -> PolicyBuilder {
        self.settings.clock = clock;
        self
    }

    /// Loads a policy file: JSON if its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// A file that cannot be read, is too large or is not UTF-8; otherwise as [`Policy::from_toml`].
    #[allow(clippy::wrong_self_convention)]
    pub fn from_file(self, path: impl AsRef<Path>) -> Result<Policy, PolicyError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = self.read(path, &name)?;
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            self.from_json(&text, &name)
        } else {
            self.from_toml(&text, &name)
        }
    }

    /// Never reads more than one byte beyond the limit, whatever the file claims to be.
    fn read(&self, path: &Path, name: &str) -> Result<String, PolicyError> {
        let max = self.settings.max_bytes;
        let unreadable = |error: std::io::Error| PolicyError::unreadable(name, format!("cannot be read: {error}"));
        let mut text = String::new();
        let file = OsFile::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        if length > max {
            return Err(too_large(name, length, max));
        }
        let read = file.take(max.saturating_add(1)).read_to_string(&mut text).map_err(unreadable)? as u64;
        if read > max { Err(too_large(name, read, max)) } else { Ok(text) }
    }

    /// As [`Policy::from_toml`].
    ///
    /// # Errors
    /// As there, and text that is too large.
    #[allow(clippy::wrong_self_convention)]
    pub fn from_toml(self, text: &str, file: &str) -> Result<Policy, PolicyError> {
        let doc = self.document(text, file)?;
        let read = toml::from_str(text).map_err(|error| doc.toml_error(&error))?;
        super::load(&doc, read, self.settings)
    }

    /// As [`Policy::from_json`].
    ///
    /// # Errors
    /// As there, and text that is too large.
    #[allow(clippy::wrong_self_convention)]
    pub fn from_json(self, text: &str, file: &str) -> Result<Policy, PolicyError> {
        let doc = self.document(text, file)?;
        let read = super::json::read(&doc, text)?;
        super::load(&doc, read, self.settings)
    }

    fn document<'a>(&self, text: &'a str, file: &str) -> Result<Document<'a>, PolicyError> {
        let length = text.len() as u64;
        if length > self.settings.max_bytes {
            return Err(too_large(file, length, self.settings.max_bytes));
        }
        Ok(Document::new(file, text))
    }
}

fn too_large(name: &str, length: u64, max: u64) -> PolicyError {
    let error = PolicyError::unreadable(name, format!("is too large: {length} bytes, and at most {max} are read"));
    error.help("`PolicyBuilder::max_bytes` lets larger ones in")
}

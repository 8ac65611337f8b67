//! Scenarios: what a document describes, as requests in virtual time and the verdicts they must get.
//!
//! A scenario file stands beside the policy that it asks; the format is described in `policies/scenarios/README.md`. Running one is a test of the
//! policy: every verdict, limit, wait, code and byte of a header that it names is compared, and a difference is an error with file,
//! line and column.
//!
//! ```
//! use tidegate_policy::scenario::Scenarios;
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/scenarios/mailtrap.toml");
//! let scenarios = Scenarios::from_file(path)?;
//! let played = scenarios.play()?;
//! assert!(played.denied().any(|id| id == "api/stats"));
//! # Ok::<(), tidegate_policy::PolicyError>(())
//! ```

mod file;
mod play;

use std::path::Path;

pub use play::{Act, Played, Scene};

use crate::evidence::bare;
use crate::place::{Document, PolicyError};
use crate::policy::Policy;
use file::File;

/// The scenarios of one file, and the policy that they ask.
pub struct Scenarios {
    name: String,
    text: String,
    file: File,
    policy: Policy,
}

impl Scenarios {
    /// Loads a scenario file and its policy, which the file names relative to itself.
    ///
    /// # Errors
    /// A file that cannot be read or understood, with its place.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Scenarios, PolicyError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| PolicyError::unreadable(&name, format!("cannot be read: {error}")))?;
        let file: File = {
            let doc = Document::new(&name, &text);
            toml::from_str(&text).map_err(|error| doc.toml_error(&error))?
        };
        let beside = path.parent().unwrap_or(Path::new("")).join(file.policy.get_ref());
        let policy = Policy::builder().enforce_examples(file.examples).max_keys(MAX_KEYS).from_file(beside)?;
        Ok(Scenarios { name, text, file, policy })
    }

    /// The policy that is asked.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The sentences and rows of the document that the scenarios show, with the scenario that shows each.
    pub fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.file.scenario.iter().flat_map(|scenario| {
            let scenario = scenario.get_ref();
            scenario.shows.iter().map(move |words| (words.get_ref().as_str(), scenario.name.as_str()))
        })
    }

    /// Looks all of that up in a saved copy of the document, as [`Policy::check_quotations`] does.
    ///
    /// # Errors
    /// The first words that the document does not have, with their place.
    pub fn check_quotations(&self, document: &str) -> Result<usize, PolicyError> {
        let (doc, document) = (Document::new(&self.name, &self.text), bare(document));
        let words = || self.file.scenario.iter().flat_map(|scenario| &scenario.get_ref().shows);
        match words().find(|words| !document.contains(&bare(words.get_ref()))) {
            None => Ok(words().count()),
            Some(words) => Err(doc.error(words.span(), "the document does not have these words")),
        }
    }

    /// Plays every scenario, each against counts of its own.
    ///
    /// # Errors
    /// The first answer that is not the expected one, with the place of the expectation.
    pub fn play(&self) -> Result<Played, PolicyError> {
        play::play(&Document::new(&self.name, &self.text), &self.file, &self.policy)
    }
}

/// Scenarios have few callers.
const MAX_KEYS: u32 = 20_000;

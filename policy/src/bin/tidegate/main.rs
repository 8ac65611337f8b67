//! `tidegate`: policy files checked, told in plain words, and tried on a load before anybody meets them.
//!
//! ```text
//! tidegate check FILE...                 whether policy files are right, and what they hold
//! tidegate explain FILE|QUOTA            what they mean, in plain words
//! tidegate simulate FILE|QUOTA ...       what a load would meet, in virtual time, as figures and as a chart
//! ```
//! Exit status: 0 done; 1 a file, a quota or a trace is wrong; 2 the command line is; 3 more was denied than `--deny-at-most` allows.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod check;
mod explain;
mod said;
mod show;
mod simulate;
mod watched;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidegate::Algorithm;

#[derive(Parser)]
#[command(
    name = "tidegate",
    version,
    about = "Rate limits of an API: checked, explained, tried on a load",
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Says whether policy files are right, and what they hold
    Check {
        /// Policy files, TOML or JSON
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// A saved copy of the provider's document: every quotation of the file must stand in it
        #[arg(long)]
        document: Option<PathBuf>,
    },
    /// Says in plain words what a policy file or a quota means
    Explain {
        /// A policy file, or quotas such as "300/min burst 50; 1000 per calendar day in Europe/Paris"
        what: String,
        /// Only this plan
        #[arg(long)]
        plan: Option<String>,
        /// For quotas: gcra, token-bucket, fixed-window, sliding-window or sliding-log
        #[arg(long)]
        algorithm: Option<Algorithm>,
    },
    /// Says what a load would meet: admitted, delayed, denied, in virtual time
    Simulate(Box<simulate::Arguments>),
}

/// Why it came to no good end.
pub enum Failure {
    /// What was given is wrong: a file, a quota, a trace.
    Input(String),
    /// The command line asks for what cannot be.
    Usage(String),
    /// More was denied than was allowed to be.
    Denied(String),
}

impl Failure {
    pub fn input(error: impl std::fmt::Display) -> Failure {
        Failure::Input(error.to_string())
    }
}

/// What is given as `FILE|QUOTA`: a file if there is one of that name, or if it looks like one.
pub fn is_file(what: &str) -> bool {
    let path = Path::new(what);
    path.exists() || path.extension().is_some_and(|extension| extension == "toml" || extension == "json")
}

fn main() -> ExitCode {
    let mut out = Vec::new();
    let outcome = match Arguments::parse().command {
        Command::Check { files, document } => check::run(&files, document.as_deref(), &mut out),
        Command::Explain { what, plan, algorithm } => explain::run(&what, plan.as_deref(), algorithm, &mut out),
        Command::Simulate(arguments) => simulate::run(&arguments, &mut out),
    };
    // A reader that has seen enough (`| head`) is no error.
    let _ = std::io::stdout().write_all(&out);
    let (status, message) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Input(message)) => (1, message),
        Err(Failure::Usage(message)) => (2, message),
        Err(Failure::Denied(message)) => (3, message),
    };
    eprintln!("{message}");
    ExitCode::from(status)
}

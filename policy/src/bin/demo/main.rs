//! Replays a flood and a steady load against every published limit, in virtual time, and checks what it sees; then enforces the policies whole.
//!
//! ```text
//! demo [--policies DIR]             the table: every row of every policy file
//! demo questions [--ask]            five algorithms, fixed questions and their answers; with --ask the questions alone
//! demo quotations FILE DOCUMENT     whether a saved copy of the provider's document has every quotation of a policy file
//! ```
//! A row that disagrees with its document, with its algorithm's promise or with the exact model is an error with file, line and
//! column, and the exit status is 1. Bad arguments: 2.

#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod accounts;
mod judge;
mod questions;
mod queue;
mod replay;
mod rows;
mod show;
mod subject;
mod traffic;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tidegate_policy::Policy;
use tidegate_policy::scenario::Scenarios;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        [] => table(&default_directory()),
        ["--policies", directory] => table(Path::new(directory)),
        ["questions"] => questions::answered().map(|lines| print!("{lines}")),
        ["questions", "--ask"] => {
            print!("{}", questions::asked());
            Ok(())
        }
        ["quotations", file, document] => quotations(file, document),
        _ => {
            eprintln!("usage: demo [--policies DIR] | questions [--ask] | quotations FILE DOCUMENT");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// `policies` here, or beside the crate that this was built from.
fn default_directory() -> PathBuf {
    let here = PathBuf::from("policies");
    if here.is_dir() { here } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies") }
}

fn table(directory: &Path) -> Result<(), String> {
    let entries = std::fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no policy files", directory.display()));
    }
    let mut policies = Vec::new();
    for file in &files {
        policies.push((file.display().to_string(), Policy::from_file(file).map_err(|error| error.to_string())?));
    }
    let results = replay::all(policies.iter().flat_map(|(_, policy)| policy.limits()).collect());
    print!("{}", show::table(&policies, &results));
    let faults: Vec<&str> = policies
        .iter()
        .flat_map(|(_, policy)| policy.limits())
        .filter_map(|limit| results.get(&limit.place().to_string())?.as_ref().err())
        .map(String::as_str)
        .collect();
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    print!("{}", traffic::table(&files)?);
    print!("{}", queue::table()?);
    print!("{}", accounts::table(&policies)?);
    Ok(())
}

/// Those of the policy, and of the scenarios beside it.
fn quotations(file: &str, document: &str) -> Result<(), String> {
    let policy = Policy::from_file(file).map_err(|error| error.to_string())?;
    let text = std::fs::read_to_string(document).map_err(|error| format!("{document}: {error}"))?;
    policy.check_quotations(&text).map_err(|error| error.to_string())?;
    println!("{file}: all {} quotations stand in {document}", policy.quotations());
    let path = Path::new(file);
    let scenarios = path.with_file_name("scenarios").join(path.file_name().unwrap_or_default());
    if scenarios.is_file() {
        let loaded = Scenarios::from_file(&scenarios).map_err(|error| error.to_string())?;
        let count = loaded.check_quotations(&text).map_err(|error| error.to_string())?;
        println!("{}: all {count} quotations stand in {document}", scenarios.display());
    }
    Ok(())
}

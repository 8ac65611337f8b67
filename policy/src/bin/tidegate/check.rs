//! `tidegate check`: a line for each file, or what is wrong with it and where.

use std::io::Write;
use std::path::{Path, PathBuf};

use tidegate_policy::{Allowance, Limit, Policy};

use crate::Failure;

pub fn run(files: &[PathBuf], document: Option<&Path>, out: &mut Vec<u8>) -> Result<(), Failure> {
    let document = match document {
        Some(_) if files.len() > 1 => {
            return Err(Failure::Usage("--document goes with one file: a document belongs to one provider".to_owned()));
        }
        Some(path) => {
            let read = std::fs::read_to_string(path);
            Some(read.map_err(|error| Failure::Input(format!("{}: cannot be read: {error}", path.display())))?)
        }
        None => None,
    };
    let mut wrong = Vec::new();
    for file in files {
        let checked = Policy::from_file(file).and_then(|policy| {
            document.as_ref().map_or(Ok(()), |document| policy.check_quotations(document))?;
            Ok(policy)
        });
        match checked {
            Ok(policy) => {
                let _ = writeln!(out, "{}: {}", file.display(), told(&policy, document.is_some()));
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Input(wrong.join("\n"))) }
}

fn told(policy: &Policy, quoted: bool) -> String {
    let limits = policy.limits();
    let count = |holds: fn(&Limit) -> bool| limits.iter().filter(|limit| holds(limit)).count();
    let rates = count(|limit| matches!(limit.allowance(), Allowance::Rate(_) | Allowance::Calendar(_)));
    let numbers = count(|limit| matches!(limit.allowance(), Allowance::Count(_) | Allowance::Concurrency(_)));
    let open = limits.len() - rates - numbers;
    let shadow = count(Limit::is_shadow);
    let mut plans: Vec<&str> = limits.iter().filter_map(Limit::plan).collect();
    plans.sort_unstable();
    plans.dedup();
    let mut text = format!("ok: {}, {} limits: {rates} rates", policy.provider().name(), limits.len());
    let mut more = |count: usize, what: &str| {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    };
    more(numbers, "fixed numbers");
    more(open, "without a number (custom, unlimited or unstated)");
    more(shadow, "on trial");
    more(plans.len(), "plans");
    more(if quoted { policy.quotations() } else { 0 }, "quotations, all in the document");
    text
}

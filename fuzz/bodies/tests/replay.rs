//! The committed corpus and regressions through every target, on a stable compiler; then mutants of them.
//!
//! `TIDEGATE_MUTANTS` a target (2,000): each a mutant of an input, by a seeded generator, so every run does the same. What fuzzing finds (`make fuzz`)
//! is added to `regressions/` by hand, with a name that tells what it showed, and is replayed here ever after.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tidegate_fuzz_bodies::TARGETS;

/// All files below `fuzz/<folder>/<target>`, by name.
fn inputs(folder: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join(target);
    let Ok(entries) = fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<_> =
        entries.map(|entry| entry.expect("a folder").path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

fn mutants() -> u64 {
    std::env::var("TIDEGATE_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// Seeded numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// One to four changes: a bit, a byte, a piece gone, doubled or from another input.
fn mutant(of: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = of.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        let end = bytes.len().min(at + 1 + numbers.below(16));
        match numbers.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            1 if !bytes.is_empty() => bytes[at] = numbers.below(256) as u8,
            2 if !bytes.is_empty() => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end.max(at)].to_vec();
                bytes.splice(at..at, piece);
            }
            4 if !other.is_empty() => {
                let from = numbers.below(other.len());
                let piece = other[from..other.len().min(from + 1 + numbers.below(32))].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => bytes.insert(at, numbers.below(256) as u8),
        }
    }
    bytes.truncate(8_192);
    bytes
}

fn replay(name: &str) {
    let (_, run) = TARGETS.into_iter().find(|target| target.0 == name).expect("a target");
    let attempt = |what: &str, bytes: &[u8]| {
        if catch_unwind(AssertUnwindSafe(|| run(bytes))).is_err() {
            panic!("{name}, {what}: {}", bytes.escape_ascii());
        }
    };
    let (mut corpus, regressions) = (inputs("corpus", name), inputs("regressions", name));
    if name == "policy_file" {
        // The six providers' own.
        corpus.extend(
            inputs("../policies", "").into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "toml")),
        );
    }
    assert!(corpus.len() >= 5, "{} inputs in the corpus of {name}", corpus.len());
    for (path, bytes) in corpus.iter().chain(&regressions) {
        attempt(&path.display().to_string(), bytes);
    }
    let mut numbers = Numbers(7);
    let all: Vec<_> = corpus.iter().chain(&regressions).map(|(_, bytes)| bytes).collect();
    for nth in 0..mutants() {
        let (of, other) = (all[numbers.below(all.len())], all[numbers.below(all.len())]);
        attempt(&format!("mutant {nth}"), &mutant(of, other, &mut numbers));
    }
    println!("{name}: {} inputs, {} regressions, {} mutants", corpus.len(), regressions.len(), mutants());
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        /// A target without a test here, or without a binary, would be forgotten.
        #[test]
        fn every_target_is_replayed_and_fuzzed() {
            assert_eq!(TARGETS.map(|target| target.0), [$(stringify!($name)),*]);
            let manifest = include_str!("../../Cargo.toml");
            for (name, _) in TARGETS {
                assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "no binary for {name}");
            }
        }
    };
}

targets! { steps keyed quota_text policy_file headers_in headers_out c_calls }

/// A body that cannot fail shows nothing: a limiter that has lost a spend is told from its model.
#[test]
#[should_panic(expected = "mutant")]
fn a_broken_promise_is_seen() {
    let corpus = inputs("corpus", "keyed");
    let mut numbers = Numbers(7);
    for nth in 0..mutants().max(500) {
        let bytes = mutant(&corpus[numbers.below(corpus.len())].1, &[], &mut numbers);
        if catch_unwind(|| tidegate_fuzz_bodies::keyed::run_forgetful(&bytes)).is_err() {
            panic!("mutant {nth} shows it");
        }
    }
}

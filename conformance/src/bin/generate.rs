//! Writes `conformance/vectors.json` from the reference: `cargo run -p tidegate-conformance --bin generate`.

#![forbid(unsafe_code)]

use tidegate_conformance::generate;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors.json");
    let vectors = generate::vectors();
    let text = generate::text(&vectors);
    let steps: usize = vectors.cases.iter().map(|case| case.steps.len()).sum();
    println!(
        "{} cases, {steps} steps, {} refused quotas, {} bytes",
        vectors.cases.len(),
        vectors.quota_errors.len(),
        text.len()
    );
    std::fs::write(path, text)
}

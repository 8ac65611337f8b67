//! `include/tidegate.h` is what cbindgen makes of `src/`, and its version is the crate's.
//!
//! `TIDEGATE_WRITE_HEADER=1 cargo test -p tidegate-c --test header` (or `make -C bindings-c header`) writes it instead.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

/// The files that declare something to C, in the order in which the header shall show it.
const FILES: [&str; 25] = [
    "version",
    "status",
    "choice",
    "quota",
    "calendar",
    "decision",
    "options",
    "reservation",
    "limiter",
    "verbs",
    "reserve",
    "wait",
    "change",
    "keyed",
    "keyed_verbs",
    "group",
    "leased",
    "lease",
    "concurrency",
    "gcra",
    "word",
    "backoff",
    "budget",
    "headers",
    "headers_read",
];
/// The files that declare nothing.
const PRIVATE: [&str; 7] = ["lib", "bare", "guard", "handle", "sized", "text", "verbs_of_word"];

fn generate(root: &Path) -> String {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
    let [major, minor, patch] =
        [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"), env!("CARGO_PKG_VERSION_PATCH")];
    config.after_includes = Some(format!(
        "\n/** The version of this header; tidegate_version() is that of the library. */\n\
         #define TIDEGATE_VERSION \"{}\"\n\
         #define TIDEGATE_VERSION_MAJOR {major}\n\
         #define TIDEGATE_VERSION_MINOR {minor}\n\
         #define TIDEGATE_VERSION_PATCH {patch}\n\n\
         /** In `position`: the error is not about a place in a text. */\n\
         #define TIDEGATE_NO_POSITION SIZE_MAX\n\n\
         /** A tidegate_gcra that is new and full. */\n\
         #define TIDEGATE_GCRA_INIT {{ 0 }}\n\n\
         /** A tidegate_word that is new and full. */\n\
         #define TIDEGATE_WORD_INIT {{ 0 }}",
        env!("CARGO_PKG_VERSION")
    ));
    // File by file and not by crate: that would ask cargo for the whole workspace with all its dependencies.
    let builder = FILES.iter().fold(cbindgen::Builder::new().with_config(config), |builder, file| {
        builder.with_src(root.join(format!("src/{file}.rs")))
    });
    let mut text = Vec::new();
    builder.generate().expect("cbindgen").write(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("include/tidegate.h");
    let generated = generate(root);
    if env::var_os("TIDEGATE_WRITE_HEADER").is_some() {
        fs::write(&path, &generated).expect("include/tidegate.h");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    for (n, (committed, generated)) in committed.lines().zip(generated.lines()).enumerate() {
        assert_eq!(committed, generated, "tidegate.h line {}: run `make -C bindings-c header`", n + 1);
    }
    assert_eq!(committed, generated, "tidegate.h differs in length: run `make -C bindings-c header`");
}

#[test]
fn every_source_file_is_in_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found: BTreeSet<String> = fs::read_dir(root.join("src"))
        .expect("src")
        .map(|entry| entry.expect("entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let listed: BTreeSet<String> = FILES.iter().chain(&PRIVATE).map(|name| (*name).to_owned()).collect();
    assert_eq!(found, listed);
}

/// Whatever cbindgen does not understand it leaves out in silence: so count.
#[test]
fn every_exported_name_is_in_the_header() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = generate(root);
    let (mut functions, mut constants) = (0, 0);
    for file in FILES {
        let source = fs::read_to_string(root.join(format!("src/{file}.rs"))).expect("source");
        for after in source.split("#[unsafe(no_mangle)]").skip(1) {
            let name = after.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a function");
            assert!(name.starts_with("tidegate_"), "{name} lacks the prefix");
            assert!(header.contains(&format!("{name}(")), "{name} is missing");
            let comment = source.split(&format!("fn {name}(")).next().unwrap_or_default();
            let comment = comment.rsplit("\n\n").next().unwrap_or_default();
            assert!(comment.contains("/// Thread safety: "), "{name} does not say its thread safety");
            let answers = after.split('{').next().is_some_and(|head| head.contains("->"));
            assert!(!answers || comment.contains("/// @return "), "{name} does not say what it returns");
            functions += 1;
        }
        for after in source.split("\npub const ").skip(1) {
            let name = after.split(':').next().expect("a constant");
            assert!(name.starts_with("TIDEGATE_"), "{name} lacks the prefix");
            assert!(header.contains(&format!("#define {name} ")), "{name} is missing");
            constants += 1;
        }
    }
    assert!(functions >= 134 && constants >= 9, "found {functions} functions, {constants} constants");
}

//! Every kind of bad file, put in force while a good one is: an error with file, line, column and what to do about it, and nothing that was counted is lost.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_policy::{Policy, PolicyHandle, Request, Scope};

const HEAD: &str = "format = 1\n[provider]\nname = \"own\"\n";
/// 2026-01-15T12:20:17Z.
const NOW: u64 = 1_768_479_617_000_000_000;

/// A limit of one address, with this quota and these further lines.
fn limit(quota: &str, more: &str) -> String {
    format!("{HEAD}[[limit]]\nid = \"day\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"{quota}\"\n{more}")
}

/// A file of a test of its own.
fn written(name: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad_files");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    folder.join(name)
}

#[test]
fn enforcement_goes_on_under_every_bad_file() {
    let handle =
        PolicyHandle::new(Policy::from_toml(&limit("10/day", "window = \"fixed-window\"\n"), "good.toml").unwrap());
    let request = Request::new().scope(Scope::Ip, "192.0.2.1");
    let spend = |expected: u64| {
        let policy = handle.load();
        let verdict = policy.take_at(NOW, &request).unwrap();
        assert_eq!((verdict.is_allowed(), verdict.limit("day").unwrap().remaining()), (true, expected));
    };
    spend(9);
    let patterns = "[category.a]\nendpoints = [\"GET /{x}/b\"]\n[category.b]\nendpoints = [\"GET /a/{y}\"]\n";
    let bad = [
        ("key.toml", limit("5/s", "max_key = 5\n"), "9:1: unknown key `max_key`", "did you mean `max_keys`?"),
        (
            "overlap.toml",
            format!("{HEAD}{patterns}"),
            "7:13: `GET /a/{y}` overlaps `GET /{x}/b` of another row, and neither is the more specific",
            "a request belongs to one row: part them by method, or write out a segment that is a name",
        ),
        (
            "burst.toml",
            limit("5/s burst 9", "window = \"fixed-window\"\n"),
            "8:9: fixed-window cannot hold `5/s burst 9`: this algorithm has no burst apart from its limit",
            "what can hold it in such a window: `gcra`, `token-bucket`",
        ),
        (
            "dense.toml",
            limit("5000000000/s", ""),
            "8:9: gcra cannot hold `5000000000/s`: the limit must be at most one permit per nanosecond of the period (sliding window: per two)",
            "what can hold it in such a window: `fixed-window`",
        ),
        (
            "algorithm.toml",
            limit("5/s", "window = \"fixed-widow\"\n"),
            "9:10: there is no window `fixed-widow`",
            "did you mean `fixed-window`?",
        ),
        (
            "zone.toml",
            limit("5 per calendar day in Europe/Pari", ""),
            "8:32: at position 22: there is no such time zone; did you mean \"Europe/Paris\"?",
            "did you mean `Europe/Paris`?",
        ),
        ("scope.toml", limit("5/s", "").replace("\"ip\"", "\"id\""), "6:9: unknown value `id`", "did you mean `ip`?"),
    ];
    for (n, (name, text, message, hint)) in bad.iter().enumerate() {
        let path = written(name, text);
        let error = handle.reload(&path).unwrap_err();
        let first = error.to_string().lines().next().unwrap().to_owned();
        assert_eq!(first, format!("{}:{message}", path.display()));
        assert_eq!(error.hint(), Some(*hint), "{name}");
        assert!(error.to_string().ends_with(hint), "{error}");
        spend(8 - n as u64);
    }
    // As one reads it from a disk by mistake: no line to name.
    let large = written("large.toml", "");
    fs::File::options().write(true).open(&large).unwrap().set_len(100 << 20).unwrap();
    let error = handle.reload(&large).unwrap_err();
    let said = format!("{}: is too large: 104857600 bytes, and at most 4194304 are read", large.display());
    assert_eq!(error.to_string().lines().next(), Some(said.as_str()));
    assert_eq!(error.hint(), Some("`PolicyBuilder::max_bytes` lets larger ones in"));
    spend(1);
    fs::remove_file(large).unwrap();
    // And a good one at last.
    handle.reload(written("good.toml", &limit("10/day", "window = \"fixed-window\"\n"))).unwrap();
    spend(0);
}

//! The binary `tidegate` from outside: what it prints, what it writes, and its exit status.
#![cfg(feature = "cli")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

fn policy(name: &str) -> String {
    policies().join(name).to_str().unwrap().to_owned()
}

fn tidegate(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_tidegate")).args(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn scratch(name: &str, text: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn check_tells_of_every_file() {
    let (status, out, errors) = tidegate(&["check", &policy("mailtrap.toml"), &policy("unosend.toml")]);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert_eq!(out.lines().count(), 2);
    assert!(out.contains("mailtrap.toml: ok: Mailtrap, 6 limits: 6 rates"), "{out}");

    let text = std::fs::read_to_string(policy("mailtrap.toml")).unwrap();
    let bad = scratch("bad.toml", &text.replacen("150/10s", "150/10 fortnights", 1));
    let (status, out, errors) = tidegate(&["check", &bad, &policy("mailtrap.toml"), "nowhere.toml"]);
    assert_eq!(status, 1);
    assert!(out.contains("mailtrap.toml: ok"), "the others are checked all the same");
    let line = text.lines().position(|line| line.contains("150/10s")).unwrap() + 1;
    assert!(errors.contains(&format!("bad.toml:{line}:")) && errors.contains("expected a unit of time"), "{errors}");
    assert!(errors.contains("nowhere.toml: cannot be read"), "{errors}");
    let (status, _, errors) = tidegate(&["check", &policy("mailtrap.toml"), "--document", &policy("mailpipe.toml")]);
    assert_eq!((status, errors.contains("mailtrap.toml:")), (1, true), "the document is another one");
}

#[test]
fn explain_tells_in_words() {
    let (status, out, _) = tidegate(&["explain", "300/min burst 50; 1000 per calendar day in Europe/Paris"]);
    assert_eq!(status, 0);
    for told in [
        "300 permits in 1 min on average, up to 50 at once.",
        "one every 200 ms",
        "full again after 10 s",
        "At most 1,000 permits in each day of the calendar in Europe/Paris.",
        "The window now: ",
        "All of them hold",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (status, out, _) = tidegate(&["explain", &policy("mailiam.toml"), "--plan", "FREE"]);
    assert_eq!(status, 0);
    assert!(out.contains("Plan free") && !out.contains("Plan pro") && out.contains("IP_RATE_LIMIT (ip)"), "{out}");
    let (status, _, errors) = tidegate(&["explain", &policy("mailiam.toml"), "--plan", "gold"]);
    assert!(status == 2 && errors.contains("no plan `gold`; known are free"), "{errors}");
    let (status, _, errors) = tidegate(&["explain", "300/fortnight"]);
    assert!(status == 1 && errors.contains("at position 4"), "{errors}");
    // The extremes of a quota are words, too.
    for quota in [
        "18446744073709551615/ns",
        "1/146 w burst 18446744073709551615",
        "1/ns",
        "18446744073709551615 per calendar year",
    ] {
        for algorithm in ["gcra", "fixed-window", "sliding-window"] {
            let (status, ..) = tidegate(&["explain", quota, "--algorithm", algorithm]);
            assert!(status < 2, "{quota} {algorithm}");
        }
    }
    for name in ["mailpipe", "mailtrap", "migosmtp", "telnxo", "unosend"] {
        let (status, out, _) = tidegate(&["explain", &policy(&format!("{name}.toml"))]);
        let text = std::fs::read_to_string(policy(&format!("{name}.toml"))).unwrap();
        assert!(status == 0 && out.lines().filter(|line| line.trim_end().ends_with(']')).count() >= 6, "{name}: {out}");
        assert!(!text.is_empty());
    }
}

#[test]
fn simulate_counts_draws_and_judges() {
    let chart = scratch("chart.svg", "");
    let (status, out, errors) =
        tidegate(&["simulate", "100/min burst 20", "--rate", "3/s", "--for", "1min", "--chart", &chart]);
    assert_eq!((status, errors.as_str()), (0, ""));
    for told in ["asked                 180", "119   66.1 %", "61   33.9 %", "by limit    100/min burst 20: denied 61"]
    {
        assert!(out.contains(told), "{told}: {out}");
    }
    assert!(std::fs::read_to_string(&chart).unwrap().contains("100/min burst 20: 3/s for 1 min"));

    let (status, out, errors) =
        tidegate(&["simulate", "10/s", "--burst", "50@10s", "--wait", "2s", "--json", "--deny-at-most", "39.9%"]);
    assert_eq!((status, errors.trim()), (3, "40.0 % were denied; at most 39.9 % may be"));
    let figures: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&figures["asked"], &figures["delayed"], &figures["waits_ns"]["longest"]),
        (&300.into(), &120.into(), &2_000_000_000u64.into())
    );
    let (status, ..) = tidegate(&["simulate", "10/s", "--burst", "50@10s", "--wait", "2s", "--deny-at-most", "40%"]);
    assert_eq!(status, 0);

    let unosend = policy("unosend.toml");
    let (status, out, _) = tidegate(&[
        "simulate",
        &unosend,
        "--plan",
        "free",
        "--endpoint",
        "POST /emails",
        "--rate",
        "1/s",
        "--for",
        "1h",
    ]);
    assert!(status == 0 && out.contains("requests/free/hour: denied"), "{out}");
    let (status, _, errors) = tidegate(&["simulate", &unosend, "--rate", "1/s"]);
    assert!(status == 2 && errors.contains("names no plan; known are `free`") && errors.contains("--plan"), "{errors}");
}

#[test]
fn simulate_reads_traces() {
    let rows: String = (0..40).map(|n| format!("{},k1,200\n", 1_767_225_600_000u64 + n * 50)).collect();
    let trace = scratch("trace.csv", &format!("ts,account,status\n{rows}"));
    let (status, out, errors) = tidegate(&["simulate", "10/s burst 1", "--trace", &trace]);
    assert_eq!((status, errors.trim().ends_with("passed over: status")), (0, true), "{errors}");
    assert!(out.contains("asked                  40") && out.contains("20   50.0 %"), "{out}");

    let bad = scratch("bad.ndjson", "{\"time\":1,\"account\":\"a\"}\n{\"time\":\"x\"}\n");
    let (status, _, errors) = tidegate(&["simulate", "10/s", "--trace", &bad]);
    assert!(status == 1 && errors.contains("bad.ndjson:2: column"), "{errors}");
    let (status, _, errors) = tidegate(&["simulate", "10/s", "--trace", "nowhere.csv"]);
    assert!(status == 1 && errors.contains("nowhere.csv: cannot be opened"), "{errors}");

    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["simulate", "10/s", "--trace", "-", "--format", "ndjson", "--scope", "account=a"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"{\"time\":1}\n{\"time\":2}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("asked                   2"));
}

#[test]
fn a_command_line_that_asks_for_what_cannot_be_is_status_2() {
    for arguments in [
        &[][..],
        &["simulate", "10/s"],
        &["simulate", "10/s", "--rate", "fast"],
        &["simulate", "10/s", "--rate", "1/s", "--for", "long"],
        &["simulate", "10/s", "--rate", "1/s", "--trace", "x.csv"],
        &["simulate", "10/s", "--burst", "10"],
        &["simulate", "10/s", "--burst", "10@0"],
        &["simulate", "10/s", "--rate", "1/s", "--scope", "galaxy=1"],
        &["simulate", "10/s", "--rate", "1/s", "--deny-at-most", "200%"],
        &["simulate", "10/s", "--rate", "1/s", "--algorithm", "magic"],
        &["explain", "10/s", "--plan", "free"],
        &["check"],
        &["check", "a.toml", "b.toml", "--document", "c"],
        &["frobnicate"],
    ] {
        let (status, _, errors) = tidegate(arguments);
        assert_eq!((status, errors.is_empty()), (2, false), "{arguments:?}: {errors}");
    }
    let (status, out, _) = tidegate(&["--help"]);
    assert!(status == 0 && out.contains("simulate"));
}

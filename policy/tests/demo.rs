//! The demo from outside: its exit status, its table, and the shape of its questions.
#![cfg(feature = "demo")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

fn demo(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_demo")).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A directory of its own with one policy file, some text of it replaced.
fn directory(name: &str, file: &str, from: &str, to: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let text = std::fs::read_to_string(policies().join(file)).unwrap();
    assert!(text.contains(from));
    std::fs::write(directory.join(file), text.replacen(from, to, 1)).unwrap();
    directory
}

#[test]
fn a_good_file_is_a_table_with_a_line_for_every_limit() {
    let directory = directory("good", "mailtrap.toml", "", "");
    let (status, table, errors) = demo(&["--policies", directory.to_str().unwrap()]);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{table}");
    let row = table.lines().find(|line| line.contains("general/all")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    let expected = [
        "31",
        "general/all",
        "api-key",
        "150/10s",
        "sliding-log",
        "150",
        "150",
        "10s",
        "10s",
        "150",
        "450",
        "112",
        "150",
    ];
    assert_eq!(cells, expected);
    assert!(table.contains("Providers: 1. Limits: 6, of them replayed 6 "), "{table}");
}

#[test]
fn a_wrong_row_is_an_exit_status_and_a_place() {
    let directory = directory("wrong", "mailpipe.toml", "\"1000/day\"", "\"10000/day\"");
    let (status, table, errors) = demo(&["--policies", directory.to_str().unwrap()]);
    assert_eq!((status, table.as_str()), (Some(1), ""));
    assert!(errors.contains("mailpipe.toml:38:80: this quota allows 10000, but column `Emails / Day`"), "{errors}");
}

#[test]
fn bad_arguments_are_another_exit_status() {
    assert_eq!(demo(&["--policy"]).0, Some(2));
    assert_eq!(demo(&["--policies", "no-such-directory"]).0, Some(1));
}

#[test]
fn the_answers_are_the_questions_with_four_more_columns() {
    let (asked, answered) = (demo(&["questions", "--ask"]).1, demo(&["questions"]).1);
    assert_eq!(asked.lines().count(), answered.lines().count());
    for (question, answer) in asked.lines().zip(answered.lines()) {
        let rest = answer.strip_prefix(question).unwrap_or_else(|| panic!("{answer} does not answer {question}"));
        assert_eq!(rest.matches('\t').count(), 4, "{answer}");
    }
    for algorithm in ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"] {
        assert!(answered.contains(&format!("\t{algorithm}\t")), "{algorithm}");
    }
    assert!(answered.contains("\tfalse\t0\tnever\t"), "{answered}");
}

#[test]
fn quotations_are_looked_up_in_a_saved_document() {
    let file = policies().join("mailtrap.toml");
    let document = Path::new(env!("CARGO_TARGET_TMPDIR")).join("document.txt");
    std::fs::write(&document, "General Rate Limit").unwrap();
    let (status, _, errors) = demo(&["quotations", file.to_str().unwrap(), document.to_str().unwrap()]);
    assert_eq!(status, Some(1));
    assert!(errors.contains("the document does not have these words"), "{errors}");
}

//! A row that a file gets wrong is refused, at its line. Each number of each file is tried; the texts of the errors are kept here.

use std::path::PathBuf;

use tidegate_policy::{Policy, PolicyError};

const FILES: [&str; 6] = ["mailtrap", "mailpipe", "migosmtp", "telnxo", "mailiam", "unosend"];

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../policies/{name}.toml"));
    std::fs::read_to_string(path).unwrap()
}

/// The error of a file in which `from`, which it has, stands as `to` once.
fn spoiled(name: &str, from: &str, to: &str) -> PolicyError {
    let text = text(name);
    assert!(text.contains(from), "{name} has no {from}");
    Policy::from_toml(&text.replacen(from, to, 1), &format!("{name}.toml")).expect_err("a spoiled file was accepted")
}

fn says(name: &str, from: &str, to: &str, expected: &str) {
    assert_eq!(spoiled(name, from, to).to_string(), expected.trim_matches('\n'));
}

/// The byte offset of a place.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    start + text[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
}

/// A text with its first number one higher.
fn raised(text: &str) -> String {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap();
    let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| start + length);
    format!("{}{}{}", &text[..start], text[start..end].parse::<u64>().unwrap() + 1, &text[end..])
}

#[test]
fn every_wrong_number_of_every_limit_is_refused_at_its_own_place() {
    let mut tried = 0;
    for name in FILES {
        let text = text(name);
        let policy = Policy::from_toml(&text, name).unwrap();
        for limit in policy.limits() {
            let place = limit.place();
            let at = offset(&text, place.line(), place.column());
            let value = &text[at..];
            let length = match value.strip_prefix('"') {
                Some(rest) => 2 + rest.find('"').unwrap(),
                None => value.find('\n').unwrap(),
            };
            let wrong = match &value[..length] {
                "\"custom\"" => vec!["\"unlimited\"".to_owned(), "\"unstated\"".to_owned()],
                "\"unlimited\"" => vec!["\"custom\"".to_owned(), "\"7\"".to_owned()],
                "\"unstated\"" => vec!["\"custom\"".to_owned(), "\"7/min\"".to_owned()],
                number => vec![raised(number), number.replacen(|c: char| c.is_ascii_digit(), "9999", 1)],
            };
            for wrong in wrong {
                let spoiled = format!("{}{wrong}{}", &text[..at], &value[length..]);
                match Policy::from_toml(&spoiled, name) {
                    Ok(_) => panic!("{place}: {} was accepted as {wrong}", limit.id()),
                    Err(error) => {
                        assert_eq!(error.place().map(|place| place.line()), Some(place.line()), "{wrong}: {error}")
                    }
                }
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 2 * 127);
}

#[test]
fn every_wrong_period_of_every_limit_is_refused_at_its_own_place() {
    const PERIODS: [(&str, &str); 7] = [
        ("/min", "/hour"),
        ("/hour", "/day"),
        ("/day", "/hour"),
        ("/second", "/min"),
        ("/10s", "/11s"),
        ("/60s", "/61s"),
        ("calendar month", "calendar year"),
    ];
    let mut tried = 0;
    for name in FILES {
        let text = text(name);
        let policy = Policy::from_toml(&text, name).unwrap();
        for limit in policy.limits() {
            let place = limit.place();
            let at = offset(&text, place.line(), place.column());
            let length = text[at..].find(['\n', ',', ']']).unwrap();
            let value = &text[at..at + length];
            let Some((from, to)) = PERIODS.iter().find(|(from, _)| value.contains(from)) else { continue };
            let spoiled = format!("{}{}{}", &text[..at], value.replacen(from, to, 1), &text[at + length..]);
            let error = Policy::from_toml(&spoiled, name).expect_err(limit.id());
            assert_eq!(error.place().map(|place| place.line()), Some(place.line()), "{error}");
            tried += 1;
        }
    }
    // All rates and calendar quotas.
    assert_eq!(tried, 6 + 6 + 6 + 5 + (4 + 12 + 3) + (36 + 11 + 1 + 1 + 1));
}

#[test]
fn every_wrong_digit_of_a_quoted_row_is_refused() {
    let mut tried = 0;
    for name in FILES {
        let text = text(name);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let quoted =
                line.split("source = \"").nth(1).filter(|rest| !rest.starts_with('"') && line.contains("limits = "));
            for (n, _) in
                quoted.and_then(|rest| rest.split('"').next()).unwrap_or("").match_indices(|c: char| c.is_ascii_digit())
            {
                let digit = at + line.find("source = \"").unwrap() + "source = \"".len() + n;
                let other = if &text[digit..=digit] == "9" { "8" } else { "9" };
                let spoiled = format!("{}{other}{}", &text[..digit], &text[digit + 1..]);
                assert!(Policy::from_toml(&spoiled, name).is_err(), "{name}: {line}");
                tried += 1;
            }
            at += line.len();
        }
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn a_wrong_number_is_shown_beside_the_cell() {
    says(
        "migosmtp",
        "limits = [\"30/min\"]",
        "limits = [\"300/min\"]",
        r#"
migosmtp.toml:75:11: this quota allows 300, but column `Requests per Minute` of the quoted row says `30 requests/min`
   75 | limits = ["300/min"]
      |           ^^^^^^^^^"#,
    );
    says(
        "unosend",
        "quota = \"200000/day\"",
        "quota = \"20000/day\"",
        r#"
unosend.toml:106:9: this quota allows 20000, but its `source` says `There is a global daily limit of 200,000 emails per sender domain across all plans.`
  106 | quota = "20000/day"
      |         ^^^^^^^^^^^"#,
    );
}

#[test]
fn a_wrong_period_burst_or_word_is_shown() {
    says(
        "mailtrap",
        "150/10s",
        "150/min",
        r#"
mailtrap.toml:31:11: this quota is per 60s, which column `Requests` of the quoted row does not say
   31 | limits = ["150/min"]
      |           ^^^^^^^^^
      = it says `10 seconds`"#,
    );
    assert_eq!(
        spoiled("mailiam", "50/min burst 100", "50/min burst 10").message(),
        "this quota has a burst of 10, but the document says `100`"
    );
    assert_eq!(
        spoiled("mailiam", "50/min burst 100", "50/min").message(),
        "this quota has a burst of 50, but the document says `100`"
    );
    assert_eq!(
        spoiled("mailiam", "\"custom\"]", "\"unlimited\"]").message(),
        "\"unlimited\" stands here, but column `Requests/Minute` of the quoted row says `Custom`"
    );
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion() {
    says(
        "mailpipe",
        "endpoints = [",
        "endpoint = [",
        r#"
mailpipe.toml:28:1: unknown key `endpoint`
   28 | endpoint = ["POST /v1/outbound/{orgId}/send"]
      | ^^^^^^^^
      = did you mean `endpoints`?"#,
    );
    says(
        "mailtrap",
        "[refusal]",
        "[weather]",
        r#"
mailtrap.toml:80:2: unknown key `weather`
   80 | [weather]
      |  ^^^^^^^
      = known here: `format`, `provider`, `max_keys`, `category`, `cost`, `window`, `table`, `limit`, `headers`, `refusal`, `retry`, `client`"#,
    );
    says(
        "unosend",
        "scope = \"organization\"",
        "scope = \"organisation\"",
        r#"
unosend.toml:27:9: unknown value `organisation`
   27 | scope = "organisation"
      |         ^^^^^^^^^^^^^^
      = did you mean `organization`?"#,
    );
}

#[test]
fn a_bad_quota_is_shown_where_it_goes_wrong() {
    says(
        "mailtrap",
        "10/60s",
        "10/60x",
        r#"
mailtrap.toml:60:17: at position 5: expected a unit of time (ns us ms s min h d w), such as "300/min"
   60 | limits = ["10/60x"]
      |                 ^"#,
    );
    assert_eq!(spoiled("mailtrap", "10/60s", "0/60s").message(), "at position 0: the limit must be at least 1 permit");
    assert_eq!(
        spoiled("unosend", "5000 per calendar month in UTC", "5000 per calendar moon in UTC").message(),
        "at position 18: expected hour, day, week, month or year, such as \"1000 per calendar day\""
    );
    assert_eq!(
        spoiled("mailiam", "algorithm = \"gcra\"", "algorithm = \"fixed-window\"").message(),
        "fixed-window cannot hold `50/min burst 100`: this algorithm has no burst apart from its limit"
    );
}

#[test]
fn rows_that_do_not_add_up_are_refused() {
    assert_eq!(
        spoiled(
            "unosend",
            "cells = [\"Free\", \"10\", \"100\", \"500\"]",
            "cells = [\"Free\", \"101\", \"00\", \"50\"]"
        )
        .message(),
        "the cells put together are `Free1010050`, the quoted row is `Free10100500`"
    );
    assert_eq!(
        spoiled("unosend", "cells = [\"Free\", \"10\", \"100\", \"500\"]", "cells = [\"Free\", \"10100\", \"500\"]")
            .message(),
        "the row has 3 cells, its table 4 columns"
    );
    assert_eq!(
        spoiled("mailpipe", ", \"10/second\"]", "]").message(),
        "the row has 2 limits, its table has 3 columns of them"
    );
}

#[test]
fn names_that_lead_nowhere_are_refused() {
    assert_eq!(
        spoiled("migosmtp", "window = \"rolling\"", "window = \"roling\"").hint(),
        Some("did you mean `rolling`?")
    );
    assert_eq!(
        spoiled("mailtrap", "algorithm = \"sliding-log\"", "algorithm = \"slidinglog\"").hint(),
        Some("did you mean `sliding-log`?")
    );
    assert_eq!(
        spoiled("migosmtp", "id = \"reports\"", "id = \"email-send\"").message(),
        "the limit `api/email-send` stands twice; first at migosmtp.toml:43:11"
    );
    assert_eq!(
        spoiled("migosmtp", "\"POST /email/send\"", "\"/email/send\"").message(),
        "`/email/send` is no endpoint: expected a method and a path, such as \"POST /send\""
    );
    assert_eq!(
        spoiled("mailtrap", "scope = \"account\"", "scope = \"ip\"").message(),
        "the scope is `ip`, but the document says `Per account`"
    );
    assert_eq!(
        spoiled("migosmtp", "max_attempts = 5", "max_attempts = 6").message(),
        "`max_attempts` is 6, but no line of `source` has that number"
    );
    assert_eq!(spoiled("mailtrap", "reading = \"\"\"", "# \"\"\"").place().map(|place| place.line()), Some(12));
    assert_eq!(spoiled("mailtrap", "format = 1", "format = 2").hint(), Some("this version reads format 1"));
}

#[test]
fn a_file_that_is_not_there_is_an_error_with_its_name() {
    let error = Policy::from_file("no/such/file.toml").unwrap_err();
    assert!(error.place().is_none() && error.to_string().starts_with("no/such/file.toml: cannot be read: "), "{error}");
}

#[test]
fn text_cut_off_anywhere_is_refused_and_never_panics() {
    for name in FILES {
        let text = text(name);
        for end in (0..text.len()).step_by(97).filter(|end| text.is_char_boundary(*end)) {
            if let Err(error) = Policy::from_toml(&text[..end], name) {
                assert!(!error.message().is_empty());
            }
        }
    }
}

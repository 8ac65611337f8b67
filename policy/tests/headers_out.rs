//! Headers as they are sent: the providers' own examples byte for byte, the drafts' rules, and rounding at every size.

use quickcheck::{QuickCheck, TestResult};
use tidegate_policy::headers::{Dialect, EncodeError, Outcome, Report, ResetStyle, RetryAfterStyle, ServiceLimit};
use tidegate_policy::{Policy, headers};

mod generate;
mod reports;
use generate::Seed;
use reports::random_limits;

const SECOND: u64 = 1_000_000_000;

const UNIX: Dialect = Dialect::XRateLimit { reset: ResetStyle::Unix };
const DELTA: Dialect = Dialect::XRateLimit { reset: ResetStyle::Delta };
const ISO: Dialect = Dialect::XRateLimit { reset: ResetStyle::Iso8601 };

fn lines(dialect: Dialect, now: u64, limits: &[ServiceLimit<'_>]) -> Vec<String> {
    let fields = dialect.encode(&Report::new(now, limits)).unwrap();
    fields.map(|(name, value)| format!("{name}: {value}")).collect()
}

fn provider(name: &str) -> Policy {
    Policy::from_file(format!("{}/../policies/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn dialect_of(name: &str) -> Option<Dialect> {
    provider(name).headers().and_then(Dialect::of)
}

#[test]
fn the_examples_of_the_six_documents() {
    // mailiam, unlike its example, tells nobody to wait for an hour while 847 remain.
    let now = (1_672_531_200 - 3600) * SECOND;
    let hour = ServiceLimit::new("hour", 1000, 847, 3600 * SECOND).scope("api-key");
    assert_eq!(
        lines(dialect_of("mailiam").unwrap(), now, &[hour]),
        [
            "X-RateLimit-Limit: 1000",
            "X-RateLimit-Remaining: 847",
            "X-RateLimit-Reset: 1672531200",
            "X-RateLimit-RetryAfter: 0",
            "X-RateLimit-Scope: api-key",
        ]
    );
    let refused =
        ServiceLimit::new("hour", 1000, 0, 3600 * SECOND).scope("api-key").outcome(Outcome::After(3600 * SECOND));
    assert_eq!(
        lines(dialect_of("mailiam").unwrap(), now, &[refused])[1..],
        [
            "X-RateLimit-Remaining: 0",
            "X-RateLimit-Reset: 1672531200",
            "X-RateLimit-RetryAfter: 3600",
            "X-RateLimit-Scope: api-key"
        ]
    );

    let noon = 1_705_320_000 * SECOND; // 2024-01-15T12:00:00Z
    assert_eq!(
        lines(dialect_of("mailpipe").unwrap(), noon - 1, &[ServiceLimit::new("hour", 100, 87, 1)]),
        ["X-RateLimit-Limit: 100", "X-RateLimit-Remaining: 87", "X-RateLimit-Reset: 2024-01-15T12:00:00Z"]
    );
    let refused = ServiceLimit::new("hour", 100, 0, 3600 * SECOND).outcome(Outcome::After(3600 * SECOND));
    assert_eq!(
        lines(dialect_of("mailpipe").unwrap(), noon, &[refused]),
        [
            "X-RateLimit-Limit: 100",
            "X-RateLimit-Remaining: 0",
            "X-RateLimit-Reset: 2024-01-15T13:00:00Z",
            "Retry-After: 3600",
        ]
    );

    let now = (1_717_754_460 - 23) * SECOND + 1;
    let refused = ServiceLimit::new("send", 300, 247, 23 * SECOND - 1).outcome(Outcome::After(22 * SECOND + 1));
    let expected =
        ["X-RateLimit-Limit: 300", "X-RateLimit-Remaining: 247", "X-RateLimit-Reset: 1717754460", "Retry-After: 23"];
    for name in ["migosmtp", "telnxo"] {
        assert_eq!(lines(dialect_of(name).unwrap(), now, &[refused]), expected, "{name}");
    }

    let minute = ServiceLimit::new("minute", 500, 485, 60 * SECOND);
    assert_eq!(
        lines(dialect_of("unosend").unwrap(), 1_705_320_000 * SECOND, &[minute]),
        ["X-RateLimit-Limit: 500", "X-RateLimit-Remaining: 485", "X-RateLimit-Reset: 1705320060"]
    );

    assert!(provider("mailtrap").headers().is_none(), "mailtrap publishes no header");
}

#[test]
fn the_drafts_speak_as_their_examples() {
    let quiet = ServiceLimit::new("default", 100, 50, 5 * SECOND).window(10 * SECOND);
    assert_eq!(
        lines(Dialect::Draft06, 7, &[quiet]),
        ["RateLimit-Limit: 100", "RateLimit-Remaining: 50", "RateLimit-Reset: 5", "RateLimit-Policy: 100;w=10"]
    );
    assert_eq!(
        lines(Dialect::Draft07, 7, &[quiet]),
        ["RateLimit: limit=100, remaining=50, reset=5", "RateLimit-Policy: 100;w=10"]
    );
    assert_eq!(
        lines(Dialect::Draft08, 7, &[quiet]),
        [r#"RateLimit: "default";r=50;t=5"#, r#"RateLimit-Policy: "default";q=100;w=10"#]
    );

    // Of 06: "RateLimit-Policy: 1000;w=3600, 5000;w=86400" with the day about to end.
    let hour = ServiceLimit::new("hour", 1000, 900, 1200 * SECOND).window(3600 * SECOND);
    let day = ServiceLimit::new("day", 5000, 100, 36_000 * SECOND).window(86_400 * SECOND);
    assert_eq!(
        lines(Dialect::Draft06, 0, &[hour, day]),
        [
            "RateLimit-Limit: 5000",
            "RateLimit-Remaining: 100",
            "RateLimit-Reset: 36000",
            "RateLimit-Policy: 5000;w=86400, 1000;w=3600",
        ]
    );
    assert_eq!(
        lines(Dialect::Draft08, 0, &[hour, day]),
        [
            r#"RateLimit: "hour";r=900;t=1200, "day";r=100;t=36000"#,
            r#"RateLimit-Policy: "hour";q=1000;w=3600, "day";q=5000;w=86400"#,
        ]
    );
}

#[test]
fn two_policies_of_one_number_are_named_once_in_06_and_07_and_twice_in_08() {
    let second = ServiceLimit::new("s", 10, 9, 1).window(SECOND);
    let minute = ServiceLimit::new("m", 10, 2, 1).window(60 * SECOND);
    let unknown = ServiceLimit::new("u", 10, 1, 1);
    assert_eq!(lines(Dialect::Draft06, 0, &[second, minute])[3], "RateLimit-Policy: 10;w=60");
    assert_eq!(lines(Dialect::Draft07, 0, &[second, minute, unknown])[1], "RateLimit-Policy: 10;w=1");
    assert_eq!(lines(Dialect::Draft07, 0, &[unknown]), ["RateLimit: limit=10, remaining=1, reset=1"]);
    assert_eq!(
        lines(Dialect::Draft08, 0, &[second, unknown, minute])[1],
        r#"RateLimit-Policy: "s";q=10;w=1, "u";q=10, "m";q=10;w=60"#
    );
}

#[test]
fn a_refusal_waits_at_least_a_second_and_never_less_than_it_must() {
    for (wait, seconds) in [(0, 1_u64), (1, 1), (SECOND, 1), (SECOND + 1, 2), (u64::MAX, 18_446_744_074)] {
        let limit = [ServiceLimit::new("", 1, 0, wait).outcome(Outcome::After(wait))];
        assert_eq!(lines(Dialect::RetryAfter, 0, &limit), [format!("Retry-After: {seconds}")]);
        assert_eq!(lines(UNIX, 0, &limit)[3], format!("Retry-After: {seconds}"));
        assert_eq!(lines(Dialect::Mailiam, 0, &limit)[3], format!("X-RateLimit-RetryAfter: {seconds}"));
        // The drafts: the reset names the instant of Retry-After.
        assert_eq!(
            lines(Dialect::Draft06, 0, &limit)[2..],
            [format!("RateLimit-Reset: {seconds}"), format!("Retry-After: {seconds}")]
        );
        assert_eq!(lines(Dialect::Draft07, 0, &limit)[0], format!("RateLimit: limit=1, remaining=0, reset={seconds}"));
        assert_eq!(lines(Dialect::Draft08, 0, &limit)[0], format!(r#"RateLimit: "";r=0;t={seconds}"#));
    }
}

#[test]
fn what_never_passes_is_not_told_when() {
    let limit = [ServiceLimit::new("", 10, 3, 5 * SECOND).scope("ip").outcome(Outcome::Never)];
    for dialect in [UNIX, DELTA, ISO, Dialect::Mailiam, Dialect::Draft06, Dialect::Draft07, Dialect::Draft08] {
        let lines = lines(dialect, 0, &limit);
        assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains("After")), "{dialect}: {lines:?}");
    }
    assert_eq!(lines(Dialect::RetryAfter, 0, &limit), [""; 0]);
    assert_eq!(lines(Dialect::Draft07, 0, &limit), ["RateLimit: limit=10, remaining=3, reset=5"]);
}

#[test]
fn http_dates_at_the_ends() {
    let date = |now: u64, wait: u64| {
        let limits = [ServiceLimit::new("", 1, 0, 0).outcome(Outcome::After(wait))];
        let fields = Dialect::RetryAfter.encode_with(&Report::new(now, &limits), RetryAfterStyle::HttpDate).unwrap();
        fields.map(|(_, value)| value.to_string()).collect::<String>()
    };
    assert_eq!(date(0, 0), "Thu, 01 Jan 1970 00:00:01 GMT");
    assert_eq!(date(1_709_164_799 * SECOND, SECOND), "Thu, 29 Feb 2024 00:00:00 GMT");
    assert_eq!(date(784_111_776 * SECOND + 1, SECOND - 1), "Sun, 06 Nov 1994 08:49:37 GMT");
}

#[test]
fn numbers_beyond_fifteen_digits_are_understated_in_the_drafts_alone() {
    let limit = [ServiceLimit::new("a", u64::MAX, 1_000_000_000_000_000, u64::MAX).window(u64::MAX)];
    assert_eq!(
        lines(Dialect::Draft07, 0, &limit),
        [
            "RateLimit: limit=999999999999999, remaining=999999999999999, reset=18446744074",
            "RateLimit-Policy: 999999999999999;w=18446744074",
        ]
    );
    assert_eq!(
        lines(DELTA, 0, &limit)[..2],
        ["X-RateLimit-Limit: 18446744073709551615", "X-RateLimit-Remaining: 1000000000000000"]
    );
}

#[test]
fn a_name_or_a_scope_never_becomes_a_header_of_its_own() {
    for name in ["a\r\nSet-Cookie: b", "\n", "\u{7f}", "é", "\0", "a\tb"] {
        let limit = [ServiceLimit::new(name, 1, 1, 1).scope(name)];
        let report = Report::new(0, &limit);
        assert_eq!(Dialect::Draft08.encode(&report).unwrap_err(), EncodeError::Name, "{name:?}");
        assert_eq!(Dialect::Mailiam.encode(&report).unwrap_err(), EncodeError::Scope, "{name:?}");
        assert!(UNIX.encode(&report).is_ok(), "a dialect that sends neither does not mind");
    }
    for scope in ["", " a", "a "] {
        let limit = [ServiceLimit::new("", 1, 1, 1).scope(scope)];
        assert_eq!(Dialect::Mailiam.encode(&Report::new(0, &limit)).unwrap_err(), EncodeError::Scope);
    }
    let quoted = [ServiceLimit::new(r#"a"b\c"#, 1, 1, 1)];
    assert_eq!(lines(Dialect::Draft08, 0, &quoted)[0], r#"RateLimit: "a\"b\\c";r=1;t=1"#);
}

#[test]
fn buffers_hold_the_same_bytes_or_say_how_many() {
    let limits = [
        ServiceLimit::new("hour", 1000, 0, 60 * SECOND).window(3600 * SECOND).scope("ip").outcome(Outcome::After(1)),
        ServiceLimit::new("day", 5000, 9, 60 * SECOND),
    ];
    let report = Report::new(SECOND, &limits);
    for dialect in
        [UNIX, DELTA, ISO, Dialect::Mailiam, Dialect::Draft06, Dialect::Draft07, Dialect::Draft08, Dialect::RetryAfter]
    {
        let fields = dialect.encode(&report).unwrap();
        let text: String = fields.clone().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        for room in 0..=text.len() + 3 {
            let mut buffer = vec![b'#'; room + 1];
            let written = fields.write_lines(&mut buffer[..room]);
            if room < text.len() {
                assert_eq!(written.unwrap_err().needed(), text.len());
                assert_eq!(buffer[..room], text.as_bytes()[..room]);
            } else {
                assert_eq!(written, Ok(text.len()));
                assert_eq!(&buffer[..text.len()], text.as_bytes());
            }
            assert_eq!(buffer.last(), Some(&b'#'));
        }
    }
}

#[test]
fn no_limits_no_headers() {
    for dialect in [UNIX, Dialect::Mailiam, Dialect::Draft06, Dialect::Draft07, Dialect::Draft08, Dialect::RetryAfter] {
        assert_eq!(lines(dialect, 5, &[]), [""; 0]);
    }
}

/// Another serializer, the library's, writes the same structured fields.
#[test]
fn structured_fields_as_the_library_writes_them() {
    fn property(seed: Seed) -> TestResult {
        let (now, names, numbers) = random_limits(seed);
        let limits = numbers.limits(&names);
        let report = Report::new(now, &limits);
        let Ok(fields) = Dialect::Draft08.encode(&report) else {
            return TestResult::from_bool(names.iter().any(|name| !name.bytes().all(|b| (b' '..=b'~').contains(&b))));
        };
        for (name, value) in fields.filter(|(name, _)| name.starts_with("RateLimit")) {
            let value = value.to_string();
            let list: sfv::List = sfv::Parser::new(&value).parse().unwrap();
            assert_eq!(list.len(), limits.len());
            let mut serializer = sfv::ListSerializer::new();
            for limit in &limits {
                let item = serializer.bare_item(sfv::StringRef::from_str(limit.name()).unwrap());
                let integer = |number: u64| sfv::Integer::try_from(number.min(999_999_999_999_999)).unwrap();
                let key = |key| sfv::KeyRef::from_str(key).unwrap();
                if name == "RateLimit" {
                    let wait = match limit.outcome_of_request() {
                        Outcome::After(wait) => wait.div_ceil(SECOND).max(1),
                        _ => limit.reset_after().div_ceil(SECOND),
                    };
                    let _ = item.parameter(key("r"), integer(limit.remaining())).parameter(key("t"), integer(wait));
                } else {
                    let item = item.parameter(key("q"), integer(limit.limit()));
                    if let Some(window) = limit.window_nanos() {
                        let _ = item.parameter(key("w"), integer(window.div_ceil(SECOND).max(1)));
                    }
                }
            }
            assert_eq!(serializer.finish().unwrap(), value);
        }
        TestResult::passed()
    }
    QuickCheck::new().quickcheck(property as fn(Seed) -> TestResult);
}

/// Whatever is said, in every dialect: ASCII that a header may hold, and no wait that ends before it should.
#[test]
fn every_instant_is_late_enough_and_less_than_a_second_late() {
    fn property(seed: Seed) -> bool {
        let (now, _, numbers) = random_limits(seed);
        let limits = numbers.limits(&[]);
        let report = Report::new(now, &limits);
        let Some(limit) = report.binding() else {
            return limits.is_empty();
        };
        let reset = u128::from(now) + u128::from(limit.reset_after());
        for dialect in [UNIX, DELTA, ISO] {
            let mut fields = dialect.encode(&report).unwrap();
            let value = fields.nth(2).unwrap().1.to_string();
            let instant = match dialect {
                UNIX => value.parse::<u128>().unwrap() * u128::from(SECOND),
                ISO => value.parse::<jiff::Timestamp>().unwrap().as_nanosecond() as u128,
                _ => u128::from(now) + value.parse::<u128>().unwrap() * u128::from(SECOND),
            };
            assert!(reset <= instant && instant < reset + u128::from(SECOND), "{dialect} {value}");
        }
        if let Outcome::After(wait) = report.outcome() {
            let end = u128::from(now) + u128::from(wait.max(1));
            let fields = Dialect::RetryAfter.encode_with(&report, RetryAfterStyle::HttpDate).unwrap();
            let date = fields.last().unwrap().1.to_string();
            let date =
                httpdate::parse_http_date(&date).unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
            assert!(end <= date && date < end + u128::from(SECOND));
        }
        true
    }
    QuickCheck::new().quickcheck(property as fn(Seed) -> bool);
}

#[test]
fn errors_read_well() {
    let _: &dyn std::error::Error = &headers::EncodeError::Name;
    assert_eq!(EncodeError::Name.to_string(), "the name of a policy must be printable ASCII");
}

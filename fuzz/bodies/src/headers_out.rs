//! Any report in any dialect: what is written is fit to be a header, and read back it tells no shorter wait and no larger rest.

use tidegate_policy::headers::{Dialect, Observed, Outcome, Report, ResetStyle, RetryAfterStyle, ServiceLimit};

const SECOND: u64 = 1_000_000_000;

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// A length, then so many bytes.
    fn number(&mut self) -> u64 {
        let length = usize::from(self.byte() % 9);
        self.take(length).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&mut self) -> &'a str {
        let length = usize::from(self.byte() % 32);
        std::str::from_utf8(self.take(length)).unwrap_or("")
    }
}

/// The bytes choose everything.
pub fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let now = bytes.number();
    let dialect = match bytes.byte() % 8 {
        0 => Dialect::XRateLimit { reset: ResetStyle::Unix },
        1 => Dialect::XRateLimit { reset: ResetStyle::Delta },
        2 => Dialect::XRateLimit { reset: ResetStyle::Iso8601 },
        3 => Dialect::Mailiam,
        4 => Dialect::Draft06,
        5 => Dialect::Draft07,
        6 => Dialect::Draft08,
        _ => Dialect::RetryAfter,
    };
    let style = if bytes.byte() % 2 == 0 { RetryAfterStyle::Seconds } else { RetryAfterStyle::HttpDate };
    let count = bytes.byte() % 6;
    let limits: Vec<ServiceLimit> = (0..count)
        .map(|_| {
            let outcome = match bytes.byte() % 4 {
                0 => Outcome::After(bytes.number()),
                1 => Outcome::Never,
                _ => Outcome::Allowed,
            };
            let limit =
                ServiceLimit::new(bytes.text(), bytes.number(), bytes.number(), bytes.number()).outcome(outcome);
            match bytes.byte() % 4 {
                0 => limit,
                1 => limit.window(bytes.number()),
                2 => limit.scope(bytes.text()),
                _ => limit.scope(bytes.text()).window(bytes.number()),
            }
        })
        .collect();
    let report = Report::new(now, &limits);
    let Ok(fields) = dialect.encode_with(&report, style) else { return };

    let mut buffer = [0; 4096];
    let length = fields.write_lines(&mut buffer).unwrap();
    let headers: Vec<(&str, String)> = fields.map(|(name, value)| (name, value.to_string())).collect();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    assert_eq!(&buffer[..length], lines.as_bytes());
    assert!(
        headers.iter().all(|(_, value)| !value.is_empty() && value.bytes().all(|byte| matches!(byte, b' '..=b'~')))
    );

    let observed = Observed::parse(headers.iter().map(|(name, value)| (*name, value)), now);
    if let Outcome::After(wait) = report.outcome() {
        assert!(observed.refused_wait().unwrap() >= wait);
    }
    // Lists with one name twice are read as one limit.
    if let ([limit], Some(of)) = (observed.limits(), report.binding().filter(|_| dialect != Dialect::Draft08)) {
        assert!(limit.remaining().unwrap() <= of.remaining());
        if of.reset_after() < 999_999_999 * SECOND && of.outcome_of_request() == Outcome::Allowed {
            assert!(limit.reset_after().unwrap() >= of.reset_after());
        }
    }
}

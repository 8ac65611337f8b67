//! Any response headers: reading them never panics, and what is read stays within its bounds.
//!
//! The first eight bytes are the time, the rest lines of `Name: value`.

use tidegate_policy::headers::Observed;

/// The bytes choose everything.
pub fn run(bytes: &[u8]) {
    let Some((now, rest)) = bytes.split_first_chunk() else { return };
    let headers: Vec<(&str, &[u8])> = rest
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
        .collect();
    let now = u64::from_le_bytes(*now);
    let observed = Observed::parse(headers.iter().copied(), now);
    assert!(observed.limits().len() <= Observed::MAX_LIMITS);
    for limit in observed.limits() {
        assert!(observed.has_seen(limit.seen()));
        for text in limit.name().into_iter().chain(limit.scope()) {
            assert!(!text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
        if limit.is_exhausted() && observed.retry_after().is_none() {
            assert!(observed.wait() >= limit.reset_after().unwrap_or(0));
        }
    }
    // A later clock never makes a wait longer.
    let later = Observed::parse(headers.iter().copied(), now.saturating_add(1));
    assert!(later.wait() <= observed.wait());
}

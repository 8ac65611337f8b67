//! The word of a share: deposits less withdrawals in two slices of time.

pub(super) const NET_MAX: i64 = (1 << 19) - 1;
pub(super) const NET_MIN: i64 = -(1 << 19);
const NET_MASK: u64 = (1 << 20) - 1;
const SLICE_MASK: u64 = (1 << 24) - 1;
/// Slice numbers are compared modulo 2^24. The last sixteenth of the circle is the past: a clock that steps back by up
/// to 2^20 slices (60 days at 10 s) is read as late, and a late `now` is judged at the slice last seen.
const LATE: u64 = (1 << 24) - (1 << 20);

/// The word of a share, unpacked: `{ slice: 24 | earlier: 20 | current: 20 }`. Both nets within `NET_MIN..=NET_MAX`.
pub(super) struct Ledger {
    pub(super) slice: u64,
    pub(super) earlier: i64,
    pub(super) current: i64,
}

impl Ledger {
    /// The word as it stands at `now`: what is older than the slice before has been forgotten.
    pub(super) fn seen(word: u64, now: u64, slice: u64) -> Ledger {
        let ledger = Ledger { slice: word >> 40, earlier: signed(word >> 20), current: signed(word) };
        // A slice lasts at least half a second.
        let slice = now.checked_div(slice).unwrap_or(0) & SLICE_MASK;
        match slice.wrapping_sub(ledger.slice) & SLICE_MASK {
            // Nothing to remember: any slice may begin, wherever the clock starts.
            _ if ledger.earlier == 0 && ledger.current == 0 => Ledger { slice, ..ledger },
            0 | LATE.. => ledger,
            1 => Ledger { slice, earlier: ledger.current, current: 0 },
            _ => Ledger { slice, earlier: 0, current: 0 },
        }
    }

    pub(super) fn word(&self) -> u64 {
        (self.slice << 40) | ((self.earlier as u64 & NET_MASK) << 20) | (self.current as u64 & NET_MASK)
    }
}

/// The low 20 bits as a two's complement number.
fn signed(field: u64) -> i64 {
    ((field << 44) as i64) >> 44
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_packs_and_unpacks() {
        for slice in [0, 1, SLICE_MASK] {
            for earlier in [NET_MIN, -1, 0, 1, NET_MAX] {
                for current in [NET_MIN, -1, 1, NET_MAX] {
                    let word = Ledger { slice, earlier, current }.word();
                    let seen = Ledger::seen(word, slice * 500_000_000, 500_000_000);
                    assert_eq!((seen.slice, seen.earlier, seen.current), (slice, earlier, current));
                }
            }
        }
    }

    #[test]
    fn a_late_clock_is_judged_where_it_was_and_a_long_sleep_forgets() {
        let half = 5_000_000_000;
        let word = Ledger { slice: 100, earlier: 3, current: -7 }.word();
        let at = |slice: u64| {
            let seen = Ledger::seen(word, slice * half, half);
            (seen.slice, seen.earlier, seen.current)
        };
        assert_eq!(at(100), (100, 3, -7));
        assert_eq!(at(99), (100, 3, -7));
        assert_eq!(at(0), (100, 3, -7));
        assert_eq!(at(101), (101, -7, 0));
        assert_eq!(at(102), (102, 0, 0));
        assert_eq!(at(1_000_000), (1_000_000, 0, 0));
    }
}

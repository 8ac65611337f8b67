//! The count of a concurrency limit: one 64-bit word, and pure steps on it.
//!
//! `{ waited: 1 bit | limit: 31 bits | in flight: 32 bits }`. The limit stands beside the count, so that no one enters under a limit that has
//! just been lowered; *waited* says that somebody stands in line, so that nobody steps in before him and whoever leaves looks at the line.
//!
//! Bounds: a limit is at most 2^31 - 1, and only what fits under it enters, so the count never reaches bit 31.

/// The largest limit.
pub(crate) const MAX_LIMIT: u64 = (1 << 31) - 1;

const LIMIT: u32 = 32;
const WAITED: u64 = 1 << 63;
const IN_FLIGHT: u64 = (1 << LIMIT) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl Count {
    /// Nobody in flight. `limit` is from 1 to [`MAX_LIMIT`].
    pub(crate) const fn new(limit: u64) -> Count {
        Count(limit << LIMIT)
    }

    pub(crate) const fn in_flight(self) -> u64 {
        self.0 & IN_FLIGHT
    }

    pub(crate) const fn limit(self) -> u64 {
        self.0 >> LIMIT & MAX_LIMIT
    }

    /// Whether somebody stands in line.
    pub(crate) const fn is_waited(self) -> bool {
        self.0 & WAITED != 0
    }

    /// For a newcomer: `None` if it does not fit, or others stand in line.
    #[inline]
    pub(crate) const fn enter(self, permits: u64) -> Option<Count> {
        if self.is_waited() { None } else { self.admit(permits) }
    }

    /// For whoever is first in line.
    #[inline]
    pub(crate) const fn admit(self, permits: u64) -> Option<Count> {
        // Less than the limit may be in flight after it was lowered, never more than 2^31 - 1.
        if permits <= self.limit().saturating_sub(self.in_flight()) { Some(Count(self.0 + permits)) } else { None }
    }

    /// Gives back permits that had entered.
    #[inline]
    pub(crate) const fn leave(self, permits: u64) -> Count {
        let permits = if permits < self.in_flight() { permits } else { self.in_flight() };
        Count(self.0 - permits)
    }

    pub(crate) const fn with_limit(self, limit: u64) -> Count {
        Count(self.0 & !(MAX_LIMIT << LIMIT) | limit << LIMIT)
    }

    #[cfg(any(feature = "std", test))]
    pub(crate) const fn waited(self, waited: bool) -> Count {
        Count(self.0 & !WAITED | if waited { WAITED } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: [u64; 6] = [1, 2, 3, 1 << 16, MAX_LIMIT - 1, MAX_LIMIT];

    #[test]
    fn fields_do_not_touch() {
        for limit in EDGES {
            for in_flight in EDGES.into_iter().filter(|&n| n <= limit) {
                let count = Count::new(limit).enter(in_flight).expect("it fits");
                for waited in [false, true] {
                    let count = count.waited(waited);
                    assert_eq!((count.limit(), count.in_flight(), count.is_waited()), (limit, in_flight, waited));
                    for other in EDGES {
                        let next = count.with_limit(other);
                        assert_eq!((next.limit(), next.in_flight(), next.is_waited()), (other, in_flight, waited));
                        assert_eq!(next.admit(1).is_some(), in_flight < other);
                    }
                    assert_eq!(count.leave(in_flight), Count::new(limit).waited(waited));
                    assert_eq!(count.leave(u64::MAX), Count::new(limit).waited(waited), "never below nothing");
                    assert_eq!(count.admit(limit - in_flight).map(Count::in_flight), Some(limit));
                    assert_eq!(count.admit(limit - in_flight + 1), None);
                    assert_eq!(count.admit(u64::MAX), None);
                }
                assert_eq!(count.waited(true).enter(0), None, "not before those in line");
            }
        }
    }
}

//! The head of a sliding log's ring, packed into 128 bits as the room says.

use crate::limiter::Retired;

pub(super) const RETIRED_HEAD: u128 = u128::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) last: u64,
    pub(super) held: bool,
    pub(super) changes: u64,
    pub(super) position: u64,
    pub(super) batch: u64,
    pub(super) free: u64,
}

impl Head {
    pub(super) fn pack(self, width: u32) -> u128 {
        let high = self.last << 1 | self.held as u64;
        let low = self.changes << (3 * width) | self.position << (2 * width) | self.batch << width | self.free;
        u128::from(high) << 64 | u128::from(low)
    }

    pub(super) fn unpack(word: u128, width: u32) -> Result<Head, Retired> {
        if word == RETIRED_HEAD {
            return Err(Retired);
        }
        let (high, low) = ((word >> 64) as u64, word as u64);
        let field = (1 << width) - 1;
        Ok(Head {
            last: high >> 1,
            held: high & 1 != 0,
            changes: low >> (3 * width),
            position: low >> (2 * width) & field,
            batch: low >> width & field,
            free: low & field,
        })
    }

    /// What becomes of this head by something else than a claim; `None` if that has happened too often at this time.
    pub(super) fn changed(self, to: Head, width: u32) -> Option<Head> {
        let changes = if to.last > self.last { 0 } else { self.changes + 1 };
        (changes <= u64::MAX >> (3 * width)).then_some(Head { changes, batch: 0, ..to })
    }

    /// The time at which a caller who says `now` is judged.
    pub(super) fn judged(&self, now: u64) -> u64 {
        self.last.max(now)
    }

    /// Whether everybody waits for a reservation or a debt ahead of `now`.
    pub(super) fn holds(&self, now: u64) -> bool {
        self.held && now < self.last
    }
}

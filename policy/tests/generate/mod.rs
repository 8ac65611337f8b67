//! Random numbers, log-uniform over all of 64 bits, so that small, large and boundary values are equally likely.

use quickcheck::{Arbitrary, Gen};

/// Where a random case begins.
#[derive(Clone, Copy, Debug)]
pub struct Seed(u64);

impl Arbitrary for Seed {
    fn arbitrary(gen_: &mut Gen) -> Seed {
        Seed(u64::arbitrary(gen_))
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: Seed) -> Random {
        Random(seed.0)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Log-uniform, with the neighbours of powers of two and of ten.
    pub fn number(&mut self) -> u64 {
        let bits = self.below(65) as u32;
        let any = if bits == 0 { 0 } else { self.next() >> (64 - bits) };
        match self.below(8) {
            0 => 1_u64.checked_shl(bits).unwrap_or(0).wrapping_sub(self.below(3)),
            1 => 10_u64.saturating_pow(bits % 20).wrapping_add(self.below(3)).wrapping_sub(1),
            2 => any / 1_000_000_000 * 1_000_000_000,
            _ => any,
        }
    }
}

//! A seed for every session that was given none: no two sessions of a process share one.
//!
//! `seed(i) = mix(mix(key) + i * GAMMA)` for the i-th session. Multiplying by an odd constant, adding and mixing are each one-to-one
//! on 64 bits, so 2^64 sessions of one key have 2^64 seeds. What differs is the key:
//! * with `std`: random bits of the operating system (through `RandomState`), drawn once, and the process id, so that the two
//!   sides of a fork part ways;
//! * without: the address of a static, which tells processes apart only where the loader randomizes addresses, and whatever
//!   the program gave to [`add_entropy`].

// Not from `crate::sync`: a static needs construction in a const, which loom's atomics lack, and these only count.
use portable_atomic::{AtomicU64, Ordering};

use super::random::{GAMMA, mix};

static SESSIONS: AtomicU64 = AtomicU64::new(0);
static ENTROPY: AtomicU64 = AtomicU64::new(0);

/// Stirs `bits` into the seeds of all later sessions that are given no seed of their own.
///
/// With the feature `std` this is not needed. Without it, devices that run one firmware image begin with the same seeds: call this
/// once after boot with something that differs between them (a chip's serial number, noise of a converter, a boot counter), or
/// give each [`Backoff`](super::Backoff) a [`seed`](super::Backoff::seed). It only ever adds: calls accumulate, in any order.
/// May be called from any thread at any time.
///
/// ```
/// let chip_serial_number = 0x0123_4567_89ab_cdef;
/// tidegate::backoff::add_entropy(chip_serial_number);
/// ```
pub fn add_entropy(bits: u64) {
    ENTROPY.fetch_add(mix(bits.wrapping_add(GAMMA)), Ordering::Relaxed);
}

/// Relaxed suffices: an atomic addition hands out each number once under any ordering, and entropy is not a message.
pub(crate) fn fresh() -> u64 {
    let session = SESSIONS.fetch_add(1, Ordering::Relaxed);
    mix(mix(key()).wrapping_add(session.wrapping_mul(GAMMA)))
}

fn key() -> u64 {
    process_key().wrapping_add(ENTROPY.load(Ordering::Relaxed))
}

#[cfg(feature = "std")]
fn process_key() -> u64 {
    use core::hash::{BuildHasher, Hasher};
    use std::collections::hash_map::RandomState;
    use std::sync::OnceLock;

    static KEY: OnceLock<u64> = OnceLock::new();
    let key = *KEY.get_or_init(|| RandomState::new().build_hasher().finish());

    // Elsewhere (bare WebAssembly) asking for the process id panics.
    #[cfg(any(unix, windows))]
    let process = mix(u64::from(std::process::id()));
    #[cfg(not(any(unix, windows)))]
    let process = 0;
    key ^ process
}

#[cfg(not(feature = "std"))]
fn process_key() -> u64 {
    (&raw const SESSIONS).addr() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, because the key is the process's: changed in between, seeds would be alike by chance only, but could be.
    #[test]
    fn no_two_are_alike_and_entropy_counts() {
        let mut seeds = [0u64; 1000];
        for seed in &mut seeds {
            *seed = fresh();
        }
        seeds.sort_unstable();
        assert!(seeds.windows(2).all(|pair| pair[0] != pair[1]));

        let mut keys = [0u64; 4];
        for (bits, slot) in [0, 0, 1, u64::MAX].into_iter().zip(&mut keys) {
            add_entropy(bits);
            *slot = key();
        }
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

//! Any sequence of verbs, on any limiter: the core says what the reference model says.

#[path = "../../../core/tests/common/mod.rs"]
pub(crate) mod common;

use common::{Numbers, Twin};

/// The bytes choose everything.
pub fn run(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut numbers = Numbers::of_bytes(rest);
    let Some(mut twin) = Twin::random(usize::from(first % 6), &mut numbers) else { return };
    while numbers.has_bytes() {
        if let Err(difference) = twin.step(&mut numbers) {
            panic!("{difference}\n{}", twin.history());
        }
    }
}

//! Any sequence of verbs, on any limiter: the core says what the reference model says.
#![no_main]

#[path = "../../core/tests/common/mod.rs"]
mod common;

use common::{Numbers, Twin};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let mut numbers = Numbers::of_bytes(rest);
    let Some(mut twin) = Twin::random(usize::from(first % 6), &mut numbers) else { return };
    while numbers.has_bytes() {
        if let Err(difference) = twin.step(&mut numbers) {
            panic!("{difference}\n{}", twin.history());
        }
    }
});

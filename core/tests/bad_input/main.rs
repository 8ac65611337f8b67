//! Bad input: a typed error or the answer "never", nothing changed, no panic and no wrap, in debug and release alike.
//!
//! "Nothing changed" is said by two equal snapshots.

#[path = "../every/mod.rs"]
mod every;

mod changes;
mod clocks;
mod costs;
mod quotas;
mod text;

use every::Rule;
use quickcheck::{Arbitrary, Gen};
use tidegate::{Limiter, Quota};

const SECOND: u64 = 1_000_000_000;
/// The end of every clock.
const END: u64 = (1 << 63) - 1;

fn quota(limit: u64, period: u64) -> Quota {
    Quota::from_nanos(limit, period).expect("a legal quota")
}

/// Log-uniform over all widths, beyond what is legal, and at powers of two and their neighbours.
#[derive(Clone, Copy, Debug)]
struct Wide(u64);

fn wide(g: &mut Gen) -> u64 {
    let width = u64::arbitrary(g) % 65;
    let top = if width == 0 { 0 } else { 1 << (width - 1) };
    match u8::arbitrary(g) % 4 {
        0 => top,
        1 => top.wrapping_sub(u64::arbitrary(g) % 3),
        _ => top | u64::arbitrary(g) & top.saturating_sub(1),
    }
}

impl Arbitrary for Wide {
    fn arbitrary(g: &mut Gen) -> Wide {
        Wide(wide(g))
    }
    fn shrink(&self) -> Box<dyn Iterator<Item = Wide>> {
        Box::new(self.0.shrink().map(Wide))
    }
}

/// States in which a limiter may be met: new, partly used, used up, in debt, with somebody waiting.
fn in_every_state(rule: Rule) -> Vec<(&'static str, Limiter)> {
    type Bring = fn(&Limiter);
    let states: [(&str, Bring); 5] = [
        ("new", |_| ()),
        ("partly used", |limiter| assert!(limiter.try_acquire_at(10, 3))),
        ("used up", |limiter| assert!(limiter.try_acquire_at(10, 7))),
        ("in debt", |limiter| {
            assert!(limiter.charge_at(10, 7).is_allowed());
            assert!(limiter.charge_at(10, 4).is_allowed());
        }),
        ("awaited", |limiter| {
            assert!(limiter.try_acquire_at(10, 7));
            assert!(limiter.reserve_at(10, 6, u64::MAX).is_ok() && limiter.reserve_at(10, 6, u64::MAX).is_ok());
        }),
    ];
    let made = states.map(|(state, bring)| {
        let limiter = rule.make(7, SECOND);
        bring(&limiter);
        (state, limiter)
    });
    made.into()
}

//! Jitter: where in its range a delay falls, and how a server's hint and the cap bound that range.
//!
//! A delay is `low + U(0, width)`; [`range`] gives the two for every kind but the decorrelated one, which needs the delay before.
//! The cap bounds the sum, so the range is made to fit under it *before* the draw: cutting afterwards would pile all delays up
//! on the cap and lose the jitter there.

use core::time::Duration;

use super::config::nanos;
use super::random::SplitMix64;

/// How a delay is spread, so that clients that failed together do not retry together.
///
/// `v` is the delay of the schedule, cap applied; `U(a, b)` is uniform from a to b, both included. The cap bounds the sum.
/// Source of full, equal and decorrelated: M. Brooker, "Exponential backoff and jitter", AWS Architecture Blog, 2015.
///
/// ```
/// use core::time::Duration;
/// use tidegate::backoff::{Backoff, Jitter};
///
/// let second = Duration::from_secs(1);
/// let first = |jitter| Backoff::constant(second).max_delay(second * 2).jitter(jitter).delays().next().unwrap();
/// assert_eq!(first(Jitter::None), second);
/// assert!(first(Jitter::Full) <= second);
/// assert!(first(Jitter::Equal) >= second / 2);
/// assert!(first(Jitter::Additive(second / 4)) <= second * 5 / 4);
/// assert!(first(Jitter::Decorrelated) <= second * 2);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// Exactly `v`. Clients that failed together retry together.
    #[default]
    None,
    /// `U(0, v)`: the least load on the server. A delay may be as short as nothing.
    Full,
    /// `v/2 + U(0, v/2)`: never less than half.
    Equal,
    /// `v + U(0, j)` for the given `j`. Where `v + j` would exceed the cap, `v` is moved down to make room: at the cap the delay is
    /// `cap - j + U(0, j)`.
    Additive(Duration),
    /// `s = min(cap, U(base, 3s))`, beginning with s = base: each delay is drawn from the delay before, and the schedule is not
    /// used. As published, it waits exactly the cap in up to two of three draws once s is there; [`Full`](Jitter::Full) does not.
    Decorrelated,
}

/// Draws one delay. `value` is the schedule's delay, cap applied. `previous` is the decorrelated state and moves on.
pub(super) fn draw(
    jitter: Jitter,
    base: u64,
    cap: u64,
    value: u64,
    previous: &mut u64,
    hint: Option<u64>,
    random: &mut SplitMix64,
) -> u64 {
    let hint = hint.unwrap_or(0);
    if let Jitter::Decorrelated = jitter {
        return decorrelated(base, cap, previous, hint, random);
    }
    let (low, width) = range(jitter, value, cap);
    // No room under the cap: the hint wins, and the jitter goes on top of it.
    if hint >= cap && hint > low {
        return hint.saturating_add(amount(jitter, width, random));
    }
    // low + width <= cap, and here low.max(hint) <= cap.
    let low = low.max(hint);
    low.saturating_add(amount(jitter, width.min(cap.saturating_sub(low)), random))
}

/// `low` and `width` with `low + width <= cap`, given `value <= cap`.
fn range(jitter: Jitter, value: u64, cap: u64) -> (u64, u64) {
    match jitter {
        Jitter::None | Jitter::Decorrelated => (value, 0),
        Jitter::Full => (0, value),
        Jitter::Equal => (value.saturating_sub(value >> 1), value >> 1),
        Jitter::Additive(most) => {
            let width = nanos(most).min(cap);
            (value.min(cap.saturating_sub(width)), width)
        }
    }
}

/// Without jitter the generator stays where it is.
fn amount(jitter: Jitter, width: u64, random: &mut SplitMix64) -> u64 {
    match jitter {
        Jitter::None => 0,
        _ => random.up_to(width),
    }
}

fn decorrelated(base: u64, cap: u64, previous: &mut u64, hint: u64, random: &mut SplitMix64) -> u64 {
    let high = previous.saturating_mul(3).max(base);
    let own = base.saturating_add(random.up_to(high.saturating_sub(base))).min(cap);
    *previous = own;
    let low = base.min(cap);
    if hint <= low {
        return own;
    }
    let delay = hint.saturating_add(own.saturating_sub(low));
    if hint < cap { delay.min(cap) } else { delay }
}

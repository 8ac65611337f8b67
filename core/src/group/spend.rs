//! Look, spend, roll back: the one implementation of "all or nothing".

use super::MAX_MEMBERS;
use super::member::{Judged, Limit, Spent};
use crate::limiter::Limiter;
use crate::sync::{Bug, seeded};

/// What each member said.
pub(super) type Said = [Judged; MAX_MEMBERS];

/// Whether all of them allow it; then it has been spent on all, otherwise on none.
#[inline(always)]
pub(super) fn attempt<'a>(
    count: usize,
    now: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> bool {
    #[inline(always)]
    fn within<'a, const N: usize>(
        count: usize,
        now: u64,
        clock: &impl Fn() -> u64,
        part: &impl Fn(usize) -> (Limit<'a>, u64),
    ) -> bool {
        let mut said = [const { Judged::Nothing }; N];
        let said = &mut said[..count.min(N)];
        look(said, now, part) && spend(said, 0, now, clock, part)
    }
    // Most groups are small.
    if count <= 4 { within::<4>(count, now, clock, part) } else { within::<MAX_MEMBERS>(count, now, clock, part) }
}

/// Judges every member without a write; whether all of them allow it.
#[inline(always)]
pub(super) fn look<'a>(said: &mut [Judged], now: u64, part: &impl Fn(usize) -> (Limit<'a>, u64)) -> bool {
    let mut allowed = true;
    for (index, judged) in said.iter_mut().enumerate() {
        let (limit, cost) = part(index);
        *judged = limit.look(now, cost);
        allowed &= judged.allows();
    }
    allowed
}

/// Spends on every member from the `first` on what it was judged to allow, or on none; whether it did. `clock` is read for a roll-back.
#[inline(always)]
pub(super) fn spend<'a>(
    said: &mut [Judged],
    first: usize,
    now: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> bool {
    for index in first..said.len() {
        let (limit, cost) = part(index);
        if cost == 0 {
            continue;
        }
        let allowed = match limit.spend(&mut said[index], now, cost) {
            Spent::Done => true,
            Spent::Denied => false,
            // The rest is spent from within, so that what it takes to give this back lies on the stack meanwhile.
            Spent::Elsewhere(limiter) => {
                if spend_elsewhere(limiter, said, index, now, clock, part) {
                    return true;
                }
                false
            }
        };
        if !allowed {
            roll_back(&said[first..index], first, now, clock, part);
            return false;
        }
    }
    true
}

/// Spends on a limiter whose state is not one word, and on the members after it.
#[cold]
fn spend_elsewhere<'a>(
    limiter: &Limiter,
    said: &mut [Judged],
    index: usize,
    now: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> bool {
    let looked = said[index];
    let (decision, slot) = limiter.spend_marked_at(now, part(index).1);
    said[index] = Judged::facts(&decision);
    let Some(slot) = slot else { return false };
    let all = spend_rest(said, index + 1, now, clock, part);
    if !all {
        said[index] = looked;
        if !seeded(Bug::NoRollback) {
            limiter.cancel_by(clock, &slot);
        }
    }
    all
}

/// [`spend`], not inlined, because it calls itself.
fn spend_rest<'a>(
    said: &mut [Judged],
    first: usize,
    now: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) -> bool {
    spend(said, first, now, clock, part)
}

/// Gives back what `spent` says was spent, the newest first.
#[cold]
fn roll_back<'a>(
    spent: &[Judged],
    first: usize,
    now: u64,
    clock: &impl Fn() -> u64,
    part: &impl Fn(usize) -> (Limit<'a>, u64),
) {
    if seeded(Bug::NoRollback) {
        return;
    }
    let clock = || if seeded(Bug::LateRollback) { now } else { clock() };
    for (index, judged) in spent.iter().enumerate().rev() {
        let (limit, cost) = part(first + index);
        if cost > 0 {
            limit.give_back(judged, cost, &clock);
        }
    }
}

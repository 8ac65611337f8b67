//! How a newcomer gets into the key table: into a free slot, over an idle key, or over the key whose forgetting forgives least.
//!
//! Each newcomer looks at its reach, and at a few blocks of the whole table in turn. So idle keys are found without a sweep, and the cost of
//! bringing a key in is bounded. Only this file takes locks: one for the home blocks that share it, so that no key is in two slots.

extern crate std;

use super::slot::{Entry, NEVER_USED, WAYS};
use super::table::{REACH, Table};
use crate::sync::{
    AtomicU128, Bug,
    Ordering::{AcqRel, Acquire, Relaxed},
    seeded,
};

/// Blocks that a newcomer to a full table looks at beyond its reach, for idle keys: at least, and as long as nobody is found who has as little in
/// use as the newcomer brings, or one permit.
const HAND: usize = 1;
/// And at most; also where nobody may be forgotten for a newcomer.
const LONG_HAND: usize = 8;
/// Blocks in reach that a newcomer to a full table chooses from: at least, likewise; at most all in reach.
const ENOUGH: usize = 1;

/// What to do with a newcomer when every slot in its reach is used by a key that is not idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum WhenFull {
    /// Forget the key that would be idle first, which forgives the least, and count it as an eviction.
    #[default]
    EvictNearestIdle,
    /// Deny the newcomer, until a slot in its reach is idle.
    Refuse,
    /// Let all newcomers share one limiter, until slots are idle.
    Overflow,
}

/// There is no room for a newcomer before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom {
    pub(crate) until: u64,
}

/// What forgetting a word would forgive.
pub(crate) trait Idle {
    /// How much of a word is used if one permit is.
    fn permit(&self) -> u64;
    /// How much of it is used at `now`; 0 if it is idle, as good as new.
    fn used(&self, word: u64, now: u64) -> u64;
    /// The first nanosecond from `now` on at which it is idle.
    fn idle_from(&self, word: u64, now: u64) -> u64;
}

/// A slot, the block it lies in, and what was seen in it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) block: usize,
    pub(super) slot: &'a AtomicU128,
    pub(super) seen: Entry,
}

/// What a newcomer finds in its reach.
#[derive(Default)]
struct Reach<'a> {
    /// The slot of an idle key.
    idle: Option<Spot<'a>>,
    /// A slot without a key.
    free: Option<Spot<'a>>,
    nearest: Nearest<'a>,
}

/// The key whose forgetting forgives least, so far: how much, and where it is.
#[derive(Clone, Copy, Default)]
struct Nearest<'a>(Option<(u64, Spot<'a>)>);

impl<'a> Nearest<'a> {
    /// Whether somebody is known who has no more than that in use.
    fn at_most(&self, used: u64) -> bool {
        self.0.is_some_and(|(least, _)| least <= used)
    }

    fn offer(&mut self, used: u64, spot: Spot<'a>) {
        if self.0.is_none_or(|(least, _)| used < least) {
            self.0 = Some((used, spot));
        }
    }
}

/// More than anybody has in use.
const NOBODY: u64 = u64::MAX;

/// What is in a block, at a glance.
struct Glance<'a> {
    block: usize,
    slots: &'a [AtomicU128; WAYS],
    seen: [Entry; WAYS],
    /// What the key with the least in use has in use, or [`NOBODY`], and its slot.
    least: u64,
    at: usize,
    /// A bit for each slot without a key.
    free: u32,
}

impl<'a> Glance<'a> {
    fn spot(&self, n: usize) -> Spot<'a> {
        Spot { block: self.block, slot: &self.slots[n % WAYS], seen: self.seen[n % WAYS] }
    }

    /// The key with the least in use, and how much.
    fn nearest(&self) -> Option<(u64, Spot<'a>)> {
        (self.least != NOBODY).then(|| (self.least, self.spot(self.at)))
    }

    /// The first slot without a key.
    fn free(&self) -> Option<Spot<'a>> {
        (self.free != 0).then(|| self.spot(self.free.trailing_zeros() as usize))
    }

    /// The slots of idle keys.
    fn idle(&self, now: u64, idle: &impl Idle) -> impl Iterator<Item = Spot<'a>> {
        (0..WAYS).map(|n| self.spot(n)).filter(move |spot| spot.seen.is_key() && idle.used(spot.seen.word, now) == 0)
    }
}

impl Table {
    /// Brings a key in with its first word. `Ok(false)`: somebody else has, look again.
    #[cold]
    pub(super) fn bring_in(
        &self,
        new: Entry,
        now: u64,
        judged: u64,
        idle: &impl Idle,
        when_full: WhenFull,
    ) -> Result<bool, NoRoom> {
        let lock = &self.locks[self.home(new.hash) % self.locks.len()];
        let _alone = (!seeded(Bug::InsertedTwice)).then(|| lock.lock());
        // Somebody has brought it in; or it came and went, and is new as of later than its first word was made for.
        if !seeded(Bug::InsertedTwice) && (self.find(new.hash).is_some() || self.judged(now) != judged) {
            return Ok(false);
        }
        // Somebody with so little in use may go without a longer look. No more than a permit, or newcomers that spend all at once
        // would drive out others who have as much in use, though there are some with less.
        let evicts = when_full == WhenFull::EvictNearestIdle;
        // Where nobody may be forgotten, nothing but somebody idle ends the look.
        let little = if evicts { idle.used(new.word, judged).min(idle.permit()) } else { 0 };
        loop {
            let reach = self.look_around(new.hash, now, idle, little);
            if let Some(spot) = reach.idle {
                if self.gone_idle(spot, now) && self.place(spot, new) {
                    return Ok(true);
                }
                continue;
            }
            if let Some(free) = reach.free {
                match self.settle(free, new) {
                    Some(true) => return Ok(true),
                    Some(false) => continue,
                    None => {}
                }
                // The table is full, though not here: somebody idle elsewhere makes room, or somebody nearly so is known.
                let mut far = Nearest::default();
                let least = if evicts { HAND } else { LONG_HAND };
                if self.sweep_on(least, now, idle, &mut far, |far| far.at_most(little) || reach.nearest.at_most(little))
                {
                    continue;
                }
                if let Some((used, distant)) = far.0
                    && reach.nearest.0.is_none_or(|(least, _)| used < least)
                    && (evicts || reach.nearest.0.is_none())
                {
                    if !evicts {
                        return Err(NoRoom { until: idle.idle_from(distant.seen.word, now) });
                    }
                    // Not in its place, which may lie where a search for the newcomer does not come: the free slot here is used.
                    if self.place(distant, Entry::GONE) {
                        self.evictions.fetch_add(1, Relaxed);
                        // What it took of `len` is the newcomer's.
                        if self.place(free, new) {
                            return Ok(true);
                        }
                        self.shrink();
                    }
                    continue;
                }
            }
            let Some((_, nearest)) = reach.nearest.0 else { continue };
            if !evicts {
                return Err(NoRoom { until: idle.idle_from(nearest.seen.word, now) });
            }
            if self.place(nearest, new) {
                self.evictions.fetch_add(1, Relaxed);
                return Ok(true);
            }
        }
    }

    /// The slots in reach of a newcomer, up to the block with one that was never used; of a full table only the home block, if somebody there
    /// has little in use.
    fn look_around(&self, hash: u64, now: u64, idle: &impl Idle, little: u64) -> Reach<'_> {
        let mut found = Reach::default();
        let enough = if self.len() < self.max { REACH } else { ENOUGH };
        for (n, block) in self.path(hash).enumerate() {
            if n >= enough && found.nearest.at_most(little) {
                break;
            }
            let glance = self.glance(block, now, idle);
            found.free = found.free.or(glance.free());
            if let Some((used, spot)) = glance.nearest() {
                if used == 0 {
                    found.idle = Some(spot);
                    break;
                }
                found.nearest.offer(used, spot);
            }
            if glance.seen[WAYS - 1].hash == NEVER_USED {
                break;
            }
        }
        found
    }

    /// Looks at the next few blocks of the whole table, in turn, and forgets the idle keys there. Whether there were any.
    fn sweep_on<'a>(
        &'a self,
        least: usize,
        now: u64,
        idle: &impl Idle,
        nearest: &mut Nearest<'a>,
        enough: impl Fn(&Nearest<'a>) -> bool,
    ) -> bool {
        let mut forgot = false;
        for n in 0..LONG_HAND.min(self.blocks.len()) {
            if n >= least && (forgot || enough(nearest)) {
                break;
            }
            let hand = self.hand.fetch_add(1, Relaxed) % self.blocks.len() as u64;
            let glance = self.glance(hand as usize, now, idle);
            let Some((used, spot)) = glance.nearest() else { continue };
            if used > 0 {
                nearest.offer(used, spot);
                continue;
            }
            for spot in glance.idle(now, idle) {
                if self.gone_idle(spot, now) && self.place(spot, Entry::GONE) {
                    self.shrink();
                    forgot = true;
                }
            }
        }
        forgot
    }

    /// Says that an idle key is about to be forgotten, if it is what was seen: a glimpse alone does not show that anybody was idle.
    fn gone_idle(&self, spot: Spot<'_>, now: u64) -> bool {
        let seen = Entry::unpack(spot.slot.load(Acquire)) == spot.seen;
        if seen {
            self.raise_floor(now);
        }
        seen
    }

    /// Brings a key into a free slot. `Some(false)`: the slot has changed meanwhile. `None`: the table is full.
    fn settle(&self, free: Spot<'_>, new: Entry) -> Option<bool> {
        if !self.grow() {
            return None;
        }
        let settled = self.place(free, new);
        if !settled {
            self.shrink();
        }
        Some(settled)
    }

    /// Exchanges what was seen in a slot, a key or none, for another.
    ///
    /// A key away from home is counted there before it can be met, and until it is gone.
    pub(super) fn place(&self, spot: Spot<'_>, new: Entry) -> bool {
        let away = |entry: Entry| entry.is_key().then(|| self.home(entry.hash)).filter(|&home| home != spot.block);
        let (comes, goes) = (away(new), away(spot.seen));
        if let Some(home) = comes
            && !seeded(Bug::CountedLate)
        {
            self.count_away(home);
        }
        if seeded(Bug::UncountedEarly)
            && let Some(home) = goes
        {
            self.uncount_away(home);
        }
        if seeded(Bug::EvictedUnderSpend) {
            spot.slot.swap(new.pack(), AcqRel);
            return true;
        }
        let placed = spot.slot.compare_exchange_weak(spot.seen.pack(), new.pack(), AcqRel, Relaxed).is_ok();
        if seeded(Bug::CountedLate)
            && let Some(home) = comes
        {
            self.count_away(home);
        }
        let gone = if placed { goes } else { comes };
        if let Some(home) = gone
            && !(placed && seeded(Bug::UncountedEarly))
        {
            self.uncount_away(home);
        }
        placed
    }

    /// Looks at all slots of a block, without a branch on what is in them: the processor could not foresee it.
    #[inline(always)]
    fn glance(&self, block: usize, now: u64, idle: &impl Idle) -> Glance<'_> {
        let slots = &self.blocks[block].0;
        let seen = core::array::from_fn(|n| Entry::glimpse(&slots[n]));
        let mut glance = Glance { block, slots, seen, least: NOBODY, at: 0, free: 0 };
        for (n, entry) in seen.iter().enumerate() {
            let used = if entry.is_key() { idle.used(entry.word, now).min(NOBODY - 1) } else { NOBODY };
            let nearer = used < glance.least;
            glance.at = if nearer { n } else { glance.at };
            glance.least = glance.least.min(used);
            glance.free |= u32::from(!entry.is_key()) << n;
        }
        glance
    }

    /// One key more, if the maximum allows it.
    fn grow(&self) -> bool {
        let mut len = self.len.load(Relaxed);
        while len < self.max || seeded(Bug::LastPlaceTwice) {
            match self.len.compare_exchange_weak(len, len + 1, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(seen) => len = seen,
            }
        }
        false
    }

    pub(super) fn shrink(&self) {
        let mut len = self.len.load(Relaxed);
        while let Err(seen) = self.len.compare_exchange_weak(len, len - 1, Relaxed, Relaxed) {
            len = seen;
        }
    }
}

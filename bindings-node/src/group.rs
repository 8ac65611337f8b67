//! `LimiterGroup` and `KeyedLimiterGroup`: several limits at once, all or nothing. The limit that binds is told by its position.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, External, Function};
use napi::{Env, Result, Unknown};
use napi_derive::napi;
use tidegate::{GroupError, GroupRefused, GroupSlot, KeyedLimiterGroup, KeyedMember, Limiter, LimiterGroup, Refusal};

use crate::call::Call;
use crate::keyed::{Keyed, with_key};
use crate::number::range_error;
use crate::output::{Answer, Output};
use crate::verbs::{Gate, Holder, verb_of};

type KeyedGroup = KeyedLimiterGroup<[u16]>;
type Verb<'env> = Result<Option<Function<'env, (), Unknown<'env>>>>;

/// Makes a group of limiters that were made here; their names are JavaScript's business.
#[napi(catch_unwind)]
pub fn create_group(
    env: &Env,
    names: Vec<String>,
    limiters: Vec<&External<Arc<Limiter>>>,
) -> Result<External<Arc<LimiterGroup>>> {
    let members = names.into_iter().zip(limiters.into_iter().map(|limiter| Arc::clone(limiter)));
    made(env, LimiterGroup::new(members))
}

/// Makes a group of tables, and of limiters that all keys share.
#[napi(catch_unwind)]
#[allow(clippy::type_complexity)] // The macro reads the types as they stand.
pub fn create_keyed_group(
    env: &Env,
    names: Vec<String>,
    members: Vec<Either<&External<Arc<Limiter>>, &External<Arc<Keyed>>>>,
) -> Result<External<Arc<KeyedGroup>>> {
    let members = members.into_iter().map(|member| match member {
        Either::A(limiter) => KeyedMember::Limiter(Arc::clone(limiter)),
        Either::B(keyed) => KeyedMember::Keyed(Arc::clone(keyed)),
    });
    made(env, KeyedGroup::new(names.into_iter().zip(members)))
}

fn made<G: 'static>(env: &Env, group: std::result::Result<G, GroupError>) -> Result<External<Arc<G>>> {
    match group {
        Ok(group) => Ok(External::new(Arc::new(group))),
        Err(error) => Err(range_error(env, "ERR_INVALID_ARG_VALUE", &error.to_string())),
    }
}

/// One verb of a group.
#[napi(catch_unwind)]
pub fn group_verb<'env>(
    env: &'env Env,
    output: &External<Output>,
    group: &External<Arc<LimiterGroup>>,
    name: String,
) -> Verb<'env> {
    verb_of(env, &**group, output, &name)
}

/// One verb of a group of tables.
#[napi(catch_unwind)]
pub fn keyed_group_verb<'env>(
    env: &'env Env,
    output: &External<Output>,
    group: &External<Arc<KeyedGroup>>,
    name: String,
) -> Verb<'env> {
    verb_of(env, &**group, output, &name)
}

impl Holder for Arc<LimiterGroup> {
    type Slot = GroupSlot;
    type Gate<'a> = &'a LimiterGroup;
    const NAMED: usize = 0;

    fn gate(&self, _: &Call<'_>) -> Result<&LimiterGroup> {
        Ok(self)
    }

    fn now(&self) -> u64 {
        LimiterGroup::now(self)
    }
}

impl Gate for &LimiterGroup {
    type Slot = GroupSlot;

    fn try_acquire(&self, now: Option<u64>, cost: u64) -> bool {
        match now {
            Some(now) => self.try_acquire_at(now, cost),
            None => LimiterGroup::try_acquire(self, cost),
        }
    }

    fn take(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        Answer::Code(out.write_group(&match now {
            Some(now) => self.take_at(now, cost),
            None => LimiterGroup::take(self, cost),
        }))
    }

    fn peek(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        Answer::Code(out.write_group(&self.peek_at(now.unwrap_or_else(|| self.now()), cost)))
    }

    fn reserve(&self, now: Option<u64>, cost: u64, longest: u64, out: &Output) -> std::result::Result<GroupSlot, u32> {
        out.reserved_of_all(book(|| self.reserve_at(now.unwrap_or_else(|| self.now()), cost, longest)))
    }

    fn cancel(&self, now: Option<u64>, slot: GroupSlot) {
        match now {
            Some(now) => self.cancel_at(now, slot),
            None => LimiterGroup::cancel(self, slot),
        }
    }

    fn settle(&self, now: Option<u64>, slot: GroupSlot, actual: u64, out: &Output) -> u32 {
        out.write_group(&match now {
            Some(now) => self.settle_at(now, slot, actual),
            None => LimiterGroup::settle(self, slot, actual),
        })
    }

    fn reset(&self) -> bool {
        LimiterGroup::reset(self);
        true
    }
}

/// A group of tables, and the key that it is asked about.
pub(crate) struct OfKey<'a> {
    group: &'a KeyedGroup,
    key: Vec<u16>,
}

impl Holder for Arc<KeyedGroup> {
    type Slot = GroupSlot;
    type Gate<'a> = OfKey<'a>;
    const NAMED: usize = 1;

    fn gate(&self, call: &Call<'_>) -> Result<OfKey<'_>> {
        with_key(call, 0, |key| OfKey { group: self, key: key.to_vec() })
    }

    fn now(&self) -> u64 {
        KeyedGroup::now(self)
    }
}

impl Gate for OfKey<'_> {
    type Slot = GroupSlot;

    fn try_acquire(&self, now: Option<u64>, cost: u64) -> bool {
        match now {
            Some(now) => self.group.try_acquire_at(&self.key, now, cost),
            None => self.group.try_acquire(&self.key, cost),
        }
    }

    fn take(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        Answer::Code(out.write_group(&match now {
            Some(now) => self.group.take_at(&self.key, now, cost),
            None => self.group.take(&self.key, cost),
        }))
    }

    fn peek(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        Answer::Code(out.write_group(&match now {
            Some(now) => self.group.peek_at(&self.key, now, cost),
            None => self.group.peek(&self.key, cost),
        }))
    }

    fn reserve(&self, now: Option<u64>, cost: u64, longest: u64, out: &Output) -> std::result::Result<GroupSlot, u32> {
        let group = self.group;
        out.reserved_of_all(book(|| group.reserve_at(&self.key, now.unwrap_or_else(|| group.now()), cost, longest)))
    }

    fn cancel(&self, now: Option<u64>, slot: GroupSlot) {
        match now {
            Some(now) => self.group.cancel_at(&self.key, now, slot),
            None => self.group.cancel(&self.key, slot),
        }
    }

    fn settle(&self, now: Option<u64>, slot: GroupSlot, actual: u64, out: &Output) -> u32 {
        out.write_group(&match now {
            Some(now) => self.group.settle_at(&self.key, now, slot, actual),
            None => self.group.settle(&self.key, slot, actual),
        })
    }

    /// Of the tables; what all keys share stays.
    fn reset(&self) -> bool {
        let forgotten = self.group.iter().filter(|(_, member)| match member {
            KeyedMember::Keyed(keyed) => keyed.reset(&self.key),
            KeyedMember::Limiter(_) => false,
        });
        forgotten.count() > 0
    }
}

/// Books until nobody else comes first: who loses a race loses it to somebody who has booked.
fn book<'a>(
    reserve: impl Fn() -> std::result::Result<GroupSlot, GroupRefused<'a>>,
) -> std::result::Result<GroupSlot, GroupRefused<'a>> {
    loop {
        match reserve() {
            Err(refused) if refused.refusal() == Refusal::Contended => {}
            settled => return settled,
        }
    }
}

//! `KeyedLimiter`: verbs with a key before the cost, handles for one key, and one table for all threads of the process.
//!
//! A key is a string, taken as its UTF-16 units: that is what JavaScript compares, lone surrogates included, and it needs no conversion. A table is found
//! by other threads under a number; it lives as long as any thread holds it.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use napi::bindgen_prelude::{Either, External, FromNapiValue, Function, Object, TypeName, Unknown, ValidateNapiValue};
use napi::{Env, Result, ValueType, sys};
use napi_derive::napi;
use tidegate::{Key, KeyedLimiter, KeyedLimiterError, KeyedReservation, Quota, Slot, WhenFull};

use crate::call::Call;
use crate::limiter::{Names, Options, unknown};
use crate::number::{range_error, wrong_type};
use crate::output::{Answer, Output};
use crate::quota::{Refusal, refusal};
use crate::verbs::{Gate, Holder, Tab, tab_verb_of};

pub(crate) type Keyed = KeyedLimiter<[u16]>;
/// A table, shared by all who hold it.
type Table = Arc<Keyed>;

/// Keys up to this many units cross without a heap.
const SHORT: usize = 128;

/// Calls `with` with the units of a key.
///
/// # Errors
/// A `TypeError` if it is no string.
#[inline]
pub(crate) fn with_key<R>(call: &Call<'_>, position: usize, with: impl FnOnce(&[u16]) -> R) -> Result<R> {
    let (env, value) = (call.env.raw(), call.value(position));
    let (mut short, mut units) = (MaybeUninit::<[u16; SHORT]>::uninit(), 0);
    // SAFETY: environment and value are those of this call; the buffer is as long as is said.
    let status = unsafe { sys::napi_get_value_string_utf16(env, value, short.as_mut_ptr().cast(), SHORT, &mut units) };
    if status != sys::Status::napi_ok {
        return Err(no_key(env, &call.get(position)?));
    }
    // One place is for a closing zero: when the rest is full there may be more.
    if units < SHORT - 1 {
        // SAFETY: so many units were written.
        return Ok(with(unsafe { std::slice::from_raw_parts(short.as_ptr().cast(), units) }));
    }
    // SAFETY: as above, and it is a string.
    Ok(with(&unsafe { long_key(env, value) }))
}

/// The units of a string of any length.
///
/// # Safety
/// `env` is live and `value` a string of it.
#[cold]
unsafe fn long_key(env: sys::napi_env, value: sys::napi_value) -> Vec<u16> {
    let mut units = 0;
    // SAFETY: the caller's promise; without a buffer only the length is asked.
    unsafe { sys::napi_get_value_string_utf16(env, value, std::ptr::null_mut(), 0, &mut units) };
    // One more for the closing zero.
    let mut key = vec![0; units + 1];
    let mut written = 0;
    // SAFETY: as above; the buffer is as long as is said.
    unsafe { sys::napi_get_value_string_utf16(env, value, key.as_mut_ptr(), key.len(), &mut written) };
    key.truncate(written);
    key
}

#[cold]
fn no_key(env: sys::napi_env, key: &Unknown<'_>) -> napi::Error {
    let name = match key.get_type() {
        Ok(ValueType::Undefined) => "undefined",
        Ok(ValueType::Null) => "null",
        Ok(ValueType::Boolean) => "boolean",
        Ok(ValueType::Number) => "number",
        Ok(ValueType::BigInt) => "bigint",
        Ok(ValueType::Symbol) => "symbol",
        Ok(ValueType::Function) => "function",
        _ => "object",
    };
    wrong_type(env, "a key must be a string", name)
}

/// One key of a table that it keeps alive.
#[derive(Clone)]
pub struct OwnedKey {
    keyed: Table,
    raw: u64,
}

impl Holder for OwnedKey {
    type Slot = Slot;
    type Gate<'a> = Key<'a, [u16]>;
    const NAMED: usize = 0;

    #[inline]
    fn gate(&self, _: &Call<'_>) -> Result<Key<'_, [u16]>> {
        Ok(self.keyed.key_from_raw(self.raw))
    }

    fn now(&self) -> u64 {
        self.keyed.now()
    }
}

impl Holder for Table {
    type Slot = Slot;
    type Gate<'a> = Key<'a, [u16]>;
    const NAMED: usize = 1;

    #[inline]
    fn gate(&self, call: &Call<'_>) -> Result<Key<'_, [u16]>> {
        with_key(call, 0, |key| self.key(key))
    }

    fn now(&self) -> u64 {
        Keyed::now(self)
    }
}

impl Gate for Key<'_, [u16]> {
    type Slot = Slot;

    #[inline]
    fn try_acquire(&self, now: Option<u64>, cost: u64) -> bool {
        match now {
            Some(now) => self.try_acquire_at(now, cost),
            None => Key::try_acquire(self, cost),
        }
    }

    #[inline]
    fn take(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        out.taken(&match now {
            Some(now) => self.take_at(now, cost),
            None => Key::take(self, cost),
        })
    }

    fn peek(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        out.taken(&match now {
            Some(now) => self.peek_at(now, cost),
            None => Key::peek(self, cost),
        })
    }

    fn reserve(&self, now: Option<u64>, cost: u64, longest: u64, out: &Output) -> std::result::Result<Slot, u32> {
        out.reserved(match now {
            Some(now) => self.reserve_at(now, cost, longest),
            None => Key::reserve(self, cost, Duration::from_nanos(longest)).map(KeyedReservation::into_slot),
        })
    }

    fn cancel(&self, now: Option<u64>, slot: Slot) {
        match now {
            Some(now) => self.cancel_at(now, slot),
            None => Key::cancel(self, slot),
        }
    }

    fn settle(&self, now: Option<u64>, slot: Slot, actual: u64, out: &Output) -> u32 {
        out.write(&match now {
            Some(now) => self.settle_at(now, slot, actual),
            None => Key::settle(self, slot, actual),
        })
    }

    fn reset(&self) -> bool {
        Key::reset(self)
    }
}

impl Tab for Key<'_, [u16]> {
    fn charge(&self, now: Option<u64>, cost: u64, out: &Output) -> u32 {
        out.write(&match now {
            Some(now) => self.charge_at(now, cost),
            None => Key::charge(self, cost),
        })
    }

    fn refund(&self, now: Option<u64>, permits: u64) {
        match now {
            Some(now) => self.refund_at(now, permits),
            None => Key::refund(self, permits),
        }
    }
}

/// Tables that some thread may look for. They hold none alive.
static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

#[derive(Default)]
struct Shared {
    last: u32,
    tables: HashMap<u32, Weak<Keyed>>,
}

fn shared() -> MutexGuard<'static, Option<Shared>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a keyed limiter.
#[napi(catch_unwind)]
pub fn create_keyed<'env>(env: &'env Env, options: Options) -> Result<Either<Object<'env>, Refusal>> {
    let names = Names::read(env, &options)?;
    let when_full = match options.when_full.as_deref() {
        None | Some("evict") => WhenFull::EvictNearestIdle,
        Some("refuse") => WhenFull::Refuse,
        Some("overflow") => WhenFull::Overflow,
        Some(_) => return Err(unknown(env, "whenFull", "expected evict, refuse or overflow")),
    };
    let quota: Quota = match options.quota.parse() {
        Ok(quota) => quota,
        Err(error) => return Ok(Either::B(refusal(&error, &options.quota))),
    };
    // A number of keys beyond the address space is beyond its memory, too.
    let keys = options.max_keys.map_or(100_000, |keys| usize::try_from(keys.0).unwrap_or(usize::MAX));
    let mut builder = Keyed::builder(names.algorithm, quota).max_keys(keys).when_full(when_full).refill(names.refill);
    if let Some(anchor) = names.anchor {
        builder = builder.anchor(anchor);
    }
    if let Some(initial) = options.initial {
        builder = builder.initial(initial.0);
    }
    let built = match options.origin {
        Some(origin) => builder.build_at(origin.0),
        None => builder.build(),
    };
    match built {
        Ok(keyed) => object(env, &Arc::new(keyed)).map(Either::A),
        Err(KeyedLimiterError::Quota(error)) => Ok(Either::B(refusal(&error, &options.quota))),
        Err(error) => Err(range_error(env, "ERR_OUT_OF_RANGE", &error.to_string())),
    }
}

/// The table that another thread of this process has shared under a number; nothing if nobody holds it any more.
#[napi(catch_unwind)]
pub fn find_keyed<'env>(env: &'env Env, id: u32) -> Result<Option<Object<'env>>> {
    let found = shared().as_ref().and_then(|shared| shared.tables.get(&id)).and_then(Weak::upgrade);
    found.map(|keyed| object(env, &keyed)).transpose()
}

/// What a table is known by, and what is asked of it as a whole; its verbs are made when they are called.
fn object<'env>(env: &'env Env, keyed: &Table) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("quota", keyed.quota().to_string())?;
    object.set("algorithm", keyed.algorithm().name())?;
    object.set("maxKeys", keyed.max_keys() as f64)?;
    object.set("memory", keyed.memory() as f64)?;
    object.set("share", External::new(Arc::clone(keyed)))?;
    Ok(object)
}

/// One verb of a table.
#[napi(catch_unwind)]
pub fn keyed_verb<'env>(
    env: &'env Env,
    output: &External<Output>,
    table: &External<Table>,
    name: String,
) -> Result<Option<Function<'env, (), Unknown<'env>>>> {
    tab_verb_of(env, &**table, output, &name)
}

/// Forgets all keys.
#[napi(catch_unwind)]
pub fn clear_keyed(table: &External<Table>) {
    table.clear();
}

/// How many keys there are.
#[napi(catch_unwind)]
pub fn keyed_size(table: &External<Table>) -> f64 {
    table.len() as f64
}

/// How many were forgotten although they were not idle.
#[napi(catch_unwind)]
pub fn keyed_evictions(table: &External<Table>) -> f64 {
    table.evictions() as f64
}

/// The number under which other threads find the table.
#[napi(catch_unwind)]
pub fn share_keyed(table: &External<Table>) -> u32 {
    let mut shared = shared();
    let shared = shared.get_or_insert_default();
    shared.tables.retain(|_, table| table.strong_count() > 0);
    if let Some((id, _)) = shared.tables.iter().find(|(_, known)| known.as_ptr() == Arc::as_ptr(table)) {
        return *id;
    }
    shared.last = shared.last.wrapping_add(1);
    shared.tables.insert(shared.last, Arc::downgrade(table));
    shared.last
}

/// One key, for its verbs without its name.
#[napi(catch_unwind)]
pub fn key_of(table: &External<Table>, key: KeyUnits) -> External<OwnedKey> {
    External::new(OwnedKey { raw: table.key(&key.0).into_raw(), keyed: Arc::clone(table) })
}

/// One verb of a key.
#[napi(catch_unwind)]
pub fn key_verb<'env>(
    env: &'env Env,
    output: &External<Output>,
    key: &External<OwnedKey>,
    name: String,
) -> Result<Option<Function<'env, (), Unknown<'env>>>> {
    tab_verb_of(env, &**key, output, &name)
}

/// A key as an argument.
pub struct KeyUnits(Vec<u16>);

impl FromNapiValue for KeyUnits {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        // SAFETY: the caller's promise: a live environment and a value of it.
        let key = unsafe { Unknown::from_napi_value(env, value) }?;
        if key.get_type()? != ValueType::String {
            return Err(no_key(env, &key));
        }
        // SAFETY: as above, and it is a string.
        Ok(KeyUnits(unsafe { long_key(env, value) }))
    }
}

impl TypeName for KeyUnits {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ValidateNapiValue for KeyUnits {}

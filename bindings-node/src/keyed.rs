//! `KeyedLimiter`: verbs with a key before the cost, handles for one key, and one table for all threads of the process.
//!
//! A key is a string, taken as its UTF-16 units: that is what JavaScript compares, lone surrogates included, and it needs no conversion. A table is found
//! by other threads under a number; it lives as long as any thread holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use napi::bindgen_prelude::{
    Either, External, FromNapiValue, Function, FunctionCallContext, Object, TypeName, Unknown, ValidateNapiValue,
};
use napi::{Env, JsValue, Result, ValueType, sys};
use napi_derive::napi;
use tidegate::{Decision, Key, KeyedLimiter, KeyedLimiterError, Quota, Refused, Slot, WhenFull};

use crate::limiter::{Names, Options, unknown};
use crate::number::{Nanos, Permits, Time, range_error, wrong_type};
use crate::output::Output;
use crate::quota::{Refusal, refusal};
use crate::verbs::{Gate, verb, verb_of};

type Keyed = KeyedLimiter<[u16]>;

/// Keys up to this many units cross without a heap.
const SHORT: usize = 128;

/// Calls `with` with the units of a key.
///
/// # Errors
/// A `TypeError` if it is no string.
#[inline]
fn with_key<R>(
    context: &FunctionCallContext<'_>,
    position: usize,
    with: impl FnOnce(&[u16]) -> Result<R>,
) -> Result<R> {
    let key = context.get::<Unknown<'_>>(position)?;
    let (env, value) = (context.env.raw(), key.raw());
    let (mut short, mut units) = ([0_u16; SHORT], 0);
    // SAFETY: environment and value are those of this call; the buffer is as long as is said.
    let status = unsafe { sys::napi_get_value_string_utf16(env, value, short.as_mut_ptr(), SHORT, &mut units) };
    if status != sys::Status::napi_ok {
        return Err(no_key(env, &key));
    }
    // One place is for a closing zero: when the rest is full there may be more.
    if units < SHORT - 1 {
        return with(&short[..units]);
    }
    // SAFETY: as above, and it is a string.
    with(&unsafe { long_key(env, value) })
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
    keyed: Arc<Keyed>,
    raw: u64,
}

impl OwnedKey {
    #[inline]
    fn key(&self) -> Key<'_, [u16]> {
        self.keyed.key_from_raw(self.raw)
    }
}

impl Gate for OwnedKey {
    #[inline]
    fn now(&self) -> u64 {
        self.keyed.now()
    }

    #[inline]
    fn try_acquire_at(&self, now: u64, cost: u64) -> bool {
        self.key().try_acquire_at(now, cost)
    }

    #[inline]
    fn take_at(&self, now: u64, cost: u64) -> Decision {
        self.key().take_at(now, cost)
    }

    fn peek_at(&self, now: u64, cost: u64) -> Decision {
        self.key().peek_at(now, cost)
    }

    fn charge_at(&self, now: u64, cost: u64) -> Decision {
        self.key().charge_at(now, cost)
    }

    fn refund_at(&self, now: u64, permits: u64) {
        self.key().refund_at(now, permits);
    }

    fn reserve_at(&self, now: u64, cost: u64, max_wait: u64) -> std::result::Result<Slot, Refused> {
        self.key().reserve_at(now, cost, max_wait)
    }

    fn cancel_at(&self, now: u64, slot: Slot) {
        self.key().cancel_at(now, slot);
    }

    fn reset(&self) {
        self.key().reset();
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

/// Makes a keyed limiter: an object of verbs.
#[napi(catch_unwind)]
pub fn create_keyed<'env>(
    env: &'env Env,
    output: &External<Output>,
    options: Options,
) -> Result<Either<Object<'env>, Refusal>> {
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
    let built = match options.origin {
        Some(origin) => builder.build_at(origin.0),
        None => builder.build(),
    };
    match built {
        Ok(keyed) => object(env, &Arc::new(keyed), output).map(Either::A),
        Err(KeyedLimiterError::Quota(error)) => Ok(Either::B(refusal(&error, &options.quota))),
        Err(error) => Err(range_error(env, "ERR_OUT_OF_RANGE", &error.to_string())),
    }
}

/// The table that another thread of this process has shared under a number; nothing if nobody holds it any more.
#[napi(catch_unwind)]
pub fn find_keyed<'env>(env: &'env Env, output: &External<Output>, id: u32) -> Result<Option<Object<'env>>> {
    let found = shared().as_ref().and_then(|shared| shared.tables.get(&id)).and_then(Weak::upgrade);
    found.map(|keyed| object(env, &keyed, output)).transpose()
}

fn object<'env>(env: &'env Env, keyed: &Arc<Keyed>, output: &Output) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("quota", keyed.quota().to_string())?;
    object.set("algorithm", keyed.algorithm().name())?;
    object.set("maxKeys", keyed.max_keys() as f64)?;
    object.set("memory", keyed.memory() as f64)?;
    let shares = || (Arc::clone(keyed), output.clone());

    let (table, _) = shares();
    verb(env, &mut object, "tryAcquire", move |context| {
        let (now, cost) = arguments(&context, &table)?;
        with_key(&context, 0, |key| Ok(table.try_acquire_at(key, now, cost)))
    })?;
    let (table, out) = shares();
    verb(env, &mut object, "take", move |context| {
        let (now, cost) = arguments(&context, &table)?;
        with_key(&context, 0, |key| Ok(out.write(&table.take_at(key, now, cost))))
    })?;
    let (table, out) = shares();
    verb(env, &mut object, "peek", move |context| {
        let (now, cost) = arguments(&context, &table)?;
        with_key(&context, 0, |key| Ok(out.write(&table.peek_at(key, now, cost))))
    })?;
    let (table, out) = shares();
    verb(env, &mut object, "charge", move |context| {
        let (now, cost) = arguments(&context, &table)?;
        with_key(&context, 0, |key| Ok(out.write(&table.charge_at(key, now, cost))))
    })?;
    let (table, _) = shares();
    verb(env, &mut object, "refund", move |context| {
        let (now, permits) = arguments(&context, &table)?;
        with_key(&context, 0, |key| {
            table.refund_at(key, now, permits);
            Ok(())
        })
    })?;
    let (table, out) = shares();
    // (key, cost, longest wait in nanoseconds, now)
    verb(env, &mut object, "reserve", move |context| {
        let (cost, longest) = (context.get::<Permits>(1)?.0, context.get::<Nanos>(2)?.0);
        let now = if context.length() > 3 { context.get::<Time>(3)?.0 } else { table.now() };
        with_key(&context, 0, |key| Ok(out.write_reserved(table.reserve_at(key, now, cost, longest))))
    })?;
    let (table, out) = shares();
    // (key, now), with the reservation in the output's words.
    verb(env, &mut object, "cancel", move |context| {
        let now = if context.length() > 1 { context.get::<Time>(1)?.0 } else { table.now() };
        with_key(&context, 0, |key| {
            table.cancel_at(key, now, out.read_slot());
            Ok(())
        })
    })?;
    let (table, _) = shares();
    verb(env, &mut object, "until", move |context| {
        let at = context.get::<Time>(0)?.0;
        let now = if context.length() > 1 { context.get::<Time>(1)?.0 } else { table.now() };
        Ok(at.saturating_sub(now) as f64 / 1e6)
    })?;
    let (table, _) = shares();
    verb(env, &mut object, "reset", move |context| with_key(&context, 0, |key| Ok(table.reset(key))))?;
    let (table, _) = shares();
    verb(env, &mut object, "clear", move |_| {
        table.clear();
        Ok(())
    })?;
    let (table, _) = shares();
    verb(env, &mut object, "size", move |_| Ok(table.len() as f64))?;
    let (table, _) = shares();
    verb(env, &mut object, "evictions", move |_| Ok(table.evictions() as f64))?;
    let (table, _) = shares();
    verb(env, &mut object, "share", move |_| {
        let mut shared = shared();
        let shared = shared.get_or_insert_default();
        shared.tables.retain(|_, table| table.strong_count() > 0);
        if let Some((id, _)) = shared.tables.iter().find(|(_, known)| known.as_ptr() == Arc::as_ptr(&table)) {
            return Ok(*id);
        }
        shared.last = shared.last.wrapping_add(1);
        shared.tables.insert(shared.last, Arc::downgrade(&table));
        Ok(shared.last)
    })?;
    object.set("table", External::new(Arc::clone(keyed)))?;
    Ok(object)
}

/// One key, for its verbs without its name.
#[napi(catch_unwind)]
pub fn key_of(table: &External<Arc<Keyed>>, key: KeyUnits) -> External<OwnedKey> {
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
    verb_of(env, &**key, output, &name)
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

/// The time and the cost of a call, after its key.
#[inline]
fn arguments(context: &FunctionCallContext<'_>, table: &Keyed) -> Result<(u64, u64)> {
    let given = context.length();
    let cost = if given < 2 { 1 } else { context.get::<Permits>(1)?.0 };
    let now = if given < 3 { table.now() } else { context.get::<Time>(2)?.0 };
    Ok((now, cost))
}

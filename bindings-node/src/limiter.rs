//! `Limiter`: its options, and how one is made.

use std::sync::Arc;

use napi::bindgen_prelude::{Either, External, Function, Object};
use napi::{Env, Result, Unknown};
use napi_derive::napi;
use tidegate::{Algorithm, Anchor, Carry, Limiter, Quota, QuotaError, ReconfigureError, Refill, Slot, Snapshot};

use crate::call::Call;
use crate::number::{Permits, Time, range_error};
use crate::output::{Answer, Output};
use crate::quota::{Refusal, refusal};
use crate::verbs::{Gate, Holder, Tab, tab_verb_of};

/// All that says what a limiter is.
#[napi(object, object_to_js = false)]
pub struct Options {
    /// As text.
    pub quota: String,
    /// By name; `gcra` if not said.
    pub algorithm: Option<String>,
    /// `clock` or `first-use`; what the quota says if not said.
    pub anchor: Option<String>,
    /// After the multiples of the period; goes before `anchor`.
    pub offset: Option<Time>,
    /// `continuous` or `interval`.
    pub refill: Option<String>,
    /// Permits to begin with.
    pub initial: Option<Permits>,
    /// Of a keyed limiter: the most keys.
    pub max_keys: Option<Permits>,
    /// Of a keyed limiter: `evict`, `refuse` or `overflow`.
    pub when_full: Option<String>,
    /// The first reading of the clock that the verbs will be given; the limiter reads its own if not said.
    pub origin: Option<Time>,
}

/// Makes a limiter: `share`, for the other functions, and `algorithm`.
#[napi(catch_unwind)]
pub fn create_limiter<'env>(env: &'env Env, options: Options) -> Result<Either<Object<'env>, Refusal>> {
    let names = Names::read(env, &options)?;
    match build(&names, &options) {
        Ok(limiter) => object(env, &Arc::new(limiter)).map(Either::A),
        Err(error) => Ok(Either::B(refusal(&error, &options.quota))),
    }
}

/// What the options call by name.
pub(crate) struct Names {
    pub(crate) algorithm: Algorithm,
    pub(crate) anchor: Option<Anchor>,
    pub(crate) refill: Refill,
}

impl Names {
    pub(crate) fn read(env: &Env, options: &Options) -> Result<Names> {
        let algorithm = match options.algorithm.as_deref().unwrap_or("gcra").parse::<Algorithm>() {
            Ok(algorithm) => algorithm,
            Err(error) => return Err(unknown(env, "algorithm", &error.to_string())),
        };
        let anchor = match (options.offset, options.anchor.as_deref()) {
            (Some(offset), _) => Some(Anchor::Offset(offset.0)),
            (None, None) => None,
            (None, Some("clock")) => Some(Anchor::Clock),
            (None, Some("first-use")) => Some(Anchor::FirstUse),
            (None, Some(_)) => return Err(unknown(env, "anchor", "expected clock, first-use or { offset }")),
        };
        let refill = match options.refill.as_deref() {
            None | Some("continuous") => Refill::Continuous,
            Some("interval") => Refill::Interval,
            Some(_) => return Err(unknown(env, "refill", "expected continuous or interval")),
        };
        Ok(Names { algorithm, anchor, refill })
    }
}

pub(crate) fn unknown(env: &Env, option: &str, expected: &str) -> napi::Error {
    range_error(env, "ERR_INVALID_ARG_VALUE", &format!("{option}: {expected}"))
}

fn build(names: &Names, options: &Options) -> std::result::Result<Limiter, QuotaError> {
    let quota: Quota = options.quota.parse()?;
    let mut builder = Limiter::builder(names.algorithm, quota).refill(names.refill);
    if let Some(anchor) = names.anchor {
        builder = builder.anchor(anchor);
    }
    if let Some(initial) = options.initial {
        builder = builder.initial(initial.0);
    }
    match options.origin {
        Some(origin) => builder.build_at(origin.0),
        None => builder.build(),
    }
}

impl Holder for Arc<Limiter> {
    type Slot = Slot;
    type Gate<'a> = &'a Limiter;
    const NAMED: usize = 0;

    #[inline]
    fn gate(&self, _: &Call<'_>) -> Result<&Limiter> {
        Ok(self)
    }

    fn now(&self) -> u64 {
        Limiter::now(self)
    }
}

impl Gate for &Limiter {
    type Slot = Slot;

    #[inline]
    fn try_acquire(&self, now: Option<u64>, cost: u64) -> bool {
        self.try_acquire_at(at(self, now), cost)
    }

    #[inline]
    fn take(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        out.taken(&self.take_at(at(self, now), cost))
    }

    fn peek(&self, now: Option<u64>, cost: u64, out: &Output) -> Answer {
        out.taken(&self.peek_at(at(self, now), cost))
    }

    fn reserve(&self, now: Option<u64>, cost: u64, longest: u64, out: &Output) -> std::result::Result<Slot, u32> {
        out.reserved(self.reserve_at(at(self, now), cost, longest))
    }

    fn cancel(&self, now: Option<u64>, slot: Slot) {
        self.cancel_at(at(self, now), slot);
    }

    fn settle(&self, now: Option<u64>, slot: Slot, actual: u64, out: &Output) -> u32 {
        out.write(&self.settle_at(at(self, now), slot, actual))
    }

    fn reset(&self) -> bool {
        Limiter::reset(self);
        true
    }
}

impl Tab for &Limiter {
    fn charge(&self, now: Option<u64>, cost: u64, out: &Output) -> u32 {
        out.write(&self.charge_at(at(self, now), cost))
    }

    fn refund(&self, now: Option<u64>, permits: u64) {
        self.refund_at(at(self, now), permits);
    }
}

#[inline]
fn at(limiter: &Limiter, now: Option<u64>) -> u64 {
    now.unwrap_or_else(|| limiter.now())
}

/// What a limiter is known by; its verbs are made when they are called.
fn object<'env>(env: &'env Env, limiter: &Arc<Limiter>) -> Result<Object<'env>> {
    let mut object = Object::new(env)?;
    object.set("algorithm", limiter.algorithm().name())?;
    object.set("share", External::new(Arc::clone(limiter)))?;
    Ok(object)
}

/// One verb of a limiter.
#[napi(catch_unwind)]
pub fn limiter_verb<'env>(
    env: &'env Env,
    output: &External<Output>,
    share: &External<Arc<Limiter>>,
    name: String,
) -> Result<Option<Function<'env, (), Unknown<'env>>>> {
    tab_verb_of(env, &**share, output, &name)
}

/// The quota in force.
#[napi(catch_unwind)]
pub fn limiter_quota(share: &External<Arc<Limiter>>) -> String {
    share.quota().to_string()
}

/// State and quota as text.
#[napi(catch_unwind)]
pub fn snapshot_limiter(share: &External<Arc<Limiter>>) -> Result<String> {
    serde_json::to_string(&share.snapshot()).map_err(|error| napi::Error::from_reason(error.to_string()))
}

/// Puts another quota in force; `now` is the clock's if not said. A refused quota, or why it cannot be carried over.
#[napi(catch_unwind)]
pub fn reconfigure_limiter(
    env: &Env,
    share: &External<Arc<Limiter>>,
    quota: String,
    carry: String,
    now: Option<Time>,
) -> Result<Option<Refusal>> {
    let carry = self::carry(env, &carry)?;
    let read = match quota.parse::<Quota>() {
        Ok(read) => read,
        Err(error) => return Ok(Some(refusal(&error, &quota))),
    };
    let now = now.map_or_else(|| share.now(), |now| now.0);
    match share.reconfigure_at(now, read, carry) {
        Ok(()) => Ok(None),
        Err(ReconfigureError::Quota(error)) => Ok(Some(refusal(&error, ""))),
        Err(error) => Ok(Some(Refusal { kind: "cannot-carry".into(), message: error.to_string(), position: None })),
    }
}

/// # Errors
/// A `RangeError` with the known names.
pub(crate) fn carry(env: &Env, name: &str) -> Result<Carry> {
    match name {
        "keep" | "time" => Ok(Carry::Time),
        "permits" => Ok(Carry::Permits),
        "proportional" => Ok(Carry::Proportional),
        "reset" => Ok(Carry::Reset),
        _ => Err(unknown(env, "carry", "expected keep, time, permits, proportional or reset")),
    }
}

/// Goes back to a snapshot; why not, if not.
#[napi(catch_unwind)]
pub fn restore_limiter(share: &External<Arc<Limiter>>, snapshot: String) -> Option<String> {
    let snapshot: Snapshot = match serde_json::from_str(&snapshot) {
        Ok(snapshot) => snapshot,
        Err(error) => return Some(format!("no snapshot: {error}")),
    };
    share.restore(&snapshot).err().map(|error| error.to_string())
}

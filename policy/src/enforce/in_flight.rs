//! `InFlight`: places at the same time, given back when they are dropped.
//!
//! A key without a place held is not remembered, so a table holds no more keys than there are requests under way, and never more than
//! its maximum.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::seeds::{Bug, seeded};

/// How many places each key holds.
#[derive(Debug)]
pub(crate) struct Places {
    limit: u64,
    max_keys: usize,
    /// Shared with what this limit was before it was changed: requests under way give back here what they took there.
    held: Arc<Mutex<HashMap<u64, u64>>>,
}

impl Places {
    pub(crate) fn new(limit: u64, max_keys: usize) -> Places {
        Places { limit, max_keys, held: Arc::default() }
    }

    /// The same places under another limit.
    pub(crate) fn with_limit(&self, limit: u64, max_keys: usize) -> Places {
        Places { limit, max_keys, held: self.held.clone() }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    pub(crate) fn held(&self, key: u64) -> u64 {
        self.held.lock().get(&key).copied().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.held.lock().len()
    }

    /// Takes places; what is held after that, or else what was held.
    pub(crate) fn enter(&self, key: u64, places: u64) -> Result<u64, u64> {
        let mut held = self.held.lock();
        let before = held.get(&key).copied().unwrap_or(0);
        let after = before.checked_add(places).filter(|after| *after <= self.limit).ok_or(before)?;
        if seeded(Bug::LookedThenTaken) {
            parking_lot::MutexGuard::unlocked(&mut held, std::thread::yield_now);
        }
        if before == 0 && held.len() >= self.max_keys {
            return Err(self.limit);
        }
        if after > 0 {
            held.insert(key, after);
        }
        Ok(after)
    }

    pub(crate) fn leave(&self, key: u64, places: u64) {
        let mut held = self.held.lock();
        if let Some(now) = held.get_mut(&key) {
            *now = now.saturating_sub(places);
            if *now == 0 {
                held.remove(&key);
            }
        }
    }
}

/// The places that an admitted request holds in limits of requests at the same time.
///
/// Dropping it gives them back, once, also when its holder panics. It outlives the policy and its reloads.
///
/// ```
/// use tidegate_policy::{Policy, Request, Scope};
/// let policy = Policy::from_toml(
///     "format = 1\n[provider]\nname = \"A\"\n[[limit]]\nid = \"one\"\nscope = \"account\"\nendpoints = [\"all\"]\nconcurrency = 1\n",
///     "a.toml",
/// )?;
/// let request = Request::new().scope(Scope::Account, "a");
/// let held = policy.take(&request)?.into_in_flight();
/// assert!(!policy.take(&request)?.is_allowed());
/// drop(held);
/// assert!(policy.take(&request)?.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "dropping it gives the places back"]
pub struct InFlight {
    held: SmallVec<[(Arc<Places>, u64, u64); 1]>,
}

impl InFlight {
    pub(crate) fn hold(&mut self, places: &Arc<Places>, key: u64, count: u64) {
        self.held.push((places.clone(), key, count));
    }

    pub(crate) fn add(&mut self, mut other: InFlight) {
        self.held.append(&mut other.held);
    }

    /// Whether nothing is held: no limit of requests at the same time was met.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        for (places, key, count) in self.held.drain(..) {
            places.leave(key, count);
        }
    }
}

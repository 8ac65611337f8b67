//! `PolicyHandle`: a policy that can be exchanged for another while it is asked.
//!
//! # What is carried over
//! Limits are matched by their id. Of two with the same id,
//! * the same quota, algorithm, scope and number of keys: both policies count in one table, nothing is lost or gained;
//! * another quota or number of keys under the same algorithm and scope: every key's use is carried over as the core's `Carry` says
//!   ([`Carry::Time`] if not said: what is used is earned back in the time in which it would have been);
//! * another algorithm or scope: counted anew.
//!
//! A limit that is gone is forgotten. Places of requests at the same time go with the limit, whatever its number becomes. Windows in each
//! customer's own time zone are carried only where the quota stays.
//!
//! What the old policy counts in a changed limit after it was copied is not carried over: requests that were under way during the exchange
//! may be forgotten by limits that changed. Requests that hold a verdict or places of the old policy keep them.

use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tidegate::Carry;

use crate::load::PolicyBuilder;
use crate::place::PolicyError;
use crate::policy::Policy;
use crate::seeds::{Bug, seeded};

/// A policy in force, exchanged without stopping anybody.
///
/// Asking takes no lock. A file that is refused leaves the last good policy in force, and the error is returned.
///
/// ```
/// use tidegate_policy::{Policy, PolicyHandle, Request, Scope};
/// let file = |quota: &str| format!(
///     "format = 1\n[provider]\nname = \"A\"\n[[limit]]\nid = \"day\"\nscope = \"ip\"\nendpoints = [\"all\"]\nquota = \"{quota}\"\n"
/// );
/// let handle = PolicyHandle::new(Policy::from_toml(&file("10/day"), "a.toml")?);
/// let request = Request::new().scope(Scope::Ip, "192.0.2.1").cost(10);
/// assert!(handle.load().take(&request)?.is_allowed());
///
/// assert!(handle.reload_toml(&file("10/moon"), "a.toml").is_err());
/// assert!(!handle.load().take(&request)?.is_allowed());
///
/// handle.reload_toml(&file("30/day"), "a.toml")?;
/// // What was used before the change is used after it.
/// assert!(!handle.load().take(&request.clone().cost(30))?.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PolicyHandle {
    current: ArcSwap<Policy>,
    carry: Carry,
    /// One exchange at a time: each is carried over from the last.
    exchange: Mutex<()>,
}

impl PolicyHandle {
    /// A handle on a policy.
    pub fn new(policy: Policy) -> PolicyHandle {
        PolicyHandle { current: ArcSwap::from_pointee(policy), carry: Carry::default(), exchange: Mutex::new(()) }
    }

    /// How use is carried over to a changed quota.
    #[must_use]
    pub fn carry(mut self, carry: Carry) -> PolicyHandle {
        self.carry = carry;
        self
    }

    /// The policy in force, to be asked now. Hold it for as long as its verdict, and not longer.
    pub fn load(&self) -> Guard<Arc<Policy>> {
        self.current.load()
    }

    /// The policy in force, to be kept.
    pub fn load_full(&self) -> Arc<Policy> {
        self.current.load_full()
    }

    fn now(&self) -> u64 {
        self.load().now()
    }

    /// Loads a file with the settings of the policy in force, and puts it in force.
    ///
    /// # Errors
    /// As [`Policy::from_file`]; the policy in force stays.
    pub fn reload(&self, path: impl AsRef<Path>) -> Result<(), PolicyError> {
        self.exchange_at(self.now(), |builder| builder.from_file(path))
    }

    /// As [`PolicyHandle::reload`], from text.
    ///
    /// # Errors
    /// As [`Policy::from_toml`]; the policy in force stays.
    pub fn reload_toml(&self, text: &str, file: &str) -> Result<(), PolicyError> {
        self.exchange_at(self.now(), |builder| builder.from_toml(text, file))
    }

    /// As [`PolicyHandle::reload`], from text.
    ///
    /// # Errors
    /// As [`Policy::from_json`]; the policy in force stays.
    pub fn reload_json(&self, text: &str, file: &str) -> Result<(), PolicyError> {
        self.exchange_at(self.now(), |builder| builder.from_json(text, file))
    }

    /// As [`PolicyHandle::reload`], with what the settings of the policy in force load, at the caller's time (nanoseconds since 1970): for those who ask
    /// by [`Policy::take_at`].
    ///
    /// # Errors
    /// What `load` returns; the policy in force stays.
    pub fn exchange_at(
        &self,
        now: u64,
        load: impl FnOnce(PolicyBuilder) -> Result<Policy, PolicyError>,
    ) -> Result<(), PolicyError> {
        let _one = (!seeded(Bug::ExchangedTogether)).then(|| self.exchange.lock());
        let old = self.current.load_full();
        let new = load(old.builder_alike())?;
        let new = new.succeeding(&old, now, self.carry);
        self.current.store(Arc::new(new));
        Ok(())
    }
}

impl std::fmt::Debug for PolicyHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyHandle").field("provider", &self.load().provider().name()).finish_non_exhaustive()
    }
}

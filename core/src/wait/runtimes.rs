//! `acquire_async` with the sleep of a runtime, under a feature of its name.

use core::time::Duration;

use crate::group::LimiterGroup;
use crate::keyed::Key;
use crate::limiter::{Limiter, Refused};

impl Limiter {
    /// [`Limiter::acquire_async`] with tokio's sleep, which rounds up to a millisecond. To be polled within a tokio runtime that has its timer enabled.
    ///
    /// # Errors
    /// As [`Limiter::acquire`].
    #[cfg(feature = "tokio")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
    pub async fn acquire_tokio(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, tokio::time::sleep).await
    }

    /// [`Limiter::acquire_async`] with the timer of smol (`async-io`), which works under any executor.
    ///
    /// # Errors
    /// As [`Limiter::acquire`].
    #[cfg(feature = "smol")]
    #[cfg_attr(docsrs, doc(cfg(feature = "smol")))]
    pub async fn acquire_smol(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, async_io::Timer::after).await
    }
}

impl<K: ?Sized> Key<'_, K> {
    /// As [`Limiter::acquire_tokio`], for the key.
    ///
    /// # Errors
    /// As [`Key::acquire`].
    #[cfg(feature = "tokio")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
    pub async fn acquire_tokio(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, tokio::time::sleep).await
    }

    /// As [`Limiter::acquire_smol`], for the key.
    ///
    /// # Errors
    /// As [`Key::acquire`].
    #[cfg(feature = "smol")]
    #[cfg_attr(docsrs, doc(cfg(feature = "smol")))]
    pub async fn acquire_smol(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, async_io::Timer::after).await
    }
}

impl LimiterGroup {
    /// As [`Limiter::acquire_tokio`], for all members at once.
    ///
    /// # Errors
    /// As [`LimiterGroup::acquire`].
    #[cfg(feature = "tokio")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
    pub async fn acquire_tokio(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, tokio::time::sleep).await
    }

    /// As [`Limiter::acquire_smol`], for all members at once.
    ///
    /// # Errors
    /// As [`LimiterGroup::acquire`].
    #[cfg(feature = "smol")]
    #[cfg_attr(docsrs, doc(cfg(feature = "smol")))]
    pub async fn acquire_smol(&self, cost: u64, timeout: Duration) -> Result<Duration, Refused> {
        self.acquire_async(cost, timeout, async_io::Timer::after).await
    }
}

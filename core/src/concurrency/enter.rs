//! Waiting to enter: a future that stands in line, and a thread that sleeps until it is ready.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use alloc::sync::Arc;

use super::line::{Joined, Ticket, Turn};
use super::{Concurrency, EnterError, Permit};
use crate::holder::Holder;

/// Entering a [`Concurrency`] limit, made by [`Concurrency::enter_async`] and its kin.
///
/// Takes its place in line at the first poll. Dropped before it is ready, it leaves the line, and what it may have been given
/// in the meantime goes to the next: no permit and no wake-up is lost. Kept but not polled when its turn has come, it holds its permits; forgotten
/// (`mem::forget`), for good.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct Enter<'a> {
    holder: Holder<'a, Concurrency>,
    permits: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    New,
    InLine(Ticket),
    Done,
}

impl<'a> Enter<'a> {
    fn new(holder: Holder<'a, Concurrency>, permits: u64) -> Enter<'a> {
        Enter { holder, permits, stage: Stage::New }
    }

    fn entered(&mut self) -> Result<Permit<'a>, EnterError> {
        self.stage = Stage::Done;
        Ok(Permit::of(self.holder.clone(), self.permits))
    }

    fn refused(&mut self, limit: u64) -> Result<Permit<'a>, EnterError> {
        self.stage = Stage::Done;
        Err(EnterError::TooMany { permits: self.permits, limit })
    }

    /// Enters if that is possible at once.
    fn at_once(&mut self) -> Option<Result<Permit<'a>, EnterError>> {
        self.holder.admit(self.permits).then(|| self.entered())
    }

    /// Leaves the line, unless the turn has come.
    #[cfg(not(tidegate_loom))]
    fn give_up(mut self) -> Result<Permit<'a>, EnterError> {
        let turn = match &self.stage {
            Stage::InLine(ticket) => self.holder.step_out(ticket),
            Stage::New | Stage::Done => Turn::Waiting,
        };
        self.stage = Stage::Done;
        match turn {
            Turn::Waiting => Err(EnterError::TimedOut),
            Turn::Entered => self.entered(),
            Turn::Refused(limit) => self.refused(limit),
        }
    }
}

impl<'a> Future for Enter<'a> {
    type Output = Result<Permit<'a>, EnterError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &self.stage {
                Stage::New => {
                    if let Some(entered) = self.at_once() {
                        return Poll::Ready(entered);
                    }
                    match self.holder.join(self.permits, context.waker()) {
                        Joined::Entered => return Poll::Ready(self.entered()),
                        Joined::Refused(limit) => return Poll::Ready(self.refused(limit)),
                        Joined::Waits(ticket) => {
                            self.stage = Stage::InLine(ticket);
                            return Poll::Pending;
                        }
                    }
                }
                Stage::InLine(ticket) => match ticket.turn() {
                    Turn::Entered => return Poll::Ready(self.entered()),
                    Turn::Refused(limit) => return Poll::Ready(self.refused(limit)),
                    Turn::Waiting if self.holder.renew(ticket, context.waker()) => return Poll::Pending,
                    // Answered in between.
                    Turn::Waiting => {}
                },
                // Ready before: nothing will come.
                Stage::Done => return Poll::Pending,
            }
        }
    }
}

impl Drop for Enter<'_> {
    fn drop(&mut self) {
        if let Stage::InLine(ticket) = &self.stage {
            self.holder.abandon(ticket);
        }
    }
}

/// Waiting in line, without blocking.
impl Concurrency {
    /// Enters with one permit as soon as it is this caller's turn, under any async runtime.
    ///
    /// There is no timeout here: put the runtime's around it. Dropping the future leaves the line and loses nothing.
    ///
    /// # Errors
    /// None in practice: one permit fits under every limit.
    ///
    /// ```
    /// # use tidegate::Concurrency;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let gate = Concurrency::new(1)?;
    /// let first = gate.enter_async().await?;
    /// let (second, ()) = tokio::join!(gate.enter_async(), async { drop(first) });
    /// assert_eq!(second?.permits(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn enter_async(&self) -> Enter<'_> {
        self.enter_many_async(1)
    }

    /// As [`Concurrency::enter_async`], with `permits` permits at once.
    ///
    /// # Errors
    /// More permits than the limit, when asked or when the turn comes.
    pub fn enter_many_async(&self, permits: u64) -> Enter<'_> {
        Enter::new(Holder::Borrowed(self), permits)
    }

    /// As [`Concurrency::enter_many_async`], with a permit that shares ownership of the limit, for tasks of their own.
    ///
    /// # Errors
    /// As [`Concurrency::enter_many_async`].
    pub fn enter_owned_async(self: &Arc<Self>, permits: u64) -> Enter<'static> {
        Enter::new(Holder::Shared(self.clone()), permits)
    }
}

#[cfg(not(tidegate_loom))]
mod blocking {
    use super::*;
    use alloc::task::Wake;
    use core::task::Waker;
    use core::time::Duration;
    use std::thread::{self, Thread};
    use std::time::Instant;

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
        fn wake_by_ref(self: &Arc<Self>) {
            self.0.unpark();
        }
    }

    /// Sleeps until the future is ready or the timeout has passed.
    fn block_on(mut entering: Enter<'_>, timeout: Duration) -> Result<Permit<'_>, EnterError> {
        if let Some(entered) = entering.at_once() {
            return entered;
        }
        let limit = entering.holder.limit();
        if entering.permits > limit {
            return entering.refused(limit);
        }
        if timeout.is_zero() {
            return Err(EnterError::TimedOut);
        }
        // None: beyond what the system's clock can say, which is for ever.
        let deadline = Instant::now().checked_add(timeout);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            // Awake for no reason, it finds its turn not come and sleeps on.
            if let Poll::Ready(entered) = Pin::new(&mut entering).poll(&mut context) {
                return entered;
            }
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return entering.give_up(),
                Some(rest) => thread::park_timeout(rest),
            }
        }
    }

    /// Waiting in line, blocking the thread.
    impl Concurrency {
        /// Enters with one permit, waiting for its turn for at most `timeout`.
        ///
        /// `Duration::ZERO` does not wait, `Duration::MAX` waits without bound. No lock is held while the thread sleeps.
        ///
        /// # Errors
        /// [`EnterError::TimedOut`]; no permit was taken.
        ///
        /// ```
        /// use std::time::Duration;
        /// use tidegate::{Concurrency, EnterError};
        /// let gate = Concurrency::new(1)?;
        /// let permit = gate.enter(Duration::MAX)?;
        /// assert_eq!(gate.enter(Duration::ZERO).unwrap_err(), EnterError::TimedOut);
        /// std::thread::scope(|scope| {
        ///     scope.spawn(|| gate.enter(Duration::MAX).map(drop));
        ///     drop(permit); // hands it over
        /// });
        /// assert_eq!(gate.in_flight(), 0);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        pub fn enter(&self, timeout: Duration) -> Result<Permit<'_>, EnterError> {
            self.enter_many(1, timeout)
        }

        /// As [`Concurrency::enter`], with `permits` permits at once.
        ///
        /// # Errors
        /// [`EnterError::TimedOut`], or [`EnterError::TooMany`] permits for the limit: at once, or when the turn comes under a limit that was lowered.
        pub fn enter_many(&self, permits: u64, timeout: Duration) -> Result<Permit<'_>, EnterError> {
            block_on(self.enter_many_async(permits), timeout)
        }

        /// As [`Concurrency::enter_many`], with a permit that shares ownership of the limit.
        ///
        /// # Errors
        /// As [`Concurrency::enter_many`].
        pub fn enter_owned(self: &Arc<Self>, permits: u64, timeout: Duration) -> Result<Permit<'static>, EnterError> {
            block_on(self.enter_owned_async(permits), timeout)
        }
    }
}

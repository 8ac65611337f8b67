"""The schedules of tidegate for tenacity.

    schedule = wait_backoff(tidegate.Backoff.exponential(0.5, max_delay=30, jitter="full", max_retries=5))

    @tenacity.retry(wait=schedule, stop=schedule.stop)
    def fetch(): ...

Needs tenacity. ``tidegate.retry`` does the same without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tenacity import RetryCallState
from tenacity.wait import wait_base

from ._retry import said
from ._tidegate import Backoff, BackoffSession

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["wait_backoff"]


class wait_backoff(wait_base):
    """A ``wait`` for tenacity that follows a Backoff; each call that is retried is a session of its own.

    ``retry_after``: what an exception says about when to come back (by default that of ``RateLimitExceeded``); no wait is shorter. ``stop``, handed to
    tenacity as well, gives up where the schedule does; without it the last delay is repeated.
    """

    def __init__(
        self, backoff: Backoff, retry_after: Callable[[BaseException], float | timedelta | None] | None = None
    ) -> None:
        if not isinstance(backoff, Backoff):
            raise TypeError(f"expected a Backoff, not {type(backoff).__name__}")
        self._backoff = backoff
        self._retry_after = said if retry_after is None else retry_after
        self._sessions: WeakKeyDictionary[RetryCallState, _Session] = WeakKeyDictionary()

    def __call__(self, retry_state: RetryCallState) -> float:
        session = self._sessions.get(retry_state)
        if session is None:
            session = self._sessions[retry_state] = _Session(self._backoff.start())
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        delay = session.delays.next_delay(None if error is None else self._retry_after(error))
        session.over = delay is None
        if delay is not None:
            session.last = delay
        return session.last

    def stop(self, retry_state: RetryCallState) -> bool:
        """Whether the schedule has given up on this call."""
        session = self._sessions.get(retry_state)
        return session is not None and session.over


class _Session:
    def __init__(self, delays: BackoffSession) -> None:
        self.delays = delays
        self.last = 0.0
        self.over = False

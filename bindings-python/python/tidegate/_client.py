"""What the hooks of HTTP clients have in common: ask the tracker, wait, tell it what the response said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ._errors import RateLimitExceeded
from ._tidegate import Decision, Tracker

_Request = TypeVar("_Request")


class Obeyed(Generic[_Request]):
    """A tracker, and how to name the route of a request."""

    def __init__(self, tracker: Tracker | None, route: Callable[[_Request], str] | None, max_wait: float | None) -> None:
        if tracker is not None and not isinstance(tracker, Tracker):
            raise TypeError(f"expected a Tracker, not {type(tracker).__name__}")
        if max_wait is not None and not max_wait >= 0.0:
            raise ValueError(f"max_wait must be at least 0, not {max_wait}")
        self.tracker = Tracker() if tracker is None else tracker
        self._route = route
        self._max_wait = max_wait

    def route(self, request: _Request) -> str:
        return "" if self._route is None else self._route(request)

    def delay(self, route: str) -> float:
        """Seconds to sleep and then ask again; 0.0: it may go out, and counts as sent."""
        delay = self.tracker.next_delay(route)
        if delay == 0.0:
            self.tracker.sent(route)
        elif self._max_wait is not None and delay > self._max_wait:
            wait = self.tracker.next_delay_ns(route)
            raise RateLimitExceeded(Decision(False, 0, 0, wait, wait), f"the server asks to wait {delay} s")
        return delay

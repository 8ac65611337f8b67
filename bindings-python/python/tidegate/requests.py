"""An adapter for requests that obeys a server's limits: it waits before a request that would be refused.

    session = requests.Session()
    session.mount("https://api.example.com/", RateLimitAdapter(max_wait=30))

Needs requests. One server, one adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ._client import Obeyed
from ._tidegate import Tracker

__all__ = ["RateLimitAdapter"]


class RateLimitAdapter(HTTPAdapter):
    """An HTTPAdapter with the arguments of ``tidegate.httpx.RateLimitTransport``; others go to HTTPAdapter."""

    def __init__(
        self,
        tracker: Tracker | None = None,
        *,
        route: Callable[[requests.PreparedRequest], str] | None = None,
        max_wait: float | None = None,
        sleep: Callable[[float], object] | None = None,
        **adapter: Any,
    ) -> None:
        self._obeyed = Obeyed(tracker, route, max_wait)
        self.tracker = self._obeyed.tracker
        self._sleep = time.sleep if sleep is None else sleep
        super().__init__(**adapter)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **keywords: Any) -> requests.Response:
        route = self._obeyed.route(request)
        while (delay := self._obeyed.delay(route)) > 0.0:
            self._sleep(delay)
        response = super().send(request, *arguments, **keywords)
        self.tracker.observe(route, response.status_code, response.headers)
        return response

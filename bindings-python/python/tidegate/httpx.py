"""Transports for httpx that obey a server's limits: they wait before a request that would be refused.

    client = httpx.Client(transport=RateLimitTransport())
    client = httpx.AsyncClient(transport=AsyncRateLimitTransport(max_wait=30))

Needs httpx. One server, one transport: what one says is no business of another's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx

from ._client import Obeyed
from ._tidegate import Tracker

__all__ = ["AsyncRateLimitTransport", "RateLimitTransport"]


class RateLimitTransport(httpx.BaseTransport):
    """Wraps a transport (by default httpx's own).

    tracker: what the responses said, to be shared or looked at. route: what the server counts apart, from the request; by default all is one.
    max_wait: in seconds; a longer wait raises RateLimitExceeded instead, and the request does not go out. sleep: in place of time.sleep.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        tracker: Tracker | None = None,
        *,
        route: Callable[[httpx.Request], str] | None = None,
        max_wait: float | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._transport = httpx.HTTPTransport() if transport is None else transport
        self._obeyed = Obeyed(tracker, route, max_wait)
        self.tracker = self._obeyed.tracker
        self._sleep = time.sleep if sleep is None else sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        route = self._obeyed.route(request)
        while (delay := self._obeyed.delay(route)) > 0.0:
            self._sleep(delay)
        response = self._transport.handle_request(request)
        self.tracker.observe(route, response.status_code, response.headers.raw)
        return response

    def close(self) -> None:
        self._transport.close()


class AsyncRateLimitTransport(httpx.AsyncBaseTransport):
    """As RateLimitTransport, for ``httpx.AsyncClient`` under asyncio."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        tracker: Tracker | None = None,
        *,
        route: Callable[[httpx.Request], str] | None = None,
        max_wait: float | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        self._transport = httpx.AsyncHTTPTransport() if transport is None else transport
        self._obeyed = Obeyed(tracker, route, max_wait)
        self.tracker = self._obeyed.tracker
        self._sleep: Callable[[float], Awaitable[object]] = asyncio.sleep if sleep is None else sleep

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        route = self._obeyed.route(request)
        while (delay := self._obeyed.delay(route)) > 0.0:
            await self._sleep(delay)
        response = await self._transport.handle_async_request(request)
        self.tracker.observe(route, response.status_code, response.headers.raw)
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()

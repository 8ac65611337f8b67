"""Hooks of HTTP clients, and tenacity: they wait as the server says, and no test sleeps."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Callable

import httpx
import pytest
import requests
import tenacity
from hand_clock import HandClock

import tidegate.httpx
import tidegate.requests
from tidegate import Backoff, Limiter, RateLimitExceeded, Tracker, headers
from tidegate.tenacity import wait_backoff


class Server:
    """Two a minute; whoever comes earlier is refused, and counted."""

    def __init__(self, clock: HandClock) -> None:
        self.limiter = Limiter("2/min", "fixed-window", clock=clock)
        self.refused = 0

    def __call__(self, request: object) -> httpx.Response:
        decision = self.limiter.take()
        self.refused += not decision
        return httpx.Response(200 if decision else 429, headers=headers(decision, "draft-07"))


@pytest.fixture
def tracker(clock: HandClock) -> Tracker:
    return Tracker(clock=clock, unix_clock=clock)


def sleeper(clock: HandClock, slept: list[float]) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += round(seconds * 1e9)

    return sleep


def test_httpx_waits_instead_of_being_refused(clock: HandClock, tracker: Tracker) -> None:
    server, slept = Server(clock), list[float]()
    transport = tidegate.httpx.RateLimitTransport(httpx.MockTransport(server), tracker, sleep=sleeper(clock, slept))
    with httpx.Client(transport=transport, base_url="http://test") as client:
        assert [client.get("/").status_code for _ in range(7)] == [200] * 7
    assert server.refused == 0 and slept == [60.0, 60.0, 60.0]
    unhindered = httpx.Client(transport=httpx.MockTransport(server), base_url="http://test")
    assert [unhindered.get("/").status_code for _ in range(3)][-1] == 429


def test_httpx_async(clock: HandClock, tracker: Tracker) -> None:
    server, slept = Server(clock), list[float]()

    async def sleep(seconds: float) -> None:
        sleeper(clock, slept)(seconds)

    async def main() -> list[int]:
        transport = tidegate.httpx.AsyncRateLimitTransport(httpx.MockTransport(server), tracker, sleep=sleep)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return [(await client.get("/")).status_code for _ in range(5)]

    assert asyncio.run(main()) == [200] * 5 and server.refused == 0 and slept == [60.0, 60.0]


def test_too_long_a_wait_is_an_error_and_no_request(clock: HandClock, tracker: Tracker) -> None:
    sent = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        return httpx.Response(429, headers={"Retry-After": "3600"})

    transport = tidegate.httpx.RateLimitTransport(
        httpx.MockTransport(server), tracker, route=lambda request: request.url.path, max_wait=10
    )
    client = httpx.Client(transport=transport, base_url="http://test")
    assert client.get("/a").status_code == 429
    with pytest.raises(RateLimitExceeded) as caught:
        client.get("/a")
    assert caught.value.decision.retry_after == 3600.0
    assert client.get("/b").status_code == 429 and sent == ["/a", "/b"]
    with pytest.raises(ValueError):
        tidegate.httpx.RateLimitTransport(max_wait=float("nan"))
    with pytest.raises(TypeError):
        tidegate.httpx.RateLimitTransport(tracker="t")  # type: ignore[arg-type]


def test_requests(clock: HandClock, tracker: Tracker) -> None:
    limiter, slept = Limiter("2/min", "fixed-window", clock=clock), list[float]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            decision = limiter.take()
            self.send_response(200 if decision else 429)
            for name, value in headers(decision, "draft-06").items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with requests.Session() as session:
                session.mount("http://", tidegate.requests.RateLimitAdapter(tracker, sleep=sleeper(clock, slept)))
                url = f"http://127.0.0.1:{server.server_address[1]}/"
                assert [session.get(url).status_code for _ in range(5)] == [200] * 5
        finally:
            server.shutdown()
            thread.join()
    assert slept == [60.0, 60.0]


def test_tenacity() -> None:
    schedule = wait_backoff(Backoff.exponential(1, factor=2, max_delay=3, max_retries=4))
    slept: list[float] = []

    @tenacity.retry(wait=schedule, stop=schedule.stop, sleep=slept.append, reraise=True)
    def fetch() -> None:
        raise ConnectionError

    for _ in range(2):
        slept.clear()
        with pytest.raises(ConnectionError):
            fetch()
        assert slept == [1.0, 2.0, 3.0, 3.0]


def test_tenacity_heeds_retry_after(clock: HandClock) -> None:
    limiter, slept = Limiter("1/min", clock=clock), list[float]()

    @tenacity.retry(wait=wait_backoff(Backoff.constant(1)) + tenacity.wait_fixed(0.5), sleep=sleeper(clock, slept))
    @limiter.limit()
    def fetch() -> str:
        return "done"

    assert fetch() == "done" and fetch() == "done" and slept == [60.5]
    with pytest.raises(TypeError):
        wait_backoff("1s")  # type: ignore[arg-type]

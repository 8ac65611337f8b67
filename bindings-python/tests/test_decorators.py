"""Decorators: limits in front of functions, retries behind them."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import time
from typing import Any

import pytest

from hand_clock import HandClock
from tidegate import Backoff, KeyedLimiter, Limiter, RateLimitExceeded, retry


def test_limit(clock: HandClock) -> None:
    limiter = Limiter("2/s", clock=clock)

    @limiter.limit()
    def double(x: int) -> int:
        """Twice."""
        return 2 * x

    assert double.__doc__ == "Twice." and [double(1), double(2)] == [2, 4]
    with pytest.raises(RateLimitExceeded) as caught:
        double(3)
    assert caught.value.decision.retry_after == 0.5 and "0.5" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.decision == caught.value.decision and str(again) == str(caught.value)


def test_limit_async(clock: HandClock) -> None:
    limiter = Limiter("2/s", clock=clock)
    ran = 0

    @limiter.limit(2)
    async def run() -> int:
        nonlocal ran
        ran += 1
        return ran

    async def main() -> None:
        assert await run() == 1
        with pytest.raises(RateLimitExceeded):
            await run()

    assert inspect.iscoroutinefunction(run)
    asyncio.run(main())
    assert ran == 1


def test_limit_that_waits(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    monkeypatch.setattr(time, "sleep", lambda seconds: setattr(clock, "now", clock.now + round(seconds * 1e9)))

    @limiter.limit(wait=True, timeout=0.1)
    def run() -> int:
        return clock.now

    assert [run(), run()] == [0, 100_000_000]
    limiter.reserve()
    with pytest.raises(RateLimitExceeded) as caught:
        run()
    assert caught.value.decision.retry_after == 0.2


def test_limit_by_key(clock: HandClock) -> None:
    limiter = KeyedLimiter("1/s", max_keys=10, clock=clock)

    @limiter.limit(key=lambda user, **_: user)
    def greet(user: str, *, loud: bool = False) -> str:
        return user.upper() if loud else user

    assert greet("ann", loud=True) == "ANN" and greet("bob") == "bob"
    with pytest.raises(RateLimitExceeded):
        greet("ann")


class Flaky:
    """Fails some times, then works."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "done"


def test_retry() -> None:
    slept: list[float] = []
    flaky = Flaky(3, ConnectionError())
    backoff = Backoff.exponential(0.5, max_retries=3)
    assert retry(backoff, on=ConnectionError, sleep=slept.append)(flaky)() == "done"
    assert slept == [0.5, 1.0, 2.0] and flaky.calls == 4


def test_retry_gives_up() -> None:
    slept: list[float] = []
    error = ConnectionError()
    with pytest.raises(ConnectionError) as caught:
        retry(Backoff.constant(1, max_retries=2), sleep=slept.append)(Flaky(9, error))()
    assert caught.value is error and slept == [1.0, 1.0]


def test_what_is_not_worth_it() -> None:
    for on in (KeyError, (KeyError, OSError), lambda error: False):
        flaky = Flaky(1, ValueError())
        with pytest.raises(ValueError):
            retry(Backoff.constant(0), on=on)(flaky)()
        assert flaky.calls == 1
    with pytest.raises(KeyboardInterrupt):

        @retry(Backoff.constant(0), on=BaseException)
        def stop() -> None:
            raise KeyboardInterrupt

        stop()
    with pytest.raises(TypeError):
        retry(ConnectionError)  # type: ignore[arg-type]


def test_what_a_limiter_says_is_a_floor(clock: HandClock) -> None:
    limiter = Limiter("1/s", clock=clock)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += round(seconds * 1e9)

    calls = retry(Backoff.constant(0.1, max_retries=3), sleep=sleep)(limiter.limit()(lambda: clock.now))
    assert [calls(), calls()] == [0, 10**9] and slept == [1.0]
    never = retry(Backoff.constant(0.1, max_retries=3), sleep=sleep)(limiter.limit(2)(lambda: clock.now))
    with pytest.raises(RateLimitExceeded):
        never()
    assert slept == [1.0]


def test_retry_async() -> None:
    slept: list[float] = []
    left = 2

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    @retry(Backoff.constant(1, max_retries=5), retry_after=lambda error: 7, sleep=sleep)
    async def run() -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError
        return "done"

    assert asyncio.run(run()) == "done" and slept == [7.0, 7.0]


def test_a_decorator_that_is_not_called_is_an_error_at_once() -> None:
    limiter, keyed = Limiter("5/s"), KeyedLimiter("5/s")
    n: Any
    for n, error in ((print, TypeError), (2.5, TypeError), ("1", TypeError), (-1, ValueError)):
        with pytest.raises(error):
            limiter.limit(n)
        with pytest.raises(error):
            keyed.limit(n, key=str)
    with pytest.raises(TypeError, match="called before"):
        limiter.limit(print)  # type: ignore[arg-type]

"""Waiting, with time in the test's hand: a sleep moves the clock, nothing here sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import tidegate
from hand_clock import HandClock
from tidegate import KeyedLimiter, Limiter, RateLimitExceeded


@pytest.fixture
def slept(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps so far; each moves the clock by what was asked."""
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        clock.now += round(seconds * 1e9)

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(asyncio, "sleep", sleep_async)
    return sleeps


def acquire(limiter: Limiter, *arguments: Any, **named: Any) -> bool:
    return limiter.acquire(*arguments, **named)


def acquire_async(limiter: Limiter, *arguments: Any, **named: Any) -> bool:
    return asyncio.run(limiter.acquire_async(*arguments, **named))


both = pytest.mark.parametrize("ask", [acquire, acquire_async])


@both
def test_one_sleep_and_no_more(ask: Callable[..., bool], clock: HandClock, slept: list[float]) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    assert ask(limiter) and slept == []
    assert ask(limiter) and slept == [0.1]
    assert ask(limiter, timeout=0.1) and slept == [0.1, 0.1] and clock.now == 200_000_000


@both
def test_refused_at_once(ask: Callable[..., bool], clock: HandClock, slept: list[float]) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    assert ask(limiter, 1, 0)
    before = limiter.peek()
    assert ask(limiter, 1, 0.0999) is False and ask(limiter, timeout=0) is False
    assert slept == [] and limiter.peek() == before


@both
def test_never(ask: Callable[..., bool], clock: HandClock, slept: list[float]) -> None:
    limiter = Limiter("10/s burst 2", clock=clock)
    for timeout in (None, 0, 1e9):
        with pytest.raises(ValueError, match="never"):
            ask(limiter, 3, timeout=timeout)
    assert limiter.peek().remaining == 2


@both
@pytest.mark.parametrize("timeout", [-1, -0.5, float("nan")])
def test_meaningless_timeouts(ask: Callable[..., bool], timeout: float, clock: HandClock) -> None:
    limiter = Limiter("1/s", clock=clock)
    with pytest.raises(ValueError):
        ask(limiter, timeout=timeout)
    with pytest.raises(TypeError):
        ask(limiter, timeout="soon")
    assert limiter.peek().remaining == 1


@both
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_whoever_leaves_charges_nothing(
    ask: Callable[..., bool], error: type[BaseException], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    assert limiter.try_acquire()
    before = limiter.peek()

    def leave(seconds: float) -> Awaitable[None]:
        raise error

    monkeypatch.setattr(time, "sleep", leave)
    monkeypatch.setattr(asyncio, "sleep", leave)
    with pytest.raises(error):
        ask(limiter)
    assert limiter.peek() == before


def test_a_cancelled_task_charges_nothing(clock: HandClock) -> None:
    limiter = Limiter("1/h burst 1", clock=clock)

    async def main() -> None:
        assert await limiter.acquire_async()
        before = limiter.peek()
        task = asyncio.create_task(limiter.acquire_async())
        await asyncio.sleep(0)
        assert limiter.peek() != before
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert limiter.peek() == before
        # Not even begun.
        task = asyncio.create_task(limiter.acquire_async())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert limiter.peek() == before

    asyncio.run(main())


def test_a_clock_that_lags_is_asked_again(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = Limiter("1/s burst 1", clock=clock)
    assert limiter.acquire()
    sleeps: list[float] = []

    def short(seconds: float) -> None:
        sleeps.append(seconds)
        clock.now += round(seconds * 1e9) // 2 + 1

    monkeypatch.setattr(time, "sleep", short)
    assert limiter.acquire()
    assert len(sleeps) > 2 and clock.now >= 10**9


def test_first_come_first_served(clock: HandClock) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    line = [limiter.reserve() for _ in range(4)]
    assert [place.at_ns for place in line] == [0, 100_000_000, 200_000_000, 300_000_000]
    assert [place.wait for place in line] == [0.0, 0.1, 0.2, 0.3]
    assert not limiter.try_acquire()
    clock.now = 250_000_000
    assert [place.wait_ns for place in line] == [0, 0, 0, 50_000_000]


def test_cancel_once(clock: HandClock) -> None:
    limiter = Limiter("1/s burst 1", clock=clock)
    limiter.take()
    before = limiter.peek()
    place = limiter.reserve(max_wait=5)
    assert place.cancel() is True and place.cancelled and place.cancel() is False
    assert limiter.peek() == before
    with pytest.raises(RateLimitExceeded) as caught:
        limiter.reserve(max_wait=0.5)
    assert caught.value.decision.retry_after == 1.0
    with pytest.raises(ValueError):
        limiter.reserve(2)
    with pytest.raises(TypeError):
        limiter.reserve(1, 1.0, max_wait_ns=5)
    assert limiter.peek() == before


def test_with(clock: HandClock, slept: list[float]) -> None:
    limiter = Limiter("10/s burst 1", clock=clock)
    with limiter as entered:
        assert entered is limiter
    with limiter:
        pass

    async def main() -> None:
        async with limiter:
            pass

    asyncio.run(main())
    assert slept == [0.1, 0.1]


def test_keyed(clock: HandClock, slept: list[float]) -> None:
    limiter = KeyedLimiter("10/s burst 1", max_keys=100, clock=clock)
    assert limiter.acquire("a") and limiter.acquire("b") and slept == []
    assert limiter.acquire("a", timeout=1) and slept == [0.1]
    assert asyncio.run(limiter.acquire_async("a")) and slept == [0.1, 0.1]
    assert limiter.acquire("a", timeout=0.01) is False
    place = limiter.reserve("a")
    assert place.wait_ns == 100_000_000 and place.cancel()


def test_threads_wait_in_line_and_lose_nothing() -> None:
    """Real threads on one limiter: as many get through as there are permits, and each permit once."""
    import threading

    limiter = Limiter("1000/h", "fixed-window", anchor="first-use")
    got: list[bool] = []

    def work() -> None:
        mine = [limiter.acquire(timeout=0) for _ in range(200)]
        got.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1600 and sum(got) == 1000
    assert tidegate.Limiter is Limiter

"""Several limits for each key: all or nothing for that key, one instant for whoever waits."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest
from hand_clock import HandClock

from tidegate import KeyedLimiter, KeyedLimiterGroup, Limiter, QuotaError, RateLimitExceeded


def test_all_or_nothing_for_each_key(clock: HandClock) -> None:
    group = KeyedLimiterGroup(second="2/s", hour="3/h", clock=clock)
    assert group.take("a").binding == "second" and group.try_acquire("a", 1)
    denied = group.take("a")
    assert not denied and denied.binding == "second" and denied.retry_after == 0.5
    assert {name: told.remaining for name, told in group.members("a").items()} == {"second": 0, "hour": 1}
    assert group.try_acquire("b", 2) and group.peek(b"a").remaining == 2
    clock.now = 10**9
    assert group.try_acquire("a") and group.take("a").binding == "hour" and group.take("a", 4).retry_after is None
    group.reset("a")
    assert group.peek("a", 2).allowed and not group.peek("b", 2).allowed and len(group) == 2


def test_limits_that_are_used_elsewhere_or_by_all(clock: HandClock) -> None:
    everybody, each = Limiter("3/h", clock=clock), KeyedLimiter("2/h", max_keys=9, clock=clock)
    group = KeyedLimiterGroup({"every body": everybody, "each": each}, more="9/h", max_keys=9, clock=clock)
    assert group.try_acquire("a", 2) and not group.try_acquire("a") and group.take("b", 2).binding == "every body"
    assert each.peek("a").remaining == 0 and each.peek("b").remaining == 2 and everybody.peek().remaining == 1
    group.reset("a")
    assert each.peek("a").remaining == 2 and everybody.peek().remaining == 1
    assert repr(group).startswith('KeyedLimiterGroup({"every body": "3/h", "each": "2/h", "more": "9/h"}, clock=')


def test_waiting(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    group = KeyedLimiterGroup(second="1/s", hour="3/h", clock=clock)
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        clock.now += round(seconds * 1e9)

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("asyncio.sleep", sleep_async)
    assert group.acquire("a") and group.acquire("a", timeout=1) and asyncio.run(group.acquire_async("a")) and sleeps == [1.0, 1.0]
    before = group.members("a")
    assert group.acquire("a", timeout=5) is False and group.members("a") == before
    with pytest.raises(RateLimitExceeded):
        group.reserve("a", max_wait=5)
    with pytest.raises(ValueError, match="never"):
        group.acquire("a", 2)
    place = group.reserve("a")
    assert group.members("a") != before and place.cancel() and not place.cancel() and group.members("a") == before

    @group.limit(key=lambda user: user)
    def send(user: str) -> str:
        return user

    assert send("b") == "b"
    with pytest.raises(RateLimitExceeded) as caught:
        send("b")
    assert caught.value.decision.binding == "second"


def test_a_cancelled_task_charges_nothing(clock: HandClock) -> None:
    group = KeyedLimiterGroup(hour="1/h", day="9/day", clock=clock)

    async def main() -> None:
        assert await group.acquire_async("a")
        before = group.members("a")
        task = asyncio.create_task(group.acquire_async("a"))
        await asyncio.sleep(0)
        assert group.members("a") != before
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert group.members("a") == before

    asyncio.run(main())


def test_threads_on_one_key_never_exceed_it() -> None:
    group = KeyedLimiterGroup(hour="1000/h", day="1001/day", max_keys=100)
    granted: list[int] = []

    def work() -> None:
        granted.append(sum(group.try_acquire("k") for _ in range(250)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # An hour's permit comes back each 3.6 seconds.
    assert len(granted) == 8 and 1000 <= sum(granted) <= 1001


def test_what_is_no_group(clock: HandClock) -> None:
    with pytest.raises(ValueError, match="group"):
        KeyedLimiterGroup()
    with pytest.raises(ValueError, match="clock"):
        KeyedLimiterGroup(a="1/s", b=KeyedLimiter("1/s", clock=clock))
    with pytest.raises(QuotaError):
        KeyedLimiterGroup(a="1/parsec")
    for wrong in (["1/s"], b"1/s", 7):
        with pytest.raises(TypeError, match="mapping"):
            KeyedLimiterGroup(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        KeyedLimiterGroup(a=7)  # type: ignore[arg-type]
    group = KeyedLimiterGroup(a="2/s", clock=clock)
    for key in (None, 1.5, ("a",)):
        with pytest.raises(TypeError, match="key"):
            group.take(key)  # type: ignore[arg-type]
    cost: Any
    for cost in (-1, 1.5, True):
        with pytest.raises((ValueError, TypeError)):
            group.take("a", cost)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(group)
    assert group.peek("a").remaining == 2

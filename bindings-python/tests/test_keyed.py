"""Keys: which are one and which are two, the table's bounds, threads, and what is refused."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest

from hand_clock import HandClock
from tidegate import KeyedLimiter, QuotaError


class Name(str):
    """A str of another class."""

    __slots__ = ()


def test_keys_apart(clock: HandClock) -> None:
    limiter = KeyedLimiter("1/h", max_keys=100, clock=clock)
    keys: list[Any] = ["", "1", b"1", 1, -1, 2**200, b"", "\ud800", "\udfff", b"\xff", b"\xfe1", "é", "e\u0301", "x" * 1_000_000]
    assert [limiter.try_acquire(key) for key in keys] == [True] * len(keys)
    assert [limiter.try_acquire(key) for key in keys] == [False] * len(keys)
    assert len(limiter) == len(keys)


def test_keys_alike(clock: HandClock) -> None:
    limiter = KeyedLimiter("1/h", max_keys=100, clock=clock)
    assert limiter.try_acquire("ann") and not limiter.try_acquire(Name("ann"))
    assert limiter.try_acquire(1) and not limiter.try_acquire(True)


@pytest.mark.parametrize("key", [None, 1.0, ("a",), ["a"], object(), bytearray(b"a"), memoryview(b"a")])
def test_no_keys(key: Any, clock: HandClock) -> None:
    limiter = KeyedLimiter("1/h", max_keys=100, clock=clock)
    for verb in (limiter.try_acquire, limiter.take, limiter.peek, limiter.reset, limiter.reserve, limiter.acquire):
        with pytest.raises(TypeError, match="a key is a str, bytes or int"):
            verb(key)
    with pytest.raises(TypeError):
        limiter.take_many(["a", key])
    assert len(limiter) == 0


@pytest.mark.parametrize("n", [-1, 1.0, float("nan"), "1", None])
def test_meaningless_costs(n: Any, clock: HandClock) -> None:
    limiter = KeyedLimiter("5/h", max_keys=10, clock=clock)
    for verb in (limiter.try_acquire, limiter.take, limiter.peek, limiter.refund, limiter.charge, limiter.reserve):
        with pytest.raises((TypeError, ValueError)):
            verb("a", n)
    assert len(limiter) == 0 and limiter.peek("a").remaining == 5


def test_verbs(clock: HandClock) -> None:
    limiter = KeyedLimiter("5/s", max_keys=10, clock=clock)
    assert limiter.take("a", 5).remaining == 0 and not limiter.take("a")
    assert limiter.take("a", 2**70).retry_after is None
    limiter.refund("a", 3)
    assert limiter.peek("a").remaining == 3 and limiter.peek("b").remaining == 5
    assert limiter.charge("a", 5).retry_after_ns == 400_000_000
    assert limiter.reset("a") is True and limiter.reset("a") is False and limiter.peek("a").remaining == 5
    assert [decision.remaining for decision in limiter.take_many(["a", "b", "a"], 2)] == [3, 3, 1]
    limiter.clear()
    assert len(limiter) == 0 and limiter and limiter.max_keys == 10 and limiter.evictions == 0
    assert limiter.quota.limit == 5 and limiter.algorithm == "gcra"


def test_bounded(clock: HandClock) -> None:
    limiter = KeyedLimiter("1/d", max_keys=1000, clock=clock)
    assert all(limiter.try_acquire(key) for key in range(5000))
    assert len(limiter) <= 1000 and limiter.evictions >= 4000
    assert limiter.memory < 1000 * 32 + 10_000
    refusing = KeyedLimiter("1/d", max_keys=100, when_full="refuse", clock=clock)
    assert sum(refusing.try_acquire(key) for key in range(500)) <= 100
    with pytest.raises(Exception, match="no slot"):
        for key in range(500):
            refusing.reserve(key)


def test_refused() -> None:
    for keys in (0, -1, 2**63, 2**64):
        with pytest.raises(ValueError):
            KeyedLimiter("1/s", max_keys=keys)
    with pytest.raises(ValueError, match="when_full"):
        KeyedLimiter("1/s", when_full="panic")  # type: ignore[arg-type]
    with pytest.raises(QuotaError):
        KeyedLimiter("1/s", "sliding-log")
    limiter = KeyedLimiter("1/s", max_keys=10)
    for attempt in (lambda: pickle.dumps(limiter), lambda: copy.copy(limiter)):
        with pytest.raises(TypeError):
            attempt()


def test_repr() -> None:
    assert repr(KeyedLimiter("1/s", max_keys=10)) == 'KeyedLimiter("1/s", "gcra", max_keys=10)'
    text = 'KeyedLimiter("5/min", "fixed-window", max_keys=7, when_full="refuse")'
    assert repr(eval(text)) == text


def test_eight_threads_on_one_key() -> None:
    limiter = KeyedLimiter("10_000/d".replace("_", ""), "fixed-window", max_keys=100)
    counts: list[int] = []

    def work() -> None:
        counts.append(sum(limiter.try_acquire("one") for _ in range(5_000)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 8 and sum(counts) == 10_000

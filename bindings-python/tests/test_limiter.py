"""`Limiter`: verbs, the clock, threads."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import tidegate

if TYPE_CHECKING:
    from hand_clock import HandClock

SECOND = 1_000_000_000
YEAR_2020 = 1_577_836_800 * SECOND


def verbs(limiter: tidegate.Limiter) -> list[Callable[[int], object]]:
    """All that reads the clock."""
    return [limiter.try_acquire, limiter.take, limiter.peek, limiter.refund, limiter.charge]


def test_verbs(clock: HandClock) -> None:
    limiter = tidegate.Limiter("10/s burst 4", clock=clock)
    assert limiter.try_acquire() is True
    assert limiter.try_acquire(3) is True
    assert limiter.try_acquire() is False
    assert limiter.peek() == tidegate.Decision(False, 4, 0, 100_000_000, 400_000_000)
    assert limiter.take() == limiter.peek()
    limiter.refund(2)
    assert limiter.peek().remaining == 2
    assert limiter.take(2).remaining == 0
    owed = limiter.charge(3)
    assert owed and owed.retry_after == 0.3
    assert not limiter.charge(2)
    limiter.reset()
    assert limiter.peek(4).reset_after_ns == 0


def test_a_cost_of_zero_passes_even_in_debt(clock: HandClock) -> None:
    limiter = tidegate.Limiter("1/s", clock=clock)
    limiter.charge(2)
    assert limiter.try_acquire(0) is True
    assert limiter.take(0).retry_after == 0.0


@pytest.mark.parametrize("n", [6, 2**63, 2**64 - 1, 2**64, 10**40])
def test_a_cost_above_the_capacity_is_never(clock: HandClock, n: int) -> None:
    limiter = tidegate.Limiter("5/s", clock=clock)
    assert limiter.try_acquire(n) is False
    assert limiter.take(n).retry_after is None
    assert limiter.peek(n).retry_after_ns is None
    assert limiter.take(5)
    limiter.refund(n)
    assert limiter.peek().remaining == 5


def test_without_a_clock_time_is_unix_time() -> None:
    # An offset from the multiples of 100 years: that window ends after 2069 only if the clock began in 1970.
    limiter = tidegate.Limiter(tidegate.Quota.make(1, 36_500 * 86_400 * SECOND), "fixed-window")
    decision = limiter.take()
    assert decision
    assert 0 < decision.reset_after_ns < 36_500 * 86_400 * SECOND - YEAR_2020
    assert not limiter.take()


def test_the_clock_is_read_once_to_make_it_and_once_a_verb(clock: HandClock) -> None:
    limiter = tidegate.Limiter("5/s", clock=clock)
    assert clock.readings == 1
    for n, verb in enumerate(verbs(limiter)):
        verb(1)
        assert clock.readings == 2 + n


def test_an_initial_fill_counts_from_the_time_at_which_it_was_made(clock: HandClock) -> None:
    clock.now = YEAR_2020
    limiter = tidegate.Limiter("1/s burst 5", "token-bucket", initial=0, clock=clock)
    assert not limiter.try_acquire()
    clock.now += 2 * SECOND
    assert limiter.peek().remaining == 2


def test_a_clock_that_raises_changes_nothing(clock: HandClock) -> None:
    class Broken(Exception):
        pass

    ticking = True

    def sometimes() -> int:
        if not ticking:
            raise Broken("stopped")
        return clock()

    limiter = tidegate.Limiter("5/s", clock=sometimes)
    assert limiter.take(2)
    ticking = False
    for verb in verbs(limiter):
        with pytest.raises(Broken, match="stopped"):
            verb(1)
    with pytest.raises(Broken):
        tidegate.Limiter("5/s", clock=sometimes)
    ticking = True
    assert limiter.peek().remaining == 3


@pytest.mark.parametrize(
    ("time", "error"),
    [(-1, ValueError), (2**64, ValueError), (-(10**40), ValueError), (1.5, TypeError), (True, TypeError), (None, TypeError)],
)
def test_a_clock_that_shows_no_time_is_an_error(clock: HandClock, time: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="the clock must return"):
        tidegate.Limiter("5/s", clock=lambda: time)
    limiter = tidegate.Limiter("5/s", clock=clock)
    limiter.take(2)
    clock.now = time
    for verb in verbs(limiter):
        with pytest.raises(error, match="the clock must return"):
            verb(1)
    clock.now = 0
    assert limiter.peek().remaining == 3


def test_a_clock_may_start_huge_stand_still_jump_and_run_backwards(clock: HandClock) -> None:
    clock.now = 2**64 - 1
    limiter = tidegate.Limiter("2/s", clock=clock)
    assert limiter.take(2)
    # Time stands still at the end of the clock: nothing comes back there, and nothing is minted by going back.
    assert limiter.take().retry_after is None
    clock.now = 0
    assert not limiter.try_acquire()


@pytest.mark.parametrize("clock", [5, "now", 1.5, object()])
def test_a_clock_must_be_callable(clock: Any) -> None:
    with pytest.raises(TypeError, match="a clock is a callable"):
        tidegate.Limiter("5/s", clock=clock)


@pytest.mark.parametrize(
    ("anchor", "text"),
    [
        (None, "3/s"),
        ("clock", "3/s"),
        ("first-use", "3/s from first use"),
        (2, "3/s offset 2s"),
        (0.25, "3/s offset 250ms"),
        (1e-9, "3/s offset 1ns"),
        (timedelta(microseconds=7), "3/s offset 7us"),
    ],
)
def test_anchor(anchor: Any, text: str) -> None:
    limiter = tidegate.Limiter("3/s", "fixed-window", anchor=anchor)
    assert limiter.quota == tidegate.Quota(text)


def test_the_anchor_of_the_quota_stays_unless_another_is_given() -> None:
    quota = tidegate.Quota("3/s from first use")
    assert tidegate.Limiter(quota, "fixed-window").quota.anchor == "first-use"
    assert tidegate.Limiter(quota, "fixed-window", anchor="clock").quota.anchor == "clock"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"algorithm": "leaky"}, ValueError),
        ({"algorithm": ""}, ValueError),
        ({"algorithm": "gcra\ud800"}, ValueError),
        ({"algorithm": 1}, TypeError),
        ({"algorithm": b"gcra"}, TypeError),
        ({"algorithm": None}, TypeError),
        ({"refill": "never"}, ValueError),
        ({"refill": 1}, TypeError),
        ({"refill": "interval"}, tidegate.QuotaError),
        ({"initial": 1}, tidegate.QuotaError),
        ({"algorithm": "token-bucket", "initial": 6}, tidegate.QuotaError),
        ({"algorithm": "token-bucket", "initial": 2**70}, tidegate.QuotaError),
        ({"algorithm": "token-bucket", "initial": -1}, ValueError),
        ({"algorithm": "token-bucket", "initial": 1.0}, TypeError),
        ({"algorithm": "token-bucket", "initial": True}, TypeError),
        ({"anchor": "first-use"}, tidegate.QuotaError),
        ({"anchor": "noon"}, ValueError),
        ({"anchor": b"clock"}, TypeError),
        ({"anchor": True}, TypeError),
        ({"anchor": []}, TypeError),
        ({"anchor": -1}, ValueError),
        ({"anchor": -0.5}, ValueError),
        ({"anchor": timedelta(microseconds=-1)}, ValueError),
        ({"anchor": float("nan")}, ValueError),
        ({"anchor": float("inf")}, ValueError),
        ({"anchor": 2**64}, ValueError),
        ({"anchor": 1e300}, ValueError),
        ({"anchor": timedelta.max}, ValueError),
        ({"window": 1}, TypeError),
    ],
)
def test_options_that_mean_nothing(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        tidegate.Limiter("5/s", **options)
    assert isinstance(caught.value, tidegate.QuotaError) == (error is tidegate.QuotaError)


@pytest.mark.parametrize("quota", [None, 5, 5.0, b"5/s", ["5/s"], True])
def test_a_quota_is_text_or_a_quota(quota: Any) -> None:
    with pytest.raises(TypeError, match="a quota is a str or a Quota"):
        tidegate.Limiter(quota)


class Index:
    """A whole number that is no int, as NumPy's are."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value

    def __lt__(self, other: int) -> bool:
        return self.value < other


class Int(int):
    """An int that says that it is more than it is."""


@pytest.mark.parametrize("verb", ["try_acquire", "take", "peek", "refund", "charge"])
def test_permits_are_whole_numbers(clock: HandClock, verb: str) -> None:
    limiter = tidegate.Limiter("5/s", clock=clock)
    assert limiter.take(2)
    call: Any = getattr(limiter, verb)
    for n in (-1, -(2**63), -(2**64), -(10**40), Index(-1), Int(-1)):
        with pytest.raises(ValueError, match="permits must be at least 0"):
            call(n)
    for wrong in (1.0, 1.5, float("nan"), float("inf"), True, False, "1", b"1", None, [1], 1j, object()):
        with pytest.raises(TypeError):
            call(wrong)
    with pytest.raises(TypeError):
        call(1, 2)
    with pytest.raises(TypeError):
        call(permits=1)
    assert limiter.peek().remaining == 3
    for right in (1, Index(1), Int(1)):
        call(right)
    limiter.reset()
    call(n=1)


def test_a_number_whose_index_raises(clock: HandClock) -> None:
    class Broken:
        def __index__(self) -> int:
            raise KeyError("no index")

    with pytest.raises(KeyError, match="no index"):
        tidegate.Limiter("5/s", clock=clock).take(Broken())


def test_repr_types_back() -> None:
    for text in [
        'Limiter("300/min burst 50", "gcra")',
        'Limiter("5/s", "token-bucket", refill="interval", initial=2)',
        'Limiter("5/s offset 3us", "sliding-window")',
        f'Limiter("5/s offset {2**64 - 1}ns", "fixed-window")',
    ]:
        assert repr(eval(text, {"Limiter": tidegate.Limiter, "Quota": tidegate.Quota})) == text


def test_repr_shows_the_clock(clock: HandClock) -> None:
    assert f"clock={clock!r}" in repr(tidegate.Limiter("5/s", clock=clock))


def test_a_live_limiter_is_not_pickled_or_copied() -> None:
    limiter = tidegate.Limiter("5/s")
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="its permits belong to this process"):
            attempt(limiter)


def test_a_limiter_may_be_subclassed(clock: HandClock) -> None:
    class Gate(tidegate.Limiter):
        def twice(self) -> bool:
            return self.try_acquire(2)

    gate = Gate("3/s", clock=clock)
    assert gate.twice() and not gate.twice()
    assert repr(gate).startswith('Gate("3/s", "gcra"')


def test_a_limiter_is_frozen() -> None:
    limiter: Any = tidegate.Limiter("5/s")
    for name in ("quota", "algorithm", "anything"):
        with pytest.raises(AttributeError):
            setattr(limiter, name, 1)


def test_a_clock_that_holds_its_limiter_is_collected() -> None:
    class Service:
        def __init__(self) -> None:
            self.limiter = tidegate.Limiter("5/s", clock=self.now)

        def now(self) -> int:
            return 0

    service = Service()
    gone = weakref.ref(service)
    del service
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"])
def test_threads_share_a_limiter_to_the_last_permit(clock: HandClock, algorithm: Any) -> None:
    limit, threads, calls = 5_000, 8, 1_000
    limiter = tidegate.Limiter(f"{limit}/h", algorithm, clock=clock)
    start = threading.Barrier(threads)
    granted = [0] * threads

    def work(n: int) -> None:
        start.wait()
        granted[n] = sum(limiter.try_acquire() for _ in range(calls))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    assert sum(granted) == limit

"""What users of other packages count on, where the semantics are the same, through `peer_adapter`; in time that the tests own.

Where they differ, here: a denied call spends nothing; waits are rounded up; a cost of 0 passes; one above the capacity is denied with "never".
"""

from __future__ import annotations

import pytest
from hand_clock import HandClock
from peer_adapter import Strategy, limit, rate, waiting

from tidegate import KeyedLimiter, Quota

SECOND = 1_000_000_000
STRATEGIES = ["fixed-window", "sliding-window"]


def strategy_of(quota: str, algorithm: str, clock: HandClock) -> Strategy:
    """As limits counts: a fixed window opens at the first hit."""
    anchor = "first-use" if algorithm == "fixed-window" else None
    return Strategy(quota, algorithm, anchor=anchor, clock=clock)  # type: ignore[arg-type]


def pyrate(quota: Quota, clock: HandClock, algorithm: str = "gcra") -> KeyedLimiter:
    return KeyedLimiter(quota, algorithm, clock=clock)  # type: ignore[arg-type]


# limits: what its strategies promise.


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_counts_to_the_limit_and_again_after_the_window(clock: HandClock, algorithm: str) -> None:
    strategy = strategy_of("10/min", algorithm, clock)
    assert all(strategy.hit("user", "7") for _ in range(10)) and not strategy.hit("user", "7")
    assert strategy.get_window_stats("user", "7")[1] == 0
    clock.now += 120 * SECOND
    assert all(strategy.hit("user", "7") for _ in range(10)) and not strategy.hit("user", "7")


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_costs(clock: HandClock, algorithm: str) -> None:
    strategy = strategy_of("10/min", algorithm, clock)
    assert not strategy.hit("k", cost=11) and strategy.hit("k", cost=5)
    assert strategy.get_window_stats("k")[1] == 5
    assert not strategy.test("k", cost=6) and not strategy.hit("k", cost=6)
    assert strategy.test("k", cost=5) and strategy.hit("k", cost=5) and not strategy.hit("k")


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_test_does_not_spend_and_clear_forgets(clock: HandClock, algorithm: str) -> None:
    strategy = strategy_of("2/min", algorithm, clock)
    for _ in range(5):
        assert strategy.test("k")
    assert strategy.hit("k") and strategy.hit("k") and not strategy.test("k")
    strategy.forget("k")
    assert strategy.get_window_stats("k")[1] == 2 and strategy.hit("k")


def resets(strategy: Strategy) -> tuple[float, int]:
    """To the microsecond: the first use is kept to some nanoseconds."""
    reset, remaining = strategy.get_window_stats("k")
    return round(reset, 6), remaining


def test_limits_a_window_opens_at_the_first_hit(clock: HandClock) -> None:
    clock.now = 55 * SECOND
    strategy = strategy_of("2/min", "fixed-window", clock)
    assert strategy.hit("k") and resets(strategy) == (60.0, 1)
    clock.now += 30 * SECOND
    assert strategy.hit("k") and not strategy.hit("k") and resets(strategy) == (30.0, 0)
    clock.now += 30 * SECOND
    assert strategy.hit("k")


def test_limits_the_last_window_is_weighed(clock: HandClock) -> None:
    strategy = strategy_of("10/10s", "sliding-window", clock)
    clock.now = 9 * SECOND
    assert strategy.hit("k", cost=10)
    # Half of the last window still counts.
    clock.now = 15 * SECOND
    assert not strategy.hit("k", cost=6) and strategy.hit("k", cost=5) and not strategy.hit("k")


# PyrateLimiter: GCRA and token bucket.


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
def test_pyrate_a_burst_and_then_the_rate(clock: HandClock, algorithm: str) -> None:
    limiter = pyrate(rate(5, 1000), clock, algorithm)
    assert [limiter.try_acquire("k") for _ in range(7)] == [True] * 5 + [False] * 2
    assert waiting(limiter, "k") == 200
    clock.now += SECOND // 5
    assert limiter.try_acquire("k") and not limiter.try_acquire("k")
    clock.now += 10 * SECOND
    assert [limiter.try_acquire("k") for _ in range(7)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
def test_pyrate_weights(clock: HandClock, algorithm: str) -> None:
    limiter = pyrate(rate(10, 1000), clock, algorithm)
    assert limiter.try_acquire("a", 7) and not limiter.try_acquire("a", 4) and limiter.try_acquire("a", 3)
    assert waiting(limiter, "a", 10) == 1000 and waiting(limiter, "a", 11) == -1 and waiting(limiter, "a", 0) == 0
    assert limiter.try_acquire("b", 10)


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
# 6.993 seconds until the last call, ten a second. Who asks every 7 ms and has no burst to save up in gets one each 105 ms.
@pytest.mark.parametrize("burst, most", [(1, 67), (3, 3 + 69), (20, 20 + 69)])
def test_pyrate_the_rate_holds_in_the_long_run(clock: HandClock, algorithm: str, burst: int, most: int) -> None:
    limiter = pyrate(rate(10, 1000, burst), clock, algorithm)
    granted = 0
    for _ in range(1000):
        granted += limiter.try_acquire("k")
        clock.now += 7_000_000
    assert granted == most


def test_pyrate_time_that_stands_still_or_runs_back_mints_nothing(clock: HandClock) -> None:
    clock.now = 100 * SECOND
    limiter = pyrate(rate(2, 1000), clock)
    assert limiter.try_acquire("k") and limiter.try_acquire("k")
    for step in (0, -50 * SECOND, 49 * SECOND, SECOND):
        clock.now += step
        assert not limiter.try_acquire("k")
    clock.now += SECOND // 2
    assert limiter.try_acquire("k")


# throttled-py: its tables of states, a row a call: advance (s), cost, limited, remaining, retry after, reset after.

Row = tuple[float, int, bool, int, float | None, float | None]
# A bucket of ten that fills at one a second.
BUCKET: list[Row] = [
    (0, 0, False, 10, 0, 0),
    (0, 1, False, 9, 0, 1),
    (0, 10, True, 9, 1, 1),
    (1, 5, False, 5, 0, 5),
    (0, 8, True, 5, 3, 5),
    (0, 5, False, 0, 0, 10),
    (0, 1, True, 0, 1, 10),
    (0, 0, False, 0, 0, 10),
]
# A window of five: what is denied is not counted, so a call that costs nothing passes after it.
WINDOW: list[Row] = [(0, 0, False, 5, 0, None), (0, 1, False, 4, 0, None), (0, 4, False, 0, 0, None), (0, 4, True, 0, None, None), (0, 0, False, 0, 0, None)]

TABLES: dict[str, tuple[str, str, list[Row]]] = {
    "fixed_window": ("fixed_window", "5/min", [(0, 1, False, 4, 0, 60), (0, 4, False, 0, 0, 60), (30, 1, True, 0, 30, 30), (30, 1, False, 4, 0, 60)]),
    "fixed_window, costs": ("fixed_window", "5/min", WINDOW),
    "token_bucket": ("token_bucket", "10/s burst 10", [(0, 10, False, 0, 0, 1), (0, 1, True, 0, 0.1, 1), (0.5, 5, False, 0, 0, 1), (0.25, 1, False, 1, 0, 0.85)]),
    "token_bucket, costs": ("token_bucket", "60/min burst 10", BUCKET),
    "gcra": ("gcra", "10/s burst 10", [(0, 0, False, 10, 0, 0), (0, 9, False, 1, 0, 0.9), (0, 2, True, 1, 0.1, 0.9), (0, 11, True, 1, None, 0.9), (0.9, 10, False, 0, 0, 1)]),
    "gcra, costs": ("gcra", "60/min burst 10", BUCKET),
    "sliding_window": ("sliding_window", "4/10s", [(0, 4, False, 0, 0, 20), (5, 1, True, 0, 7.5, 15), (7.5, 1, False, 0, 0, None)]),
    "sliding_window, costs": ("sliding_window", "5/min", WINDOW),
}


@pytest.mark.parametrize("table", TABLES)
def test_throttled_states(clock: HandClock, table: str) -> None:
    using, quota, rows = TABLES[table]
    throttle = KeyedLimiter(quota, using.replace("_", "-"), clock=clock)  # type: ignore[arg-type]
    for advance, cost, must, remaining, retry_after, reset_after in rows:
        clock.now += round(advance * SECOND)
        limited, state = limit(throttle, "key", cost)
        assert (limited, state.remaining) == (must, remaining)
        assert state.retry_after == retry_after or rows is WINDOW
        assert reset_after is None or state.reset_after == reset_after
        assert throttle.peek("key").remaining == remaining


def test_throttled_other_keys_never_free_a_limited_one(clock: HandClock) -> None:
    throttle = KeyedLimiter("1/h", "token-bucket", clock=clock)
    assert not limit(throttle, "limited")[0]
    for number in range(2000):
        limit(throttle, f"other{number}")
    assert limit(throttle, "limited")[0]

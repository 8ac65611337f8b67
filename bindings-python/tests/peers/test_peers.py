"""What users of other packages count on, where the semantics are the same, through `peer_adapter`; in time that the tests own.

Where they differ, here: a denied call spends nothing; waits are rounded up; a cost of 0 passes; one above the capacity is denied with "never".
"""

from __future__ import annotations

import pytest
from hand_clock import HandClock
from peer_adapter import Pyrate, Strategy, Throttled

SECOND = 1_000_000_000
STRATEGIES = ["fixed-window", "sliding-window"]


# limits: what its strategies promise.


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_counts_to_the_limit_and_again_after_the_window(clock: HandClock, algorithm: str) -> None:
    strategy = Strategy("10/min", algorithm, clock)
    assert all(strategy.hit("user", "7") for _ in range(10)) and not strategy.hit("user", "7")
    assert strategy.get_window_stats("user", "7")[1] == 0
    clock.now += 120 * SECOND
    assert all(strategy.hit("user", "7") for _ in range(10)) and not strategy.hit("user", "7")


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_costs(clock: HandClock, algorithm: str) -> None:
    strategy = Strategy("10/min", algorithm, clock)
    assert not strategy.hit("k", cost=11) and strategy.hit("k", cost=5)
    assert strategy.get_window_stats("k")[1] == 5
    assert not strategy.test("k", cost=6) and not strategy.hit("k", cost=6)
    assert strategy.test("k", cost=5) and strategy.hit("k", cost=5) and not strategy.hit("k")


@pytest.mark.parametrize("algorithm", STRATEGIES)
def test_limits_test_does_not_spend_and_clear_forgets(clock: HandClock, algorithm: str) -> None:
    strategy = Strategy("2/min", algorithm, clock)
    for _ in range(5):
        assert strategy.test("k")
    assert strategy.hit("k") and strategy.hit("k") and not strategy.test("k")
    strategy.clear("k")
    assert strategy.get_window_stats("k")[1] == 2 and strategy.hit("k")


def resets(strategy: Strategy) -> tuple[float, int]:
    """To the microsecond: the first use is kept to some nanoseconds."""
    reset, remaining = strategy.get_window_stats("k")
    return round(reset, 6), remaining


def test_limits_a_window_opens_at_the_first_hit(clock: HandClock) -> None:
    clock.now = 55 * SECOND
    strategy = Strategy("2/min", "fixed-window", clock)
    assert strategy.hit("k") and resets(strategy) == (60.0, 1)
    clock.now += 30 * SECOND
    assert strategy.hit("k") and not strategy.hit("k") and resets(strategy) == (30.0, 0)
    clock.now += 30 * SECOND
    assert strategy.hit("k")


def test_limits_the_last_window_is_weighed(clock: HandClock) -> None:
    strategy = Strategy("10/10s", "sliding-window", clock)
    clock.now = 9 * SECOND
    assert strategy.hit("k", cost=10)
    # Half of the last window still counts.
    clock.now = 15 * SECOND
    assert not strategy.hit("k", cost=6) and strategy.hit("k", cost=5) and not strategy.hit("k")


# PyrateLimiter: GCRA and token bucket.


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
def test_pyrate_a_burst_and_then_the_rate(clock: HandClock, algorithm: str) -> None:
    limiter = Pyrate(5, 1000, clock, algorithm)
    assert [limiter.try_acquire() for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.waiting() == 200
    clock.now += SECOND // 5
    assert limiter.try_acquire() and not limiter.try_acquire()
    clock.now += 10 * SECOND
    assert [limiter.try_acquire() for _ in range(7)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
def test_pyrate_weights(clock: HandClock, algorithm: str) -> None:
    limiter = Pyrate(10, 1000, clock, algorithm)
    assert limiter.try_acquire("a", 7) and not limiter.try_acquire("a", 4) and limiter.try_acquire("a", 3)
    assert limiter.waiting("a", 10) == 1000 and limiter.waiting("a", 11) == -1 and limiter.waiting("a", 0) == 0
    assert limiter.try_acquire("b", 10)


@pytest.mark.parametrize("algorithm", ["gcra", "token-bucket"])
# 6.993 seconds until the last call, ten a second. Who asks every 7 ms and has no burst to save up in gets one each 105 ms.
@pytest.mark.parametrize("burst, most", [(1, 67), (3, 3 + 69), (20, 20 + 69)])
def test_pyrate_the_rate_holds_in_the_long_run(clock: HandClock, algorithm: str, burst: int, most: int) -> None:
    limiter = Pyrate(10, 1000, clock, algorithm, burst)
    granted = 0
    for _ in range(1000):
        granted += limiter.try_acquire()
        clock.now += 7_000_000
    assert granted == most


def test_pyrate_time_that_stands_still_or_runs_back_mints_nothing(clock: HandClock) -> None:
    clock.now = 100 * SECOND
    limiter = Pyrate(2, 1000, clock)
    assert limiter.try_acquire() and limiter.try_acquire()
    for step in (0, -50 * SECOND, 49 * SECOND, SECOND):
        clock.now += step
        assert not limiter.try_acquire()
    clock.now += SECOND // 2
    assert limiter.try_acquire()


# throttled-py: its tables of states, a row a call: advance (s), cost, limited, remaining, retry after, reset after.

TABLES: dict[str, tuple[str, list[tuple[float, int, bool, int, float | None, float | None]]]] = {
    "fixed_window": ("5/min", [(0, 1, False, 4, 0, 60), (0, 4, False, 0, 0, 60), (30, 1, True, 0, 30, 30), (30, 1, False, 4, 0, 60)]),
    "token_bucket": ("10/s burst 10", [(0, 10, False, 0, 0, 1), (0, 1, True, 0, 0.1, 1), (0.5, 5, False, 0, 0, 1), (0.25, 1, False, 1, 0, 0.85)]),
    "gcra": ("10/s burst 10", [(0, 0, False, 10, 0, 0), (0, 9, False, 1, 0, 0.9), (0, 2, True, 1, 0.1, 0.9), (0, 11, True, 1, None, 0.9), (0.9, 10, False, 0, 0, 1)]),
    "sliding_window": ("4/10s", [(0, 4, False, 0, 0, 20), (5, 1, True, 0, 7.5, 15), (7.5, 1, False, 0, 0, None)]),
}


@pytest.mark.parametrize("using", TABLES)
def test_throttled_states(clock: HandClock, using: str) -> None:
    quota, rows = TABLES[using]
    throttle = Throttled(using, quota, clock)
    for advance, cost, limited, remaining, retry_after, reset_after in rows:
        clock.now += round(advance * SECOND)
        result = throttle.limit("key", cost)
        state = result.state
        assert (result.limited, state.remaining, state.retry_after) == (limited, remaining, retry_after)
        assert reset_after is None or state.reset_after == reset_after
        assert throttle.peek("key").remaining == remaining


def test_throttled_other_keys_never_free_a_limited_one(clock: HandClock) -> None:
    throttle = Throttled("token_bucket", "1/h", clock)
    assert not throttle.limit("limited").limited
    for number in range(2000):
        throttle.limit(f"other{number}")
    assert throttle.limit("limited").limited

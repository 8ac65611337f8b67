"""The storage for `limits`: its strategies, flask-limiter and slowapi count in tidegate."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import fastapi
import fastapi.testclient
import flask
import flask_limiter
import limits
import limits.storage
import limits.strategies
import pytest
import slowapi
import slowapi.errors

import tidegate.limits

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STRATEGIES = [
    limits.strategies.FixedWindowRateLimiter,
    limits.strategies.MovingWindowRateLimiter,
    limits.strategies.SlidingWindowCounterRateLimiter,
]


def storage(uri: str = "tidegate://") -> Any:
    return limits.storage.storage_from_string(uri)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_counts(strategy: Any) -> None:
    limiter, item = strategy(storage()), limits.parse("10/hour")
    assert limiter.test(item, "a") and limiter.get_window_stats(item, "a").remaining == 10
    assert [limiter.hit(item, "a") for _ in range(12)] == [True] * 10 + [False] * 2
    assert not limiter.test(item, "a") and limiter.test(item, "b")
    stats = limiter.get_window_stats(item, "a")
    assert stats.remaining == 0 and time.time() < stats.reset_time <= time.time() + 3601
    assert limiter.hit(item, "b", cost=4) and limiter.get_window_stats(item, "b").remaining == 6
    limiter.clear(item, "a")
    assert limiter.hit(item, "a")
    # Another limit on the same identifiers is another count.
    assert limiter.hit(limits.parse("5/hour"), "a")
    assert limiter.storage.reset() >= 3 and limiter.get_window_stats(item, "b").remaining == 10


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_denied_hit_spends_nothing(strategy: Any) -> None:
    limiter, item = strategy(storage()), limits.parse("10/hour")
    assert limiter.hit(item, "a", cost=6)
    assert not limiter.hit(item, "a", cost=5) and not limiter.hit(item, "a", cost=11)
    assert limiter.hit(item, "a", cost=4)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_threads_never_exceed_it(strategy: Any) -> None:
    limiter, item, granted = strategy(storage()), limits.parse("1000/hour"), []

    def work() -> None:
        granted.append(sum(limiter.hit(item, "a") for _ in range(250)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 8 and sum(granted) == 1000


def test_a_storage_used_by_itself() -> None:
    counts = storage("tidegate://?max_keys=100")
    assert isinstance(counts, tidegate.limits.TidegateStorage) and counts.check()
    assert [counts.incr("key", 86400 * 365) for _ in range(3)] == [1, 2, 3] and counts.incr("key", 86400 * 365, 4) == 7
    assert counts.get("key") == 7 and counts.get("none") == 0
    assert time.time() < counts.get_expiry("key") <= time.time() + 86400 * 365 + 1
    counts.clear("key")
    assert counts.get("key") == 0
    assert counts.get_moving_window("m", 5, 60)[1] == 0
    assert counts.acquire_entry("m", 5, 60, 2) and counts.get_moving_window("m", 5, 60)[1] == 2
    start = counts.get_moving_window("m", 5, 60)[0]
    assert time.time() - 1 < start <= time.time() + 0.01


def test_large_limits() -> None:
    limiter = limits.strategies.FixedWindowRateLimiter(storage())
    assert limiter.hit(limits.parse("10000000/second"), "a", cost=10_000_000)


def test_a_moving_window_beyond_the_longest_log() -> None:
    limiter, item = limits.strategies.MovingWindowRateLimiter(storage()), limits.parse("300000/hour")
    assert limiter.get_window_stats(item, "a").remaining == 300_000
    assert limiter.hit(item, "a", cost=299_999) and not limiter.hit(item, "a", cost=2) and limiter.hit(item, "a")
    assert not limiter.test(item, "a") and limiter.get_window_stats(item, "a").remaining == 0
    assert time.time() < limiter.get_window_stats(item, "a").reset_time <= time.time() + 7200
    limiter.clear(item, "a")
    assert limiter.hit(item, "a", cost=300_000)


SWITCHED = """
{imported}
import limits.storage, limits.errors
try:
    print(type(limits.storage.storage_from_string("tidegate://?max_keys=9")).__name__)
except limits.errors.ConfigurationError:
    print("unknown")
"""


@pytest.mark.parametrize("imported, known", [("import tidegate.limits", "TidegateStorage"), ("import tidegate", "unknown")])
def test_the_scheme_is_known_by_one_import(imported: str, known: str) -> None:
    """limits looks schemes up in a table of its own that no installed package can add to, so it takes an import."""
    said = subprocess.run([sys.executable, "-c", SWITCHED.format(imported=imported)], capture_output=True, text=True, check=True).stdout
    assert said.strip() == known


def test_idle_logs_are_forgotten_and_no_others() -> None:
    counts = storage()
    counts._sweep_at = 10
    assert counts.acquire_entry("kept", 1, 3600)
    for number in range(200):
        # A log of nothing is idle.
        assert counts.acquire_entry(f"idle{number}", 1, 3600, 0)
    assert len(counts._logs) <= 1024 and not counts.acquire_entry("kept", 1, 3600)


def test_flask_limiter_switches_by_one_string() -> None:
    app = flask.Flask(__name__)
    flask_limiter.Limiter(lambda: "all", app=app, default_limits=["2/hour"], storage_uri="tidegate://", strategy="moving-window", headers_enabled=True)

    @app.get("/")
    def root() -> str:
        return "hello"

    client = app.test_client()
    answers = [client.get("/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"


def test_slowapi_switches_by_one_string() -> None:
    limiter = slowapi.Limiter(key_func=lambda: "all", storage_uri="tidegate://")
    app = fastapi.FastAPI()
    app.state.limiter = limiter
    app.add_exception_handler(slowapi.errors.RateLimitExceeded, slowapi._rate_limit_exceeded_handler)  # type: ignore[arg-type]

    @app.get("/")
    @limiter.limit("2/hour")
    def root(request: fastapi.Request) -> str:
        return "hello"

    with fastapi.testclient.TestClient(app) as client:
        assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]

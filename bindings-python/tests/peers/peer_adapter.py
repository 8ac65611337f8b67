"""What it takes to move here from limits, PyrateLimiter and throttled-py: their words on the left, tidegate's on the right."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tidegate import Decision, KeyedLimiter, Quota

Clock = Callable[[], int]


class Strategy:
    """limits: ``strategy.hit(item, *identifiers, cost=1)``."""

    def __init__(self, quota: str, algorithm: str, clock: Clock) -> None:
        anchor = "first-use" if algorithm == "fixed-window" else None
        self._keys = KeyedLimiter(quota, algorithm, anchor=anchor, clock=clock)  # type: ignore[arg-type]

    def hit(self, *identifiers: str, cost: int = 1) -> bool:
        return self._keys.try_acquire("/".join(identifiers), cost)

    def test(self, *identifiers: str, cost: int = 1) -> bool:
        return self._keys.peek("/".join(identifiers), cost).allowed

    def get_window_stats(self, *identifiers: str) -> tuple[float, int]:
        decision = self._keys.peek("/".join(identifiers))
        return decision.reset_after, decision.remaining

    def clear(self, *identifiers: str) -> None:
        self._keys.reset("/".join(identifiers))


class Pyrate:
    """PyrateLimiter: ``Limiter(Rate(limit, milliseconds)).try_acquire(name, weight, blocking=False)``."""

    def __init__(self, limit: int, interval_ms: int, clock: Clock, algorithm: str = "gcra", burst: int | None = None) -> None:
        self._keys = KeyedLimiter(Quota.make(limit, interval_ms * 1_000_000, burst), algorithm, clock=clock)  # type: ignore[arg-type]

    def try_acquire(self, name: str = "pyrate", weight: int = 1) -> bool:
        return self._keys.try_acquire(name, weight)

    def waiting(self, name: str = "pyrate", weight: int = 1) -> int:
        """Milliseconds, rounded up; -1 is never."""
        wait = self._keys.peek(name, weight).retry_after_ns
        return -1 if wait is None else -(-wait // 1_000_000)


class Result(NamedTuple):
    """throttled-py: ``Throttled(...).limit(key, cost)`` answers with ``limited`` and ``state``."""

    limited: bool
    state: Decision


class Throttled:
    def __init__(self, using: str, quota: str, clock: Clock) -> None:
        names = {"fixed_window": "fixed-window", "sliding_window": "sliding-window", "token_bucket": "token-bucket", "gcra": "gcra"}
        self._keys = KeyedLimiter(quota, names[using], clock=clock)  # type: ignore[arg-type]

    def limit(self, key: str, cost: int = 1) -> Result:
        decision = self._keys.take(key, cost)
        return Result(not decision.allowed, decision)

    def peek(self, key: str) -> Decision:
        return self._keys.peek(key)

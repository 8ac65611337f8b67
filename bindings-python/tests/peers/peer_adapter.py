"""What it takes to move here from limits, PyrateLimiter and throttled-py: their words on the left, tidegate's on the right."""

from __future__ import annotations

from tidegate import Decision, KeyedLimiter, Quota


class Strategy(KeyedLimiter):
    """limits: ``strategy.hit(item, *identifiers, cost=1)``; the item is the quota, the strategy the algorithm."""

    def hit(self, *identifiers: str, cost: int = 1) -> bool:
        return self.try_acquire("/".join(identifiers), cost)

    def test(self, *identifiers: str, cost: int = 1) -> bool:
        return self.peek("/".join(identifiers), cost).allowed

    def get_window_stats(self, *identifiers: str) -> tuple[float, int]:
        decision = self.peek("/".join(identifiers))
        return decision.reset_after, decision.remaining

    def forget(self, *identifiers: str) -> None:
        self.reset("/".join(identifiers))


def rate(limit: int, interval_ms: int, burst: int | None = None) -> Quota:
    """PyrateLimiter: ``Rate(limit, interval)``. Its ``try_acquire(name, weight, blocking=False)`` is that of KeyedLimiter."""
    return Quota.make(limit, interval_ms * 1_000_000, burst)


def waiting(limiter: KeyedLimiter, name: str, weight: int = 1) -> int:
    """PyrateLimiter: milliseconds, rounded up; -1 is never."""
    wait = limiter.peek(name, weight).retry_after_ns
    return -1 if wait is None else -(-wait // 1_000_000)


def limit(throttle: KeyedLimiter, key: str, cost: int = 1) -> tuple[bool, Decision]:
    """throttled-py: ``throttle.limit(key, cost)``, which answers with ``limited`` and ``state``. Its names of algorithms have underscores."""
    state = throttle.take(key, cost)
    return not state.allowed, state

"""A storage for the package `limits`: flask-limiter, slowapi and limits' own strategies count in tidegate.

    import tidegate.limits                          # makes the scheme known: once, anywhere in the program
    storage = limits.storage.storage_from_string("tidegate://")
    Limiter(get_remote_address, app=app, storage_uri="tidegate://")            # flask-limiter; slowapi alike

Needs limits 5. `tidegate://?max_keys=1000000` says how many keys each limit remembers.

What differs from ``memory://``: a denied hit spends nothing, under any strategy; threads never make it fail or exceed the limit; a key takes 22 bytes
(of a moving window: an exact log of 8 bytes a permit, up to 262,143 permits; above that it is weighed like a sliding window counter). A
`sliding-window-counter` weighs as tidegate's sliding window does: its windows are those of the clock, a part of a permit is not yet a permit, and the
reset is when the next permit comes.
"""

from __future__ import annotations

import functools
import time
import urllib.parse
from collections.abc import Callable
from threading import Lock
from typing import Literal

from limits.limits import GRANULARITIES
from limits.storage import MovingWindowSupport, SlidingWindowCounterSupport, Storage

from ._errors import QuotaError
from ._limiter import KeyedLimiter, Limiter
from ._tidegate import Decision, Quota

__all__ = ["TidegateStorage"]

# The limit of keys that name none: they are counted only.
_ANY = 1 << 32
# The longest log.
_LOGGED = (1 << 18) - 1


class TidegateStorage(Storage, MovingWindowSupport, SlidingWindowCounterSupport):
    """See the module."""

    STORAGE_SCHEME = ["tidegate"]

    def __init__(
        self, uri: str | None = None, wrap_exceptions: bool = False, max_keys: int | None = None, **_options: object
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(uri or "").query).get("max_keys")
        self._max_keys = int(asked[0]) if asked else 100_000 if max_keys is None else int(max_keys)
        self._lock = Lock()
        self._tables: dict[tuple[str, int, int], KeyedLimiter] = {}
        self._logs: dict[tuple[str, int, int], Limiter] = {}
        self._sweep_at = 1024

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ValueError

    def _table(self, algorithm: Literal["fixed-window", "sliding-window"], limit: int, expiry: int) -> KeyedLimiter:
        place = (algorithm, limit, expiry)
        table = self._tables.get(place)
        if table is None:
            quota = Quota.make(limit, expiry * 1_000_000_000)
            with self._lock:
                table = self._tables.setdefault(place, self._made(algorithm, quota))
        return table

    def _made(self, algorithm: Literal["fixed-window", "sliding-window"], quota: Quota) -> KeyedLimiter:
        if algorithm == "fixed-window":
            try:
                return KeyedLimiter(quota, algorithm, anchor="first-use", max_keys=self._max_keys)
            except QuotaError:
                # A limit of hundreds of thousands a second: no bits are left for the first use, and windows begin by the clock.
                pass
        return KeyedLimiter(quota, algorithm, max_keys=self._max_keys)

    def _log(self, key: str, limit: int, expiry: int) -> Limiter:
        """Under the lock, so that nobody spends on a log that is being forgotten."""
        place = (key, limit, expiry)
        log = self._logs.get(place)
        if log is None:
            if len(self._logs) >= self._sweep_at:
                # Only what is as good as new is forgotten.
                for idle in [place for place, log in self._logs.items() if log.peek().reset_after_ns == 0]:
                    del self._logs[idle]
                self._sweep_at = max(1024, 2 * len(self._logs))
            log = self._logs[place] = Limiter(Quota.make(limit, expiry * 1_000_000_000), "sliding-log")
        return log

    # Fixed windows.

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        limit = _limit(key) or _ANY
        decision = self._table("fixed-window", limit, expiry).take(key, amount)
        return limit - decision.remaining + (0 if decision.allowed else amount)

    def get(self, key: str) -> int:
        used = [place[1] - table.peek(key, 0).remaining for place, table in self._windows(key)]
        return max(used, default=0)

    def get_expiry(self, key: str) -> float:
        return time.time() + max((table.peek(key, 0).reset_after for _, table in self._windows(key)), default=0.0)

    def _windows(self, key: str) -> list[tuple[tuple[str, int, int], KeyedLimiter]]:
        """The tables in which a key may stand: the one that it names, or all that count what names none."""
        limit, expiry = _limit(key) or _ANY, _expiry(key)
        tables = list(self._tables.items())
        return [
            (place, table)
            for place, table in tables
            if place[0] == "fixed-window" and place[1] == limit and (expiry is None or place[2] == expiry)
        ]

    # Moving windows.

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        if limit > _LOGGED:
            return self.acquire_sliding_window_entry(key, limit, expiry, amount)
        with self._lock:
            return self._log(key, limit, expiry).try_acquire(amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        now = time.time()
        if limit > _LOGGED:
            table = self._tables.get(("sliding-window", limit, expiry))
            used, oldest = (0, 0.0) if table is None else _used(limit, functools.partial(table.peek, key))
        else:
            log = self._logs.get((key, limit, expiry))
            used, oldest = (0, 0.0) if log is None else _used(limit, log.peek)
        return (now, 0) if used == 0 else (now + oldest - expiry, used)

    # Sliding window counters.

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return self._table("sliding-window", limit, expiry).try_acquire(key, amount)

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        limit = _limit(key)
        table = None if limit is None else self._tables.get(("sliding-window", limit, expiry))
        if limit is None or table is None:
            return 0, 0.0, 0, 0.0
        used, oldest = _used(limit, functools.partial(table.peek, key))
        return 0, 0.0, used, oldest

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        self.clear(key)

    # All.

    def clear(self, key: str) -> None:
        for table in list(self._tables.values()):
            table.reset(key)
        for place, log in list(self._logs.items()):
            if place[0] == key:
                log.reset()

    def reset(self) -> int | None:
        with self._lock:
            tables, logs = list(self._tables.values()), list(self._logs.values())
            self._logs.clear()
        count = sum(map(len, tables)) + len(logs)
        for table in tables:
            table.clear()
        for log in logs:
            log.reset()
        return count

    def check(self) -> bool:
        return True


def _used(limit: int, peek: Callable[[int], Decision]) -> tuple[int, float]:
    """The permits in use, and the seconds until the first of them is free."""
    left = peek(0).remaining
    return (limit - left, peek(left + 1).retry_after or 0.0) if left < limit else (0, 0.0)


def _limit(key: str) -> int | None:
    """The limit that a key of limits ends in: ``.../amount/multiples/granularity``."""
    parts = key.rsplit("/", 3)
    if len(parts) == 4 and parts[3] in GRANULARITIES and parts[1].isdecimal() and parts[2].isdecimal():
        return int(parts[1]) or None
    return None


def _expiry(key: str) -> int | None:
    parts = key.rsplit("/", 3)
    return None if _limit(key) is None else GRANULARITIES[parts[3]].GRANULARITY.seconds * int(parts[2])

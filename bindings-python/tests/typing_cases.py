"""Read by mypy and never run: what the types say, and what they refuse."""

from __future__ import annotations

import time
from datetime import timedelta

from typing_extensions import assert_type

from tidegate import Decision, Limiter, Quota, QuotaError

limiter = Limiter("300/min burst 50", algorithm="gcra", anchor="clock", refill="continuous", initial=None, clock=None)
assert_type(limiter.try_acquire(), bool)
assert_type(limiter.try_acquire(n=2), bool)
assert_type(limiter.take(1), Decision)
assert_type(limiter.peek(), Decision)
assert_type(limiter.charge(5), Decision)
assert_type(limiter.quota, Quota)

decision = limiter.take()
assert_type(decision.allowed, bool)
assert_type(decision.remaining, int)
assert_type(decision.retry_after, "float | None")
assert_type(decision.retry_after_ns, "int | None")
assert_type(decision.reset_after, float)
assert_type(decision.reset_after_ns, int)

Limiter(Quota.make(5, 10**9, 7), "token-bucket", clock=time.monotonic_ns)
Limiter("5/s", "fixed-window", anchor=timedelta(minutes=5))
Limiter("5/s", "fixed-window", anchor=0.5)

try:
    Quota("300/fortnight")
except QuotaError as error:
    assert_type(error.position, "int | None")
    assert_type(error.text, "str | None")

# Each of these is an error, or mypy says that the remark is not needed.
Limiter("5/s", "leaky")  # type: ignore[arg-type]
Limiter("5/s", "gcra", "clock")  # type: ignore[call-arg]
Limiter(5)  # type: ignore[arg-type]
Limiter("5/s", clock=time.monotonic)  # type: ignore[arg-type]
limiter.take(1.5)  # type: ignore[arg-type]
limiter.refund()  # type: ignore[call-arg]
decision.allowed = True  # type: ignore[misc]
decision.retry_after + 1  # type: ignore[operator]

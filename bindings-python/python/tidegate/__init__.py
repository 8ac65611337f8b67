"""Exact rate limiting: may this call go ahead, and if not, when?

>>> import tidegate
>>> limiter = tidegate.Limiter("300/min burst 50")
>>> limiter.try_acquire()
True
>>> decision = limiter.take(51)
>>> bool(decision), decision.retry_after      # more than fits ever: never
(False, None)

Permits are ints, times are float seconds, and each time has an exact twin in int nanoseconds (``_ns``). Being denied is an answer,
not an exception; meaningless input is a ``ValueError`` (for quotas: ``QuotaError``), a wrong type a ``TypeError``.
"""

from . import _interpreter

_interpreter.check()

from ._concurrency import Concurrency
from ._errors import PolicyError, QuotaError, RateLimitExceeded, RequestError
from ._headers import headers
from ._limiter import KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup
from ._retry import retry
from ._tidegate import (
    Backoff,
    BackoffSession,
    Decision,
    LimitDecision,
    Permit,
    Policy,
    Quota,
    Reservation,
    Tracker,
    Verdict,
    __version__,
)

__all__ = [
    "Backoff",
    "BackoffSession",
    "Concurrency",
    "Decision",
    "KeyedLimiter",
    "KeyedLimiterGroup",
    "LimitDecision",
    "Limiter",
    "LimiterGroup",
    "Permit",
    "Policy",
    "PolicyError",
    "Quota",
    "QuotaError",
    "RateLimitExceeded",
    "RequestError",
    "Reservation",
    "Tracker",
    "Verdict",
    "__version__",
    "headers",
    "retry",
]

for _defined in (Concurrency, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, headers, retry):
    _defined.__module__ = "tidegate"
del _defined

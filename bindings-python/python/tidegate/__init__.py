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

from ._errors import QuotaError, RateLimitExceeded
from ._limiter import KeyedLimiter, Limiter
from ._retry import retry
from ._tidegate import Backoff, BackoffSession, Decision, LimiterGroup, Quota, Reservation, __version__

__all__ = [
    "Backoff",
    "BackoffSession",
    "Decision",
    "KeyedLimiter",
    "Limiter",
    "LimiterGroup",
    "Quota",
    "QuotaError",
    "RateLimitExceeded",
    "Reservation",
    "__version__",
    "retry",
]

for _defined in (KeyedLimiter, Limiter, retry):
    _defined.__module__ = "tidegate"
del _defined

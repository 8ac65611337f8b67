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

from ._errors import QuotaError
from ._tidegate import Decision, Limiter, Quota, __version__

__all__ = ["Decision", "Limiter", "Quota", "QuotaError", "__version__"]

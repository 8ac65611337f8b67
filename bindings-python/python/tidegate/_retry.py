"""`retry`: call again after a failure, at the delays of a `Backoff`."""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, cast

from ._errors import RateLimitExceeded
from ._tidegate import Backoff

_P = ParamSpec("_P")
_R = TypeVar("_R")


def said(error: BaseException) -> float | None:
    """What a denied limiter says by itself."""
    return error.decision.retry_after if isinstance(error, RateLimitExceeded) else None


def retry(
    backoff: Backoff,
    on: type[BaseException] | tuple[type[BaseException], ...] | Callable[[Exception], bool] = Exception,
    retry_after: Callable[[Exception], float | timedelta | None] | None = None,
    sleep: Callable[[float], Any] | None = None,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator for ``def`` and ``async def`` that calls again after a failure.

    ``on``: the exceptions worth a retry, or a function that says so. Only an ``Exception`` is ever retried: not KeyboardInterrupt, nor a cancelled task.
    ``retry_after``: what the failure says about when to come back, in seconds or as a timedelta, or None; no delay is shorter. By default that of
    ``RateLimitExceeded``. A limit that can never be met (retry_after None in its decision) is not retried.
    ``sleep``: in place of ``time.sleep`` or ``asyncio.sleep``.

    Each call of the decorated function is a session of its own. When the schedule gives up, the last exception goes on to the caller.

    >>> @retry(Backoff.exponential(0.1, max_delay=5, jitter="full", max_retries=3), on=ConnectionError)
    ... def fetch(): return "done"
    >>> fetch()
    'done'
    """
    if not isinstance(backoff, Backoff):
        raise TypeError(f"retry needs a Backoff, not {type(backoff).__name__}")

    def worth(error: Exception) -> bool:
        if isinstance(error, RateLimitExceeded) and error.decision.retry_after is None:
            return False
        return isinstance(error, on) if isinstance(on, (type, tuple)) else on(error)

    def hint(error: Exception) -> float | timedelta | None:
        return said(error) if retry_after is None else retry_after(error)

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def retried_async(*arguments: Any, **keywords: Any) -> Any:
                session = backoff.start()
                while True:
                    try:
                        return await function(*arguments, **keywords)
                    except Exception as error:
                        delay = session.next_delay(hint(error)) if worth(error) else None
                        if delay is None:
                            raise
                    await (asyncio.sleep if sleep is None else sleep)(delay)

            return cast(Callable[_P, _R], retried_async)

        @functools.wraps(function)
        def retried(*arguments: _P.args, **keywords: _P.kwargs) -> _R:
            session = backoff.start()
            while True:
                try:
                    return function(*arguments, **keywords)
                except Exception as error:
                    delay = session.next_delay(hint(error)) if worth(error) else None
                    if delay is None:
                        raise
                (time.sleep if sleep is None else sleep)(delay)

        return retried

    return decorate

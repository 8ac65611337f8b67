"""`Limiter`, `KeyedLimiter` and their groups: the classes of the core, with what waits and what decorates."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar, cast

from . import _tidegate
from ._errors import RateLimitExceeded
from ._waiting import wait, wait_async

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import SupportsIndex

    from ._tidegate import Decision

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Key: TypeAlias = str | bytes | int


class _Queues(Protocol):
    def _queue(self, n: SupportsIndex, timeout: float | timedelta | None) -> bool | _tidegate.Reservation: ...
    def try_acquire(self, n: SupportsIndex = 1) -> bool: ...
    def take(self, n: SupportsIndex = 1) -> Decision: ...
    def peek(self, n: SupportsIndex = 1) -> Decision: ...
    def acquire(self, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool: ...
    async def acquire_async(self, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool: ...


_S = TypeVar("_S", bound=_Queues)


class _Waits:
    """What waits and what decorates, over `_queue`, `take` and `peek`."""

    __slots__ = ()

    def acquire(self: _Queues, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool:
        """Wait for n permits, first come first served, with one sleep. Whether they came within ``timeout`` seconds (None: for ever).

        False at once, without waiting and without a charge, when it would take longer. Raises ValueError if n can never fit. Other threads
        run meanwhile; Ctrl-C, and any other exception, gives the place in line back.
        """
        # The usual case, in one call.
        if timeout is None and self.try_acquire(n):
            return True
        queued = self._queue(n, timeout)
        if queued is True or queued is False:
            return queued
        wait(queued)
        return True

    async def acquire_async(self: _Queues, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool:
        """As ``acquire``, for asyncio: other tasks run meanwhile, and a cancelled task charges nothing."""
        # The usual case, in one call.
        if timeout is None and self.try_acquire(n):
            return True
        queued = self._queue(n, timeout)
        if queued is True or queued is False:
            return queued
        await wait_async(queued)
        return True

    def limit(
        self: _Queues, n: SupportsIndex = 1, *, wait: bool = False, timeout: float | timedelta | None = None
    ) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
        """A decorator for ``def`` and ``async def``: each call costs n permits.

        Denied: raises RateLimitExceeded with the decision, and the function is not called. With ``wait=True`` it waits instead, and raises
        only when that would take longer than ``timeout`` seconds.
        """

        def decide(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Decision:
            return self.take(n)

        def queue(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool | _tidegate.Reservation:
            return self._queue(n, timeout)

        def look(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Decision:
            return self.peek(n)

        return _decorator(n, queue if wait else None, decide, look)

    def __enter__(self: _S) -> _S:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    async def __aenter__(self: _S) -> _S:
        await self.acquire_async()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None


class Limiter(_tidegate.Limiter, _Waits):
    __doc__ = _tidegate.Limiter.__doc__
    __slots__ = ()


class LimiterGroup(_tidegate.LimiterGroup, _Waits):
    __doc__ = _tidegate.LimiterGroup.__doc__
    __slots__ = ()


class _QueuesByKey(Protocol):
    def _queue(self, key: _Key, n: SupportsIndex, timeout: float | timedelta | None) -> bool | _tidegate.Reservation: ...
    def try_acquire(self, key: _Key, n: SupportsIndex = 1) -> bool: ...
    def take(self, key: _Key, n: SupportsIndex = 1) -> Decision: ...
    def peek(self, key: _Key, n: SupportsIndex = 1) -> Decision: ...


class _WaitsByKey:
    """As `_Waits`, for one key of many."""

    __slots__ = ()

    def acquire(self: _QueuesByKey, key: _Key, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool:
        """Wait for n permits of the key's (see ``Limiter.acquire``)."""
        # The usual case, in one call.
        if timeout is None and self.try_acquire(key, n):
            return True
        queued = self._queue(key, n, timeout)
        if queued is True or queued is False:
            return queued
        wait(queued)
        return True

    async def acquire_async(self: _QueuesByKey, key: _Key, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> bool:
        """As ``acquire``, for asyncio."""
        # The usual case, in one call.
        if timeout is None and self.try_acquire(key, n):
            return True
        queued = self._queue(key, n, timeout)
        if queued is True or queued is False:
            return queued
        await wait_async(queued)
        return True

    def limit(
        self: _QueuesByKey,
        n: SupportsIndex = 1,
        *,
        key: Callable[..., _Key],
        wait: bool = False,
        timeout: float | timedelta | None = None,
    ) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
        """A decorator as ``Limiter.limit``; ``key`` is called with the arguments of each call and says whose permits it costs."""

        def decide(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Decision:
            return self.take(key(*arguments, **keywords), n)

        def queue(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool | _tidegate.Reservation:
            return self._queue(key(*arguments, **keywords), n, timeout)

        def look(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Decision:
            return self.peek(key(*arguments, **keywords), n)

        return _decorator(n, queue if wait else None, decide, look)


class KeyedLimiter(_tidegate.KeyedLimiter, _WaitsByKey):
    __doc__ = _tidegate.KeyedLimiter.__doc__
    __slots__ = ()


class KeyedLimiterGroup(_tidegate.KeyedLimiterGroup, _WaitsByKey):
    __doc__ = _tidegate.KeyedLimiterGroup.__doc__
    __slots__ = ()


_Arguments = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def _decorator(
    n: SupportsIndex, queue: _Arguments | None, decide: _Arguments, look: _Arguments
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    if inspect.isroutine(n):
        raise TypeError("a decorator is called before it decorates: @limiter.limit()")
    # What is no number of permits is an error here, not at the first call.
    if operator.index(n) < 0:
        raise ValueError(f"permits must be at least 0, not {n}")
    return functools.partial(_decorate, queue, decide, look)


def _decorate(queue: _Arguments | None, decide: _Arguments, look: _Arguments, function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Each call of ``function`` is decided first, or queued for. What neither ``def`` nor ``async def`` is counts as ``def``."""

    def admitted(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> _tidegate.Reservation | None:
        """What is to be waited for, if anything."""
        if queue is None:
            decision = decide(arguments, keywords)
            if not decision:
                raise RateLimitExceeded(decision)
            return None
        queued = queue(arguments, keywords)
        if queued is False:
            raise RateLimitExceeded(look(arguments, keywords))
        return None if queued is True else cast(_tidegate.Reservation, queued)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def limited_async(*arguments: Any, **keywords: Any) -> Any:
            reservation = admitted(arguments, keywords)
            if reservation is not None:
                await wait_async(reservation)
            return await function(*arguments, **keywords)

        return cast(Callable[_P, _R], limited_async)

    @functools.wraps(function)
    def limited(*arguments: _P.args, **keywords: _P.kwargs) -> _R:
        reservation = admitted(arguments, keywords)
        if reservation is not None:
            wait(reservation)
        return function(*arguments, **keywords)

    return limited

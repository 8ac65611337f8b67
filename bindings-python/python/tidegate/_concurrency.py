"""`Concurrency`: the class of the core, with what waits for it.

A place in line is the core's. A waiting thread sleeps on a `SimpleQueue`, whose `put` is safe to call from any thread and from a finalizer and whose
`get` answers Ctrl-C; a waiting task sleeps on a future of its loop. Whoever leaves early closes his place, and what he may have been
given goes to the next.
"""

from __future__ import annotations

import asyncio
import queue
import time
from types import TracebackType
from typing import TYPE_CHECKING

from . import _tidegate
from ._waiting import LONGEST, seconds

if TYPE_CHECKING:
    from datetime import timedelta
    from typing import SupportsIndex

    from ._tidegate import Permit


class Concurrency(_tidegate.Concurrency):
    __doc__ = _tidegate.Concurrency.__doc__
    __slots__ = ()

    def enter(self, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> Permit | None:
        """Wait in line for n permits, at most ``timeout`` seconds (None: for ever): the permits, or None.

        Raises ValueError if n can never fit. Other threads run meanwhile; Ctrl-C, and any other exception, leaves the line.
        """
        longest = seconds(timeout)
        free = self.try_enter(n)
        if free is not None:
            return free
        entering = self._entering(n)
        deadline = time.monotonic() + longest
        try:
            while True:
                woken: queue.SimpleQueue[None] = queue.SimpleQueue()
                permit = entering.poll(lambda: woken.put(None))
                rest = deadline - time.monotonic()
                if permit is not None or rest <= 0.0:
                    return permit
                try:
                    woken.get(timeout=min(rest, LONGEST))
                except queue.Empty:
                    pass
        finally:
            entering.close()

    async def enter_async(self, n: SupportsIndex = 1, timeout: float | timedelta | None = None) -> Permit | None:
        """As ``enter``, for asyncio: other tasks run meanwhile, and a cancelled task leaves the line."""
        longest = seconds(timeout)
        free = self.try_enter(n)
        if free is not None:
            return free
        entering = self._entering(n)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + longest
        try:
            while True:
                woken: asyncio.Future[None] = loop.create_future()
                permit = entering.poll(lambda: loop.call_soon_threadsafe(_wake, woken))
                rest = deadline - loop.time()
                if permit is not None or rest <= 0.0:
                    return permit
                await asyncio.wait((woken,), timeout=min(rest, LONGEST))
        finally:
            entering.close()

    def __enter__(self) -> Concurrency:
        permit = self.enter()
        assert permit is not None
        self._hold(permit)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()

    async def __aenter__(self) -> Concurrency:
        permit = await self.enter_async()
        assert permit is not None
        self._hold(permit)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leave()


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)

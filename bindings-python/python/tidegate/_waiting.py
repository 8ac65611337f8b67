"""Waiting for permits: a place in line from the core, then one sleep of Python's.

``time.sleep`` lets other threads run and answers Ctrl-C at once; ``asyncio.sleep`` belongs to the running loop. Whoever leaves before his
instant, by an exception of any kind, gives his place back. The clock is asked again after each sleep, so that nobody goes early.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import _tidegate

if TYPE_CHECKING:
    from datetime import timedelta

    from ._tidegate import Reservation

# The longest sleep in one piece: `time.sleep` fails beyond some hundred years, and a loop's timer beyond a day on some platforms.
LONGEST = 3600.0 * 12


def seconds(timeout: float | timedelta | None) -> float:
    """A timeout as float seconds; None is for ever. Raises as every verb that waits: TypeError, ValueError for what is negative or NaN."""
    return math.inf if timeout is None else _tidegate._seconds(timeout)


def wait(reservation: Reservation, sleep: Callable[[float], object] | None = None) -> None:
    """Blocks the thread until the reservation's instant; an exception in the sleep cancels it."""
    sleep = time.sleep if sleep is None else sleep
    try:
        while (rest := reservation.wait) > 0.0:
            sleep(min(rest, LONGEST))
    except BaseException:
        reservation.cancel()
        raise


async def wait_async(reservation: Reservation) -> None:
    """Suspends the task until the reservation's instant; cancelling the task cancels the reservation."""
    try:
        while (rest := reservation.wait) > 0.0:
            await asyncio.sleep(min(rest, LONGEST))
    except BaseException:
        reservation.cancel()
        raise

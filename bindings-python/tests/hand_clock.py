"""A clock that shows what it is set to."""

from __future__ import annotations


class HandClock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0
        self.readings = 0

    def __call__(self) -> int:
        self.readings += 1
        return self.now

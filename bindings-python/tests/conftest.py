"""Tests own time: they hold the clock in their hand, and none of them sleeps."""

from __future__ import annotations

import pytest


class HandClock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0
        self.readings = 0

    def __call__(self) -> int:
        self.readings += 1
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()

"""Tests own time: they hold the clock in their hand, and none of them sleeps."""

from __future__ import annotations

import pytest
from hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()

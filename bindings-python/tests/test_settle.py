"""An estimate is reserved, and settled when the real cost is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hand_clock import HandClock

from tidegate import Decision, KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, Reservation

Made = tuple[Callable[[int], Reservation], Callable[[], Decision]]


def limits(clock: HandClock) -> dict[str, Made]:
    one, keyed = Limiter("100/min", clock=clock), KeyedLimiter("100/min", max_keys=9, clock=clock)
    group, keyed_group = LimiterGroup(a="100/min", b="900/h", clock=clock), KeyedLimiterGroup(a="100/min", b="900/h", clock=clock)
    return {
        "limiter": (one.reserve, one.peek),
        "keyed": (lambda n: keyed.reserve("k", n), lambda: keyed.peek("k")),
        "group": (group.reserve, group.peek),
        "keyed group": (lambda n: keyed_group.reserve("k", n), lambda: keyed_group.peek("k")),
    }


@pytest.mark.parametrize("kind", ["limiter", "keyed", "group", "keyed group"])
def test_what_is_settled_is_what_it_cost(kind: str, clock: HandClock) -> None:
    reserve, peek = limits(clock)[kind]
    reservation = reserve(40)
    assert peek().remaining == 60 and reservation.wait == 0.0
    assert reservation.settle(15).allowed and peek().remaining == 85
    assert "settled" in repr(reservation) and not reservation.cancelled and not reservation.cancel()
    with pytest.raises(ValueError, match="settled"):
        reservation.settle(15)
    assert reserve(5).settle(25).allowed and peek().remaining == 60
    assert reserve(10).settle(10).allowed and peek().remaining == 50
    assert reserve(10).settle(0).allowed and peek().remaining == 50
    # Beyond the debt that a limit bears, the rest is not charged, and that is said.
    denied = reserve(10).settle(2**70)
    assert not denied and peek().remaining == 40


def test_settled_or_cancelled_once(clock: HandClock) -> None:
    limiter = Limiter("100/min", clock=clock)
    reservation = limiter.reserve(10)
    bad: Any
    for bad in (-1, 1.5, None, "3", True):
        with pytest.raises((TypeError, ValueError)):
            reservation.settle(bad)
    assert limiter.peek().remaining == 90 and reservation.cancel()
    with pytest.raises(ValueError, match="cancelled"):
        reservation.settle(1)
    assert limiter.peek().remaining == 100 and reservation.cancelled

"""`Quota` and `QuotaError`: text and numbers, and what is wrong with them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from hand_clock import HandClock

from tidegate import Limiter, Quota, QuotaError


def test_text_and_numbers_say_the_same() -> None:
    quota = Quota("300/min burst 50")
    assert quota == Quota.make(300, 60_000_000_000, 50)
    assert (quota.limit, quota.period_ns, quota.burst, quota.anchor, quota.offset_ns) == (300, 60 * 10**9, 50, "clock", 0)
    assert str(quota) == "300/min burst 50"
    assert repr(quota) == 'Quota("300/min burst 50")'


def test_the_burst_is_the_limit_unless_said() -> None:
    assert Quota.make(5, 1).burst == Quota.make(5, 1, None).burst == 5


def test_anchors() -> None:
    assert Quota.make(3, 10**9, anchor="first-use") == Quota("3/s from first use")
    assert Quota.make(3, 10**9, offset_ns=5_000_000) == Quota("3/s offset 5ms")
    assert Quota("3/s offset 5ms").offset_ns == 5_000_000
    assert Quota("3/s from first use").anchor == "first-use"


@pytest.mark.parametrize(
    "quota",
    [
        Quota("300/min burst 50"),
        Quota("1 per 2 hours"),
        Quota("3/s from first use"),
        Quota("3/s offset 5ms"),
        Quota.make(2**64 - 1, 2**62, 2**64 - 1),
        Quota.make(1, 7, offset_ns=2**64 - 1),
    ],
)
def test_it_travels_and_types_back(quota: Quota) -> None:
    assert eval(repr(quota)) == quota
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(quota, protocol)) == quota
    assert copy.deepcopy(quota) == quota
    assert hash(copy.copy(quota)) == hash(quota)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("300", 3),
        ("300/fortnight", 4),
        ("-1/s", 0),
        ("0/s", 0),
        ("5/0s", 2),
        ("5/s burst 0", 10),
        ("5/s; 6/s", 3),
        ("1.5/s", 1),
        ("99999999999999999999/s", 0),
        ("5/µx", 2),
        # Characters, not bytes: the sign before the error is two bytes long.
        ("5/µs x", 5),
        ("5/s\ud800", 3),
        ("5/s\0", 3),
        ("1" * 100_000, 0),
    ],
)
def test_bad_text_has_a_position(text: str, position: int) -> None:
    for make in (Quota, Limiter):
        with pytest.raises(QuotaError, match=f"^at position {position}: ") as caught:
            make(text)
        assert caught.value.position == position
        assert caught.value.text is not None and len(caught.value.text) >= len(text)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 1), "limit must be at least 1"),
        ((-1, 1), "limit must be at least 1"),
        ((2**64, 1), "limit does not fit in 64 bits"),
        ((1, 0), "period must be at least 1"),
        ((1, -1), "period must be at least 1"),
        ((1, 2**62 + 1), "period must be at most"),
        ((1, 2**64), "period must be at most"),
        ((1, 1, 0), "burst must be at least 1"),
        ((1, 1, -1), "burst must be at least 1"),
        ((1, 1, 2**64), "burst does not fit in 64 bits"),
    ],
)
def test_numbers_that_are_no_quota(numbers: Any, message: str) -> None:
    with pytest.raises(QuotaError, match=message) as caught:
        Quota.make(*numbers)
    assert caught.value.text is None and caught.value.position is None


@pytest.mark.parametrize("anchor", ["clock", "first-use"])
@pytest.mark.parametrize("offset", [-1, 2**64])
def test_offsets_that_are_none(anchor: Any, offset: int) -> None:
    with pytest.raises(QuotaError, match="offset"):
        Quota.make(1, 1, anchor=anchor, offset_ns=offset)


def test_windows_from_first_use_have_no_offset() -> None:
    with pytest.raises(QuotaError, match="no offset"):
        Quota.make(1, 10**9, anchor="first-use", offset_ns=1)


@pytest.mark.parametrize(
    "arguments", [(1.0, 1), (1, 1.0), (True, 1), (1, 1, 1.0), ("1", 1), (None, 1), (1, None), (1,), (1, 1, 1, "clock")]
)
def test_numbers_are_whole(arguments: Any) -> None:
    with pytest.raises(TypeError):
        Quota.make(*arguments)


@pytest.mark.parametrize("text", [None, 5, b"5/s", Quota("5/s")])
def test_text_is_str(text: Any) -> None:
    with pytest.raises(TypeError):
        Quota(text)


def test_a_quota_that_the_algorithm_cannot_hold() -> None:
    with pytest.raises(QuotaError, match="no burst apart from its limit") as caught:
        Limiter("5/s burst 6", "sliding-window")
    assert caught.value.position is None


def test_the_error_travels() -> None:
    with pytest.raises(ValueError) as caught:
        Quota("300/fortnight")
    error = caught.value
    assert type(error) is QuotaError
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is QuotaError
        assert (str(again), again.text, again.position) == (str(error), "300/fortnight", 4)


def test_calendar_quotas(clock: HandClock) -> None:
    text = "1000 per calendar day in Europe/Paris"
    quota = Quota(text)
    assert (quota.anchor, quota.calendar, quota.limit) == ("calendar", ("day", "Europe/Paris"), 1000)
    assert pickle.loads(pickle.dumps(quota)) == quota and Quota(str(quota)) == quota
    assert Quota("5/s").calendar is None
    # 2026-03-29T12:00+02:00: a day of 23 hours, ten of them left after the clock was put forward.
    clock.now = 1_774_778_400_000_000_000
    limiter = Limiter(text, "fixed-window", clock=clock)
    assert limiter.take(1000) and limiter.take(1).retry_after == 12 * 3600
    clock.now += 12 * 3600 * 10**9
    assert limiter.try_acquire(1000)
    with pytest.raises(QuotaError, match="fixed-window"):
        Limiter(text)
    with pytest.raises(QuotaError, match="Europe/Paris"):
        Quota("1 per calendar day in Europe/Pariss")

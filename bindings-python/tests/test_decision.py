"""`Decision`: a frozen value that says the same in seconds and in nanoseconds."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction
from typing import Any

import pytest

from tidegate import Decision

DENIED = Decision(allowed=False, limit=50, remaining=0, retry_after_ns=200_000_000, reset_after_ns=10_000_000_000)


def test_figures() -> None:
    assert (DENIED.allowed, DENIED.limit, DENIED.remaining) == (False, 50, 0)
    assert (DENIED.retry_after, DENIED.reset_after) == (0.2, 10.0)
    assert (DENIED.retry_after_ns, DENIED.reset_after_ns) == (200_000_000, 10_000_000_000)
    assert type(DENIED.retry_after) is float and type(DENIED.reset_after) is float


def test_true_when_allowed() -> None:
    assert not DENIED
    assert Decision(True, 50, 49, 0, 0)


def test_never() -> None:
    never = Decision(False, 50, 50, None, 0)
    assert never.retry_after is None and never.retry_after_ns is None


@pytest.mark.parametrize("k", range(64))
def test_a_wait_in_seconds_is_never_too_short(k: int) -> None:
    for ns in {max(0, 2**k - 1), 2**k, 2**k + 1, 2**k + 2**k // 3}:
        decision = Decision(False, 1, 0, ns, ns)
        wait = decision.retry_after
        assert wait is not None and wait == decision.reset_after
        # A sleep rounds up to whole nanoseconds.
        asleep = -(-Fraction(wait) * 10**9 // 1)
        assert asleep >= ns
        # And hardly too long: by no more than a float step or two.
        assert asleep - ns <= max(1, ns // 2**51)


def test_common_waits_are_the_numbers_that_people_write() -> None:
    for text in ("0.1", "0.2", "0.3", "0.7", "1.1", "142.857142857", "86400.000000001"):
        ns = int(Fraction(text) * 10**9)
        assert Decision(False, 1, 0, ns, 0).retry_after == float(text)


def test_repr_types_back() -> None:
    assert repr(DENIED) == (
        "Decision(allowed=False, limit=50, remaining=0, retry_after_ns=200_000_000, reset_after_ns=10_000_000_000)"
    )
    for decision in (DENIED, Decision(True, 2**64 - 1, 999, 0, 2**64 - 1), Decision(False, 1, 1, None, 1_000)):
        assert eval(repr(decision)) == decision


def test_equal_when_all_is_equal() -> None:
    same = Decision(False, 50, 0, 200_000_000, 10_000_000_000)
    assert same == DENIED and hash(same) == hash(DENIED)
    others = [
        Decision(True, 50, 0, 200_000_000, 10_000_000_000),
        Decision(False, 51, 0, 200_000_000, 10_000_000_000),
        Decision(False, 50, 1, 200_000_000, 10_000_000_000),
        Decision(False, 50, 0, None, 10_000_000_000),
        Decision(False, 50, 0, 200_000_000, 10_000_000_001),
    ]
    assert all(other != DENIED for other in others)
    assert len({DENIED, same, *others}) == 6
    assert DENIED != (False, 50, 0, 200_000_000, 10_000_000_000)


def test_it_travels() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(DENIED, protocol)) == DENIED
    assert copy.deepcopy(DENIED) == copy.copy(DENIED) == DENIED


def test_it_is_frozen() -> None:
    decision: Any = DENIED
    for name in ("allowed", "limit", "remaining", "retry_after", "reset_after_ns", "anything"):
        with pytest.raises(AttributeError):
            setattr(decision, name, 1)


@pytest.mark.parametrize(
    ("figures", "error"),
    [
        ((1, 1, 1, 0, 0), TypeError),
        ((True, -1, 0, 0, 0), ValueError),
        ((True, 1, 2**64, 0, 0), ValueError),
        ((True, 1, 0, 0.5, 0), TypeError),
        ((True, 1, 0, 0, None), TypeError),
        ((True, 1, 0), TypeError),
    ],
)
def test_it_is_made_of_whole_numbers(figures: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Decision(*figures)

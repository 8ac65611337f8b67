"""Schedules: the vectors that all languages read, sessions, and what is refused."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import tidegate
from tidegate import Backoff

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "conformance" / "backoff.json").read_text(encoding="utf-8")
)
# This package's sessions know no time but the sum of their delays.
CASES = [case for case in VECTORS["cases"] if case["nows"] is None and case["start"] is None]


def seconds(nanos: str | None) -> Any:
    return None if nanos is None else int(nanos) / 1e9


def exact(nanos: str) -> bool:
    """Whether float seconds can say it and come back as the same number."""
    return round(int(nanos) / 1e9 * 1e9) == int(nanos) and int(nanos) < 2**53


def made(case: dict[str, Any]) -> Backoff:
    named = {name: case[name] for name in ("max_delay", "max_retries", "max_elapsed", "seed")}
    for name in ("max_delay", "max_elapsed"):
        named[name] = seconds(named[name])
    for name in ("max_retries", "seed"):
        named[name] = None if named[name] is None else int(named[name])
    named["jitter"] = seconds(case["jitter_width"]) if case["jitter"] == "additive" else case["jitter"]
    base = seconds(case["base"])
    match case["schedule"]:
        case "constant":
            return Backoff.constant(base, **named)
        case "linear":
            return Backoff.linear(base, seconds(case["step"]), **named)
        case "fibonacci":
            return Backoff.fibonacci(base, **named)
    factor: dict[str, Any] = {} if case["factor"] is None else {"factor": float(case["factor"])}
    return Backoff.exponential(base, **factor, **named)


def sayable(case: dict[str, Any]) -> bool:
    times = [case[name] for name in ("base", "step", "max_delay", "max_elapsed", "jitter_width")] + case["hints"]
    plain = case["factor"] is None or repr(float(case["factor"])).removesuffix(".0") == case["factor"].removesuffix(".0")
    return plain and all(time is None or exact(time) for time in times)


SAYABLE = [case for case in CASES if sayable(case)]


def test_there_are_cases() -> None:
    assert len(SAYABLE) > 50 and len(SAYABLE) > len(CASES) * 0.7, (len(SAYABLE), len(CASES))


@pytest.mark.parametrize("case", SAYABLE, ids=[case["name"] for case in SAYABLE])
def test_conformance(case: dict[str, Any]) -> None:
    session = made(case).start()
    for hint, expected in zip(case["hints"], case["delays"], strict=True):
        delay = session.next_delay(seconds(hint))
        if expected is None:
            assert delay is None
        elif int(expected) < 2**53:
            assert delay == int(expected) / 1e9
        else:
            assert delay is not None and delay * 1e9 >= int(expected) and delay <= int(expected) / 1e9 * (1 + 1e-15)


def test_iteration() -> None:
    backoff = Backoff.exponential(0.5, factor=2, max_delay=3, max_retries=4)
    assert list(backoff) == [0.5, 1.0, 2.0, 3.0] == list(backoff)
    assert list(itertools.islice(Backoff.fibonacci(timedelta(seconds=1)), 6)) == [1, 1, 2, 3, 5, 8]
    assert list(Backoff.linear(1, 0.5, max_retries=3)) == [1.0, 1.5, 2.0]
    assert list(Backoff.constant(1, max_elapsed=3.5)) == [1.0, 1.0, 1.0]


def test_a_hint_is_a_floor() -> None:
    session = Backoff.exponential(1, max_delay=60, jitter="full", seed=7).start()
    assert (delay := session.next_delay(retry_after=30)) is not None and delay >= 30
    assert (delay := session.next_delay(retry_after=timedelta(minutes=5))) is not None and delay >= 300
    assert session.retries == 2 and session.seed == 7


def test_seeds() -> None:
    full = Backoff.exponential(1, jitter="full", max_retries=5, seed=1)
    assert list(full) == list(full)
    unseeded = Backoff.exponential(1, jitter="full", max_retries=5)
    assert list(unseeded) != list(unseeded)
    assert full == Backoff.exponential(1, jitter="full", max_retries=5, seed=1) != unseeded
    assert hash(full) == hash(Backoff.exponential(1, jitter="full", max_retries=5, seed=1))


@pytest.mark.parametrize("factor", [0, 0.5, 1.0001, -2, float("nan"), float("inf")])
def test_factors(factor: float) -> None:
    with pytest.raises(ValueError):
        Backoff.exponential(1, factor=factor)


@pytest.mark.parametrize("name", ["max_delay", "max_elapsed", "max_retries", "seed"])
def test_negative(name: str) -> None:
    with pytest.raises(ValueError):
        Backoff.constant(1, **{name: -1})


def test_meaningless() -> None:
    for base in (-1, -0.5, float("nan"), timedelta(seconds=-1)):
        with pytest.raises(ValueError):
            Backoff.constant(base)
    for wrong in ("1", None, b"1", [1]):
        with pytest.raises(TypeError):
            Backoff.constant(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown jitter"):
        Backoff.constant(1, jitter="much")  # type: ignore[arg-type]
    with pytest.raises(ValueError):
        Backoff.constant(1).start().next_delay(float("nan"))
    assert next(iter(Backoff.constant(float("inf")))) > 5e8
    assert tidegate.Backoff is Backoff


@pytest.mark.parametrize("case", SAYABLE, ids=lambda case: case["name"])
def test_a_schedule_is_pickled_copied_and_shown_as_it_was_made(case: dict[str, Any]) -> None:
    backoff = made(case)
    again = [pickle.loads(pickle.dumps(backoff, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    again += [copy.copy(backoff), copy.deepcopy(backoff), eval(repr(backoff), {"Backoff": Backoff})]
    for other in again:
        assert other == backoff and hash(other) == hash(backoff) and repr(other) == repr(backoff)
        if case["seed"] is not None:
            assert list(itertools.islice(other, 9)) == list(itertools.islice(backoff, 9))


def test_how_a_schedule_shows_itself() -> None:
    backoff = Backoff.exponential(0.5, factor=3, max_delay=timedelta(seconds=30), jitter="full", max_retries=5, seed=None)
    said = "Backoff.exponential(0.5, factor=3.0, max_delay=datetime.timedelta(seconds=30), jitter='full', max_retries=5)"
    assert repr(backoff) == said and repr(Backoff.linear(1, step=2)) == "Backoff.linear(1, 2)"
    # Equal is what does the same.
    assert Backoff.exponential(1) == Backoff.exponential(1.0, factor=2, max_delay=None) != Backoff.exponential(1, factor=3)
    with pytest.raises(TypeError, match="session"):
        pickle.dumps(backoff.start())


def test_options_that_no_schedule_has() -> None:
    make: Any
    for make in (Backoff.constant, Backoff.fibonacci, Backoff.exponential):
        with pytest.raises(TypeError, match="max_delya"):
            make(1, max_delya=3)
    with pytest.raises(TypeError, match="factor"):
        Backoff.constant(1, factor=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Backoff.exponential(1, factor=None)  # type: ignore[arg-type]

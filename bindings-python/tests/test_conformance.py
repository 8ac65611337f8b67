"""The vectors that all languages read: every answer, to the nanosecond, through the public API and a clock in the hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tidegate

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "conformance" / "vectors.json").read_text(encoding="utf-8")
)
BASIC = [case for case in VECTORS["cases"] if case["verbs"] == "basic"]
# Longer sequences, with verbs that this package has not all of yet: those that it can speak.
VERBS = {"take", "try_acquire", "peek", "refund", "charge", "reset"}
FULL = [
    case
    for case in VECTORS["cases"]
    if case["verbs"] != "basic" and all(step["op"] in VERBS for step in case["steps"])
]


class Subject:
    """A limiter as a case describes it, at the time that the case says."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.now = int(case["origin"])
        quota = tidegate.Quota.make(
            int(case["quota"]["limit"]),
            int(case["quota"]["period"]),
            int(case["quota"]["burst"]),
            anchor=case["anchor"],
            offset_ns=int(case["offset"]),
        )
        self.limiter = tidegate.Limiter(
            quota,
            case["algorithm"],
            refill=case["refill"],
            initial=None if case["initial"] is None else int(case["initial"]),
            clock=lambda: self.now,
        )

    def answer(self, step: dict[str, Any]) -> dict[str, Any]:
        """What the limiter answers to a step; to a verb without an answer, what a look at it shows then."""
        self.now = int(step["now"])
        verb = getattr(self.limiter, step["op"])
        said = verb() if step["op"] == "reset" else verb(int(step["n"]))
        if said is None:
            said = self.limiter.peek(0)
        if step["op"] == "try_acquire":
            assert type(said) is bool
            return {"allowed": said}
        return figures(said)


def figures(decision: tidegate.Decision) -> dict[str, Any]:
    assert bool(decision) is decision.allowed
    wait = decision.retry_after_ns
    return {
        "allowed": decision.allowed,
        "limit": str(decision.limit),
        "remaining": str(decision.remaining),
        "retry_after": None if wait is None else str(wait),
        "reset_after": str(decision.reset_after_ns),
    }


def check(case: dict[str, Any]) -> None:
    subject = Subject(case)
    assert case["steps"]
    for number, step in enumerate(case["steps"]):
        expected = step["expect"]
        if step["op"] == "try_acquire":
            expected = {"allowed": expected["allowed"]}
        assert subject.answer(step) == expected, f"{case['name']}, step {number}: {step}"


def test_there_are_cases_of_every_algorithm() -> None:
    algorithms = {"gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"}
    assert {case["algorithm"] for case in BASIC} == algorithms
    assert {case["algorithm"] for case in FULL} == algorithms
    assert VECTORS["quota_errors"]


@pytest.mark.parametrize("case", BASIC, ids=[case["name"] for case in BASIC])
def test_basic(case: dict[str, Any]) -> None:
    check(case)


@pytest.mark.parametrize("case", FULL, ids=[case["name"] for case in FULL])
def test_refund_charge_reset(case: dict[str, Any]) -> None:
    check(case)


@pytest.mark.parametrize("case", VECTORS["quota_errors"], ids=[case["name"] for case in VECTORS["quota_errors"]])
def test_refused_quota(case: dict[str, Any]) -> None:
    assert case["refused"] is True
    with pytest.raises(tidegate.QuotaError):
        Subject(case)

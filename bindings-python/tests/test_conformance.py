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
FULL = [case for case in VECTORS["cases"] if case["verbs"] != "basic"]


class Subject:
    """A limiter as a case describes it, at the time that the case says."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.now = int(case["origin"])
        self.anchor, self.offset = case["anchor"], int(case["offset"])
        self.booked: dict[int, tidegate.Reservation] = {}
        self.kept = ""
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

    def answer(self, number: int, step: dict[str, Any]) -> dict[str, Any]:
        """What the limiter answers to a step; to a verb without an answer, what a look at it shows then."""
        self.now = int(step["now"])
        match step["op"]:
            case "try_acquire":
                said = self.limiter.try_acquire(int(step["n"]))
                assert type(said) is bool
                return {"allowed": said}
            case "take" | "peek" | "charge":
                return figures(getattr(self.limiter, step["op"])(int(step["n"])))
            case "reserve":
                return self.reserve(number, int(step["n"]), int(step["max_wait"]))
            case "refund":
                self.limiter.refund(int(step["n"]))
            case "cancel":
                assert self.booked[step["slot"]].cancel() is True
                assert self.booked[step["slot"]].cancel() is False
            case "reset":
                self.limiter.reset()
            case "snapshot":
                self.kept = self.limiter.snapshot()
            case "reconfigure":
                numbers = (int(step["quota"][name]) for name in ("limit", "period", "burst"))
                try:
                    self.limiter.reconfigure(
                        tidegate.Quota.make(*numbers, anchor=self.anchor, offset_ns=self.offset), step["carry"]
                    )
                except ValueError:
                    return {"error": True}
            case "restore":
                try:
                    self.limiter.restore(self.kept)
                except ValueError:
                    return {"error": True}
            case other:
                raise AssertionError(f"a verb that this package does not have: {other}")
        return figures(self.limiter.peek(0))

    def reserve(self, number: int, n: int, longest: int) -> dict[str, Any]:
        denied = self.limiter.take if n > self.limiter.quota.burst else None
        try:
            reservation = self.limiter.reserve(n, max_wait_ns=longest)
        except tidegate.RateLimitExceeded as error:
            return figures(error.decision)
        except ValueError:
            # Never: the exception has no decision; a look has.
            return figures(denied(n) if denied else self.limiter.peek(n))
        self.booked[number] = reservation
        assert reservation.n == n
        return {"at": str(reservation.at_ns)}


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
        assert subject.answer(number, step) == expected, f"{case['name']}, step {number}: {step}"


def test_there_are_cases_of_every_algorithm() -> None:
    algorithms = {"gcra", "token-bucket", "fixed-window", "sliding-window", "sliding-log"}
    assert {case["algorithm"] for case in BASIC} == algorithms
    assert {case["algorithm"] for case in FULL} == algorithms
    assert VECTORS["quota_errors"]


@pytest.mark.parametrize("case", BASIC, ids=[case["name"] for case in BASIC])
def test_basic(case: dict[str, Any]) -> None:
    check(case)


@pytest.mark.parametrize("case", FULL, ids=[case["name"] for case in FULL])
def test_every_verb(case: dict[str, Any]) -> None:
    check(case)


@pytest.mark.parametrize("case", VECTORS["quota_errors"], ids=[case["name"] for case in VECTORS["quota_errors"]])
def test_refused_quota(case: dict[str, Any]) -> None:
    assert case["refused"] is True
    with pytest.raises(tidegate.QuotaError):
        Subject(case)

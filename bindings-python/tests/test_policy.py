"""`Policy`: published limits, asked from Python. What they say is tested in Rust; here: that it arrives."""

from __future__ import annotations

import copy
import gc
import pickle
from pathlib import Path
from typing import Any

import pytest
from hand_clock import HandClock

from tidegate import Policy, PolicyError, RequestError

POLICIES = Path(__file__).parents[2] / "policies"
# 2024-01-15T12:00:00Z
NOON = 1_705_320_000_000_000_000

PLACES = """
format = 1
[provider]
name = "A"
document = "D"
[[limit]]
id = "together"
scope = "ip"
endpoints = ["all"]
concurrency = 2
source = "2 at the same time"
"""


@pytest.fixture
def noon(clock: HandClock) -> HandClock:
    clock.now = NOON
    return clock


def test_a_request_is_counted_by_all_its_limits_or_none(noon: HandClock) -> None:
    policy = Policy.from_file(POLICIES / "mailtrap.toml", clock=noon)
    request = {"endpoint": "GET /api/accounts/7/stats/domains", "scopes": {"api-key": "token_1", "account": "7"}}
    for left in range(9, -1, -1):
        verdict = policy.take(**request)  # type: ignore[arg-type]
        assert verdict and verdict.status == 200 and verdict.retry_after == 0.0
        binding = verdict.decision
        assert binding is not None and (binding.id, binding.remaining) == ("api/stats", left)
    peeked = policy.peek(**request)  # type: ignore[arg-type]
    verdict = policy.take(**request)  # type: ignore[arg-type]
    assert not verdict and not peeked and verdict.status == 429 and not verdict.never
    assert (verdict.binding, verdict.scope) == ("api/stats", verdict.limits[0].scope if len(verdict.limits) == 1 else verdict.scope)
    assert verdict.retry_after is not None and 0 < verdict.retry_after <= 60
    assert verdict.retry_after_ns == round(verdict.retry_after * 1e9)
    decision = verdict.decision
    assert decision is not None and (decision.limit, decision.used, decision.cost, decision.unit) == (10, 10, 1, "requests")
    assert {limit.id for limit in verdict.limits} >= {"api/stats"}
    quota = verdict.quota()
    assert quota is not None and (quota["used"], quota["remaining"], quota["limit"]) == (10, 0, 10)
    assert str(quota["resetsAt"]).startswith("2024-01-15T12:0")
    noon.now += verdict.retry_after_ns
    assert policy.take(**request)  # type: ignore[arg-type]
    assert policy.anew().take(**request).limits[0].remaining > 0  # type: ignore[arg-type]


def test_headers_in_every_dialect(noon: HandClock) -> None:
    policy = Policy.from_file(str(POLICIES / "mailiam.toml"), clock=noon)
    verdict = policy.take(plan="free", endpoint="POST /v1/x/send", scopes={"api-key": "k", "ip": "192.0.2.1", "account": "a"})
    assert verdict.allowed and policy.dialect == "mailiam"
    assert verdict.headers() == verdict.headers("mailiam")
    assert verdict.headers("mailiam")["X-RateLimit-Scope"] == verdict.scope
    assert set(verdict.headers("x-ratelimit")) == {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    drafts = verdict.headers("draft-08")
    assert set(drafts) == {"RateLimit", "RateLimit-Policy"} and ";w=3600" in drafts["RateLimit-Policy"]
    assert verdict.headers("retry-after") == {}
    with pytest.raises(ValueError, match="draft-06"):
        verdict.headers("draft-12")


def test_every_published_policy_loads() -> None:
    files = sorted(POLICIES.glob("*.toml"))
    assert len(files) >= 6
    for file in files:
        policy = Policy.from_file(file)
        assert policy.limits and policy.provider in repr(policy)


def test_places_are_held_until_released(noon: HandClock) -> None:
    text = PLACES
    policy = Policy.from_toml(text, clock=noon)
    request = {"endpoint": "GET /", "scopes": {"ip": "192.0.2.1"}}
    first = policy.take(**request)  # type: ignore[arg-type]
    with policy.take(**request) as second:  # type: ignore[arg-type]
        assert first and second
        denied = policy.take(**request)  # type: ignore[arg-type]
        assert not denied and denied.retry_after is None and not denied.never
    assert policy.peek(**request)  # type: ignore[arg-type]
    assert first.release() and not first.release()
    held = [policy.take(**request), policy.take(**request)]  # type: ignore[arg-type]
    assert all(held) and not policy.peek(**request)  # type: ignore[arg-type]
    del held
    gc.collect()
    assert policy.peek(**request)  # type: ignore[arg-type]


def test_errors_say_where() -> None:
    with pytest.raises(PolicyError, match="did you mean `provider`") as caught:
        Policy.from_toml("format = 1\n[provder]\n", "a.toml")
    assert (caught.value.file, caught.value.line) == ("a.toml", 2) and caught.value.column is not None
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.line) == (str(caught.value), 2)
    with pytest.raises(PolicyError) as unread:
        Policy.from_file("no such file.toml")
    assert unread.value.line is None and isinstance(unread.value, ValueError)
    with pytest.raises(PolicyError):
        Policy.from_json("{}")


def test_questions_without_meaning_count_nothing(noon: HandClock) -> None:
    policy = Policy.from_file(POLICIES / "mailiam.toml", clock=noon)
    scopes = {"api-key": "k", "ip": "192.0.2.1", "account": "a"}
    with pytest.raises(RequestError, match="plan"):
        policy.take(endpoint="GET /x", scopes=scopes)
    with pytest.raises(RequestError, match="plan"):
        policy.take(plan="fre", endpoint="GET /x", scopes=scopes)
    with pytest.raises(RequestError, match="api-key"):
        policy.take(plan="free", endpoint="GET /x")
    with pytest.raises(RequestError, match="scope"):
        policy.take(plan="free", endpoint="GET /x", scopes={"apikey": "k"})
    with pytest.raises(RequestError):
        policy.take(plan="free", endpoint="nothing", scopes=scopes)
    with pytest.raises(RequestError):
        policy.take(plan="free", endpoint="GET /x", scopes=scopes, units={"parrots": 1})
    for bad in ({"cost": -1}, {"scopes": {"ip": "\ud800"}}, {"units": {"emails": -1}}):
        with pytest.raises(ValueError):
            policy.take(**{"plan": "free", "endpoint": "GET /x", "scopes": scopes, **bad})  # type: ignore[arg-type]
    for wrong in ({"cost": 1.5}, {"scopes": {"ip": 1}}, {"plan": 1}, {"units": {"emails": 0.5}}):
        with pytest.raises(TypeError):
            policy.take(**{"plan": "free", "endpoint": "GET /x", "scopes": scopes, **wrong})  # type: ignore[arg-type]
    for limit in policy.peek(plan="free", endpoint="GET /x", scopes=scopes).limits:
        assert limit.used == 0
    with pytest.raises(TypeError):
        pickle.dumps(policy)


def test_what_a_limit_said_can_be_sent(noon: HandClock) -> None:
    policy = Policy.from_file(POLICIES / "mailtrap.toml", clock=noon)
    verdict = policy.take(endpoint="GET /api/accounts/7/stats/domains", scopes={"api-key": "k", "account": "7"})
    for limit in verdict.limits:
        for again in (pickle.loads(pickle.dumps(limit)), copy.deepcopy(limit)):
            assert again == limit and hash(again) == hash(limit) and repr(again) == repr(limit)
            assert (again.used, again.reset_after, again.scope) == (limit.used, limit.reset_after, limit.scope)
    with pytest.raises(TypeError, match="limits"):
        copy.copy(verdict)


DAY = """
format = 1
[provider]
name = "A"
[[limit]]
id = "day"
scope = "ip"
endpoints = ["all"]
quota = "{}/day"
"""


@pytest.mark.parametrize("carry, left", [("keep", 0), ("permits", 20), ("proportional", 0), ("reset", 30)])
def test_reloaded_while_it_is_asked(noon: HandClock, tmp_path: Path, carry: str, left: int) -> None:
    policy = Policy.from_toml(DAY.format(10), carry=carry, clock=noon)  # type: ignore[arg-type]
    ip = {"ip": "192.0.2.1"}
    assert policy.take(scopes=ip, endpoint="GET /", cost=10) and not policy.take(scopes=ip, endpoint="GET /")
    with pytest.raises(PolicyError) as caught:
        policy.reload_toml(DAY.format(10).replace("/day", "/moon"), "new.toml")
    assert caught.value.file == "new.toml" and not policy.take(scopes=ip, endpoint="GET /")
    (tmp_path / "new.toml").write_text(DAY.format(30).replace('"A"', '"B"'))
    policy.reload(tmp_path / "new.toml")
    assert policy.provider == "B" and policy.limits == ["day"]
    assert policy.peek(scopes=ip, endpoint="GET /").limits[0].remaining == left
    # By the clock of the policy: what is used is not forgotten, nor earned back at another speed.
    with pytest.raises(PolicyError):
        policy.reload(tmp_path / "none.toml")
    with pytest.raises(PolicyError):
        policy.reload_json("{")


def test_words_that_no_request_has(noon: HandClock) -> None:
    policy = Policy.from_toml(DAY.format(10), clock=noon)
    ip = {"ip": "192.0.2.1"}
    asked: dict[str, Any] = {"scopes": ip, "endpoint": "GET /"}
    bad: dict[str, Any]
    for bad in (
        {"scope": ip},
        {"scopes": [("ip", "x")]},
        {"scopes": {"ip": 7}},
        {"scopes": {"ip": "x", 7: "x"}},
        {"endpoint": 7},
        {"cost": 1.5},
        {"cost": None},
        {"units": 3},
    ):
        with pytest.raises(TypeError):
            policy.take(**{**asked, **bad})
    with pytest.raises(TypeError):
        Policy.from_toml(DAY.format(10), clocks=noon)  # type: ignore[call-arg]
    with pytest.raises(ValueError):
        Policy.from_toml(DAY.format(10), carry="away")  # type: ignore[arg-type]
    assert policy.peek(scopes=ip, endpoint="GET /", plan=None, units=None, zone=None, customer=None).limits[0].used == 0

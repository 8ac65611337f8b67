"""What the middlewares have in common: ask the limit about one request, and say the answer in HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, TypeVar, get_args

from ._headers import headers
from ._limiter import KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup
from ._tidegate import Decision, Policy, Verdict

_Request = TypeVar("_Request")
Limits: TypeAlias = Limiter | KeyedLimiter | LimiterGroup | KeyedLimiterGroup | Policy

# A problem of RFC 9457.
PROBLEM = "application/problem+json"


class Answer:
    """One request's answer: ``status`` (200 if allowed), ``headers`` to send with the response, ``verdict`` or ``decision``."""

    __slots__ = ("decision", "headers", "status")

    def __init__(self, decision: Decision | Verdict, status: int, headers: dict[str, str]) -> None:
        self.decision = decision
        self.status = status
        self.headers = headers

    @property
    def allowed(self) -> bool:
        return self.decision.allowed

    def release(self) -> None:
        """The request is done."""
        if isinstance(self.decision, Verdict):
            self.decision.release()


def problem(answer: Answer) -> bytes:
    """The body of a refusal, unless the caller has another."""
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": answer.status,
        "retry_after": answer.decision.retry_after,
    }
    if isinstance(answer.decision, Verdict) and answer.decision.code is not None:
        said["code"] = answer.decision.code
    return json.dumps(said).encode()


class Gate(Generic[_Request]):
    """A limit, and how to ask it about a request.

    ``key``: whose permits a request costs, or None for a request that is not limited. Of a KeyedLimiter or KeyedLimiterGroup the key; of a Policy a mapping with the
    arguments of ``Policy.take``; a Limiter and a LimiterGroup only look whether it is None.
    """

    def __init__(
        self,
        limiter: Limits,
        key: Callable[[_Request], Any],
        cost: int | Callable[[_Request], int],
        dialect: str | None,
        name: str,
        body: Callable[[Answer], bytes] | None,
    ) -> None:
        if not isinstance(limiter, get_args(Limits)):
            known = ", ".join(kind.__name__ for kind in get_args(Limits))
            raise TypeError(f"expected one of {known}, not {type(limiter).__name__}")
        # A dialect or a name that cannot be sent is an error here, not at the first request.
        names = limiter.quotas if isinstance(limiter, (LimiterGroup, KeyedLimiterGroup)) else [name]
        headers([(name, Decision(True, 1, 1, 0, 0)) for name in names], dialect or "draft-08")
        self.limiter = limiter
        self.key = key
        self.cost = cost
        self.dialect = dialect
        self.name = name
        self.body = problem if body is None else body

    def ask(self, request: _Request) -> Answer | None:
        """Spends; None if the request is not limited."""
        key = self.key(request)
        if key is None:
            return None
        cost = self.cost if isinstance(self.cost, int) else self.cost(request)
        limiter = self.limiter
        if isinstance(limiter, Policy):
            arguments: Mapping[str, Any] = {"cost": cost, **key}
            verdict = limiter.take(**arguments)
            return Answer(verdict, verdict.status, verdict.headers(self.dialect))
        by_key = isinstance(limiter, (KeyedLimiter, KeyedLimiterGroup))
        decision = limiter.take(key, cost) if by_key else limiter.take(cost)
        if isinstance(limiter, (LimiterGroup, KeyedLimiterGroup)):
            # What each of them says now, that of what binds first: the wait is the decision's.
            after = 0 if decision.allowed else cost
            members = limiter.members(key, after) if isinstance(limiter, KeyedLimiterGroup) else limiter.members(after)
            quotas, binding = limiter.quotas, decision.binding
            told = [(name, members[name], quotas[name]) for name in sorted(members, key=lambda name: name != binding)]
        else:
            told = [(self.name, decision, limiter.quota)]
        sent = headers(told, self.dialect or "draft-08")
        return Answer(decision, 200 if decision.allowed else 429, sent)

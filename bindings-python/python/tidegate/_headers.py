"""`headers`: what a decision says, as the header fields of a response."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from ._tidegate import Decision, Quota, _headers

Told: TypeAlias = tuple[str, Decision] | tuple[str, Decision, Quota | None]


def headers(
    decisions: Decision | Iterable[Told],
    dialect: str = "draft-08",
    *,
    name: str = "default",
    quota: Quota | None = None,
    scope: str | None = None,
    retry_after: Literal["seconds", "http-date"] = "seconds",
    now_ns: int | None = None,
) -> dict[str, str]:
    """The header fields that tell a client where it stands.

    ``decisions``: one decision, with its ``name``, ``quota`` (for the length of the window, in the drafts) and ``scope``; or several, as tuples
    ``(name, decision)`` or ``(name, decision, quota)``.
    ``dialect``: "x-ratelimit" (also with "-unix", "-delta", "-iso8601"), "mailiam", "draft-06" to "draft-11", "retry-after".
    ``now_ns``: Unix time in nanoseconds, if not now.

    Waits are rounded up and what remains is rounded down. Raises ValueError for an unknown dialect and for a name that no header can hold.

    >>> headers(Decision(False, 100, 0, 1_500_000_000, 60_000_000_000), "draft-07")
    {'RateLimit': 'limit=100, remaining=0, reset=2', 'Retry-After': '2'}
    """
    if retry_after not in ("seconds", "http-date"):
        raise ValueError(f"retry_after is 'seconds' or 'http-date', not {retry_after!r}")
    if isinstance(decisions, Decision):
        told = [(name, decisions, None if quota is None else quota.period_ns, scope)]
    else:
        told = []
        for each in decisions:
            window = each[2] if len(each) == 3 else None
            told.append((each[0], each[1], None if window is None else window.period_ns, scope))
    return _headers(told, dialect, now_ns, retry_after == "http-date")

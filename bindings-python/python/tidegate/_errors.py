"""The exceptions of tidegate: typed, and they survive pickling with all that they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._tidegate import Decision


class QuotaError(ValueError):
    """A quota that means nothing, or that the algorithm cannot hold.

    ``text`` is the text that could not be read and ``position`` the index of the character at which it could not; both are None
    when the quota came as numbers. ``position`` is None, too, when it is the quota as a whole that does not fit.
    """

    text: str | None
    position: int | None

    def __init__(self, message: str, text: str | None = None, position: int | None = None) -> None:
        # Only the message is an argument of the exception: `str` of it is the message, and pickling restores the rest by name.
        super().__init__(message)
        self.text = text
        self.position = position


class RateLimitExceeded(Exception):
    """Denied, where the answer cannot be a value: by a decorated function, or by ``reserve``.

    ``decision`` is the denied decision; ``decision.retry_after`` says when to come back.
    """

    decision: Decision

    def __init__(self, decision: Decision, message: str | None = None) -> None:
        super().__init__(decision, message)
        self.decision = decision

    def __str__(self) -> str:
        message = self.args[1]
        if message is not None:
            return str(message)
        wait = self.decision.retry_after
        return "the rate limit is exceeded" + ("" if wait is None else f": retry after {wait} s")


class PolicyError(ValueError):
    """A policy file that was refused: ``file``, and where in it ``line`` and ``column`` (from 1; None if the file could not be read at all)."""

    file: str | None
    line: int | None
    column: int | None

    def __init__(self, message: str, file: str | None = None, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column


class RequestError(ValueError):
    """A request that a policy cannot be asked about: an unknown plan, a scope that is not named. Nothing was counted."""


RateLimitExceeded.__module__ = "tidegate"
PolicyError.__module__ = "tidegate"
RequestError.__module__ = "tidegate"
QuotaError.__module__ = "tidegate"

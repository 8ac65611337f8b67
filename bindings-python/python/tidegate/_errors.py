"""The exceptions of tidegate: typed, and they survive pickling with all that they carry."""

from __future__ import annotations


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


QuotaError.__module__ = "tidegate"

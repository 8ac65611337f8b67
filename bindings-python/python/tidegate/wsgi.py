"""WSGI middleware, for Flask, Django, Bottle and whatever else speaks WSGI (PEP 3333).

    app.wsgi_app = RateLimitMiddleware(app.wsgi_app, tidegate.KeyedLimiter("300/min"))     # Flask
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ._web import PROBLEM, Answer, Gate, Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Answer", "RateLimitMiddleware", "client_address"]


def client_address(environ: WSGIEnvironment) -> str:
    """The peer's address. Behind a proxy this is the proxy: give a ``key`` that reads the header which *your* proxy sets."""
    return str(environ.get("REMOTE_ADDR", ""))


class RateLimitMiddleware:
    """As ``tidegate.asgi.RateLimitMiddleware``; key and cost are functions of the WSGI environment."""

    def __init__(
        self,
        app: WSGIApplication,
        limiter: Limits,
        *,
        key: Callable[[WSGIEnvironment], Any] = client_address,
        cost: int | Callable[[WSGIEnvironment], int] = 1,
        dialect: str | None = None,
        name: str = "default",
        body: Callable[[Answer], bytes] | None = None,
        content_type: str = PROBLEM,
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, key, cost, dialect, name, body)
        self.content_type = content_type

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self.gate.ask(environ)
        if answer is None:
            return self.app(environ, start_response)
        told = list(answer.headers.items())
        if not answer.allowed:
            answer.release()
            body = self.gate.body(answer)
            fields = [("Content-Type", self.content_type), ("Content-Length", str(len(body))), *told]
            start_response(_status(answer.status), fields)
            return [body]

        def start(
            status: str,
            headers: list[tuple[str, str]],
            error: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None = None,
            /,
        ) -> Callable[[bytes], object]:
            if error is None:
                return start_response(status, [*headers, *told])
            return start_response(status, [*headers, *told], error)

        try:
            return _Released(self.app(environ, start), answer)
        except BaseException:
            answer.release()
            raise


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Refused"


class _Released:
    """A response that gives the places of its request back when the server closes it."""

    def __init__(self, response: Iterable[bytes], answer: Answer) -> None:
        self.response = response
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.response)

    def close(self) -> None:
        try:
            close = getattr(self.response, "close", None)
            if close is not None:
                close()
        finally:
            self.answer.release()

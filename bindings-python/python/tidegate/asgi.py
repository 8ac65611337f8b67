"""ASGI middleware, for FastAPI, Starlette, Litestar, Quart, Django and whatever else speaks ASGI 3.

    app = RateLimitMiddleware(app, tidegate.KeyedLimiter("300/min"))
    app.add_middleware(RateLimitMiddleware, limiter=tidegate.KeyedLimiter("300/min"), dialect="x-ratelimit")   # Starlette, FastAPI
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ._web import PROBLEM, Answer, Gate, Limits

__all__ = ["Answer", "RateLimitMiddleware", "client_address"]

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


def client_address(scope: MutableMapping[str, Any]) -> str:
    """The peer's address; "" where the server knows none (Unix sockets): all of those are one client.

    Behind a proxy this is the proxy. Give a ``key`` that reads the header which *your* proxy sets: anybody can send the others.
    """
    client = scope.get("client")
    return str(client[0]) if client else ""


class RateLimitMiddleware:
    """Denies requests beyond the limit with 429 and a body, and tells every response's client where it stands.

    limiter: a Limiter or a LimiterGroup (for all requests together), a KeyedLimiter, a KeyedLimiterGroup, or a Policy.
    key: from the ASGI scope, whose permits it costs (of a Policy: a dict with the arguments of ``take``); None: not limited. By default the
        client's address.
    cost: permits a request, or a function of the scope. dialect: of the headers (see ``tidegate.headers``); of a Policy, None is its own.
    name: of the limit, in the dialects that name it. body: from an ``Answer`` the bytes of a refusal. content_type: of that.

    A denied WebSocket is closed before it is accepted (the client sees 403). What places a Policy holds are given back when the response is done.
    """

    def __init__(
        self,
        app: Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]],
        limiter: Limits,
        *,
        key: Callable[[MutableMapping[str, Any]], Any] = client_address,
        cost: int | Callable[[MutableMapping[str, Any]], int] = 1,
        dialect: str | None = None,
        name: str = "default",
        body: Callable[[Answer], bytes] | None = None,
        content_type: str = PROBLEM,
    ) -> None:
        self.app = app
        self.gate = Gate(limiter, key, cost, dialect, name, body)
        self.content_type = content_type

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        answer = self.gate.ask(scope) if scope["type"] in ("http", "websocket") else None
        if answer is None:
            await self.app(scope, receive, send)
            return
        told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]

        async def send_told(message: _Message) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                message = {**message, "headers": [*message.get("headers", ()), *told]}
            await send(message)

        try:
            if answer.allowed:
                await self.app(scope, receive, send_told)
            elif scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                body = self.gate.body(answer)
                length, kind = str(len(body)).encode(), self.content_type.encode("latin-1")
                fields = [(b"content-type", kind), (b"content-length", length), *told]
                await send({"type": "http.response.start", "status": answer.status, "headers": fields})
                await send({"type": "http.response.body", "body": body})
        finally:
            answer.release()

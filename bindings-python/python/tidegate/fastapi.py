"""A FastAPI dependency: ``@app.get("/", dependencies=[Depends(RateLimit(tidegate.KeyedLimiter("300/min")))])``.

Needs FastAPI. For a limit on everything, ``tidegate.asgi`` is cheaper.
"""

# No postponed annotations: FastAPI reads those of `__call__`.
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import HTTPException, Request, Response

from ._web import Answer, Gate, Limits

__all__ = ["Answer", "RateLimit", "client_address"]


def client_address(request: Request) -> str:
    """The peer's address (see ``tidegate.asgi.client_address``)."""
    return request.client.host if request.client else ""


class RateLimit:
    """Raises HTTPException(429) beyond the limit, with the headers; adds the headers to the response otherwise.

    The arguments are those of ``tidegate.asgi.RateLimitMiddleware``; key and cost are functions of the request. detail: of the exception.
    """

    def __init__(
        self,
        limiter: Limits,
        *,
        key: Callable[[Request], Any] = client_address,
        cost: int | Callable[[Request], int] = 1,
        dialect: str | None = None,
        name: str = "default",
        detail: str = "Too Many Requests",
    ) -> None:
        self._gate = Gate(limiter, key, cost, dialect, name, None)
        self._detail = detail

    async def __call__(self, request: Request, response: Response) -> AsyncIterator[None]:
        answer = self._gate.ask(request)
        if answer is None:
            yield
            return
        try:
            if not answer.allowed:
                raise HTTPException(answer.status, self._detail, dict(answer.headers))
            response.headers.update(answer.headers)
            yield
        finally:
            answer.release()

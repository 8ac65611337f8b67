"""Middlewares and hooks against the real frameworks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fastapi
import fastapi.testclient
import flask
import httpx
import pytest
from hand_clock import HandClock
from starlette.websockets import WebSocket, WebSocketDisconnect
from werkzeug.test import Client as WerkzeugClient

import tidegate.asgi
import tidegate.fastapi
import tidegate.wsgi
from tidegate import KeyedLimiter, KeyedLimiterGroup, Limiter, LimiterGroup, Policy

POLICIES = Path(__file__).parents[2] / "policies"
# httpx's own way to call an app; the warnings of the test client's packages are not ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b"hello"})


def get(app: Any, path: str = "/", address: str = "192.0.2.1", **keywords: Any) -> httpx.Response:
    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, **keywords)

    return asyncio.run(main())


def test_asgi(clock: HandClock) -> None:
    app = tidegate.asgi.RateLimitMiddleware(hello, KeyedLimiter("2/min", clock=clock), name="all")
    first = get(app)
    assert (first.status_code, first.text, first.headers["x-own"]) == (200, "hello", "1")
    assert first.headers["ratelimit"] == '"all";r=1;t=30' and first.headers["ratelimit-policy"] == '"all";q=2;w=60'
    assert get(app).status_code == 200
    denied = get(app)
    assert denied.status_code == 429 and denied.headers["retry-after"] == "30"
    assert denied.headers["content-type"] == "application/problem+json" and denied.json()["retry_after"] == 30.0
    assert get(app, address="192.0.2.2").status_code == 200
    clock.now += 30_000_000_000
    assert get(app).status_code == 200


@pytest.mark.parametrize(
    "dialect, field", [("x-ratelimit", "x-ratelimit-reset"), ("mailiam", "x-ratelimit-retryafter"), ("draft-06", "ratelimit-reset")]
)
def test_asgi_in_any_dialect(clock: HandClock, dialect: str, field: str) -> None:
    app = tidegate.asgi.RateLimitMiddleware(hello, Limiter("1/min", clock=clock), dialect=dialect, body=lambda answer: b"no", content_type="text/plain")
    assert field in get(app).headers
    denied = get(app)
    assert (denied.status_code, denied.text, denied.headers["content-type"]) == (429, "no", "text/plain") and field in denied.headers


def test_asgi_keys_costs_and_what_is_not_limited(clock: HandClock) -> None:
    def key(scope: Any) -> str | None:
        return None if scope["path"] == "/health" else dict(scope["headers"]).get(b"x-key", b"").decode()

    app = tidegate.asgi.RateLimitMiddleware(hello, KeyedLimiter("5/min", clock=clock), key=key, cost=lambda scope: len(scope["path"]))
    assert get(app, "/123").headers["ratelimit"].startswith('"default";r=1')
    assert get(app, "/1").status_code == 429
    assert get(app, "/1", headers={"x-key": "b"}).status_code == 200
    assert all(get(app, "/health").status_code == 200 for _ in range(9)) and "ratelimit" not in get(app, "/health").headers


def test_asgi_group_names_what_binds(clock: HandClock) -> None:
    app = tidegate.asgi.RateLimitMiddleware(hello, LimiterGroup(minute="2/min", day="3/day", clock=clock))
    assert [get(app).status_code for _ in range(3)] == [200, 200, 429]
    assert get(app).headers["ratelimit"].startswith('"minute";r=0')


@pytest.mark.parametrize("kind", [LimiterGroup, KeyedLimiterGroup])
def test_each_limit_of_a_group_is_told(clock: HandClock, kind: Any) -> None:
    app = tidegate.asgi.RateLimitMiddleware(hello, kind(minute="2/min", day="3/day", clock=clock))
    first = get(app)
    assert first.headers["ratelimit"] == '"minute";r=1;t=30, "day";r=2;t=28800'
    assert first.headers["ratelimit-policy"] == '"minute";q=2;w=60, "day";q=3;w=86400'
    assert get(app).status_code == 200
    denied = get(app)
    assert denied.status_code == 429 and denied.headers["retry-after"] == "30" and '"minute";r=0;t=30' in denied.headers["ratelimit"]
    clock.now += 60 * 10**9
    assert get(app).headers["ratelimit"].startswith('"day";r=0')
    denied = get(app)
    assert denied.status_code == 429 and int(denied.headers["retry-after"]) == 28_740
    plain = tidegate.asgi.RateLimitMiddleware(hello, kind(minute="2/min", day="3/day", clock=clock), dialect="x-ratelimit-delta")
    assert (get(plain).headers["x-ratelimit-limit"], get(plain).headers["x-ratelimit-reset"]) == ("2", "60")


def test_asgi_policy(clock: HandClock) -> None:
    clock.now = 1_705_320_000_000_000_000
    policy = Policy.from_file(POLICIES / "mailiam.toml", clock=clock)

    def key(scope: Any) -> dict[str, Any]:
        key = dict(scope["headers"])[b"x-api-key"].decode()
        return {
            "plan": "free",
            "endpoint": f"{scope['method']} {scope['path']}",
            "scopes": {"api-key": key, "ip": scope["client"][0], "account": key},
        }

    app = tidegate.asgi.RateLimitMiddleware(hello, policy, key=key)
    answers = [get(app, "/v1/x", headers={"x-api-key": "k"}) for _ in range(150)]
    codes = [answer.status_code for answer in answers]
    assert codes[0] == 200 and codes[-1] == 429 and codes == sorted(codes)
    assert answers[-1].headers["x-ratelimit-retryafter"] == answers[-1].headers["X-RateLimit-RetryAfter"] != "0"
    assert answers[-1].json()["code"]


def test_starlette_and_websockets(clock: HandClock) -> None:
    app = fastapi.FastAPI()
    app.add_middleware(tidegate.asgi.RateLimitMiddleware, limiter=Limiter("2/min", clock=clock), dialect="x-ratelimit")

    @app.get("/")
    def root() -> str:
        return "hello"

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    with fastapi.testclient.TestClient(app) as client:
        assert client.get("/").headers["x-ratelimit-remaining"] == "1"
        with client.websocket_connect("/socket") as session:
            assert session.receive_text() == "hello"
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/socket"):
            pass
        assert client.get("/").status_code == 429


def test_fastapi_dependency(clock: HandClock) -> None:
    app = fastapi.FastAPI()
    limit = tidegate.fastapi.RateLimit(KeyedLimiter("2/min", clock=clock), name="send", key=lambda request: request.headers.get("x-key"))

    @app.post("/send", dependencies=[fastapi.Depends(limit)])
    def send() -> str:
        return "sent"

    with fastapi.testclient.TestClient(app) as client:
        answers = [client.post("/send", headers={"x-key": "a"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["ratelimit"] == '"send";r=1;t=30'
        assert answers[2].headers["retry-after"] == "30" and answers[2].json() == {"detail": "Too Many Requests"}
        assert client.post("/send", headers={"x-key": "b"}).status_code == 200
        assert "ratelimit" not in client.post("/send").headers


def test_flask(clock: HandClock) -> None:
    app = flask.Flask(__name__)

    @app.get("/")
    def root() -> str:
        return "hello"

    app.wsgi_app = tidegate.wsgi.RateLimitMiddleware(app.wsgi_app, KeyedLimiter("2/min", clock=clock))  # type: ignore[method-assign]
    client = app.test_client()
    answers = [client.get("/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["RateLimit"] == '"default";r=1;t=30' and answers[0].text == "hello"
    assert answers[2].headers["Retry-After"] == "30" and answers[2].get_json()["status"] == 429
    assert client.get("/", environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200


def test_wsgi_gives_places_back_when_the_response_is_closed() -> None:
    text = 'format = 1\n[provider]\nname = "A"\ndocument = "D"\n[[limit]]\nid = "x"\nscope = "ip"\nendpoints = ["all"]\nconcurrency = 1\nsource = "1 at the same time"\n'
    policy = Policy.from_toml(text)
    closed = []

    class Body:
        def __iter__(self) -> Any:
            yield b"hello"

        def close(self) -> None:
            closed.append(1)

    def inner(environ: Any, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/boom":
            raise KeyError
        start_response("200 OK", [])
        return Body()

    app = tidegate.wsgi.RateLimitMiddleware(inner, policy, key=lambda environ: {"endpoint": "GET /", "scopes": {"ip": "192.0.2.1"}})
    client = WerkzeugClient(app)
    first = client.get("/", buffered=False)
    assert first.status_code == 200 and client.get("/").status_code == 429
    first.close()
    assert closed == [1]
    with pytest.raises(KeyError):
        client.get("/boom")
    assert client.get("/").status_code == 200


def test_what_cannot_be_sent_is_refused_when_it_is_made() -> None:
    limiter = Limiter("1/s")
    for made in (tidegate.asgi.RateLimitMiddleware, tidegate.wsgi.RateLimitMiddleware):
        with pytest.raises(ValueError):
            made(hello, limiter, dialect="draft-99")  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            made(hello, limiter, name="a\r\nb")  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            made(hello, LimiterGroup({"Übermaß": "1/s"}))  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            made(hello, "1/s")  # type: ignore[arg-type]

"""Flask behind the WSGI middleware: 300 requests a minute for each client, and one route with a limit of its own.

    pip install flask tidegate
    flask --app examples/flask_app.py run
"""

from __future__ import annotations

from flask import Flask, Response, request

import tidegate
from tidegate.wsgi import RateLimitMiddleware

app = Flask(__name__)
# Everything, with headers on every response and a body on 429.
limited = RateLimitMiddleware(app.wsgi_app, tidegate.KeyedLimiter("300/min burst 50"), dialect="draft-08")
setattr(app, "wsgi_app", limited)

reports = tidegate.KeyedLimiter("5/hour", "sliding-window")


@app.get("/")
def index() -> str:
    return "hello"


@app.get("/report")
@reports.limit(key=lambda: request.remote_addr or "")
def report() -> str:
    return "a report"


@app.errorhandler(tidegate.RateLimitExceeded)
def too_many(error: tidegate.RateLimitExceeded) -> Response:
    return Response(str(error), 429, tidegate.headers(error.decision, "draft-08", name="reports", quota=reports.quota))

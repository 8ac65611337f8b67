"""FastAPI: a limit on one route as a dependency, and one on everything as middleware.

    pip install fastapi uvicorn tidegate
    uvicorn --app-dir examples fastapi_app:app
"""

from fastapi import Depends, FastAPI, Request

import tidegate
from tidegate.asgi import RateLimitMiddleware
from tidegate.fastapi import RateLimit

app = FastAPI()
app.add_middleware(RateLimitMiddleware, limiter=tidegate.KeyedLimiter("300/min"), dialect="x-ratelimit")


def api_key(request: Request) -> str:
    return request.headers.get("x-api-key", "")


sends = RateLimit(tidegate.KeyedLimiter("2/min", "sliding-window"), key=api_key, name="send")


@app.post("/send", dependencies=[Depends(sends)])
async def send() -> dict[str, str]:
    return {"status": "sent"}

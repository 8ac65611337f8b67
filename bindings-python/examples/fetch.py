"""Fetch from a server that limits its clients: never more than it says, and again after a failure.

    pip install httpx tidegate
    python examples/fetch.py https://api.example.com/items
"""

from __future__ import annotations

import sys

import httpx

import tidegate
from tidegate.httpx import RateLimitTransport

backoff = tidegate.Backoff.exponential(0.5, max_delay=30, jitter="full", max_retries=5)


@tidegate.retry(backoff, on=httpx.TransportError)
def fetch(client: httpx.Client, url: str) -> int:
    return client.get(url).status_code


if __name__ == "__main__":
    with httpx.Client(transport=RateLimitTransport(max_wait=60)) as client:
        for url in sys.argv[1:]:
            print(url, fetch(client, url))

"""Send at most ten mails a second, as a thread and as asyncio tasks: whoever comes too early waits for his turn.

    python examples/send.py
"""

from __future__ import annotations

import asyncio
import time

import tidegate

limiter = tidegate.Limiter("10/s burst 1")


def send(number: int) -> None:
    with limiter:
        print(f"{time.monotonic() - began:.1f} s: mail {number}")


async def send_async(number: int) -> None:
    async with limiter:
        print(f"{time.monotonic() - began:.1f} s: mail {number}, from a task")


async def main() -> None:
    await asyncio.gather(*(send_async(number) for number in range(5, 10)))


began = time.monotonic()
for number in range(5):
    send(number)
asyncio.run(main())

"""Speed and memory beside the other Python limiters, in one run: a Markdown table.

Each does the same work: one permit of one key, under a quota that admits every call (or, where it says "denied", none); the admissions are counted
and must be right. Times are nanoseconds a call above an empty loop, the best of many short runs taken in turns, so that a busy machine
disturbs all alike. Memory is what the process has grown by, per key, with a million keys in use.

    python bench/compare.py [--quick] [--readme README.md]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import multiprocessing
import os
import platform
import re
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import aiolimiter
import limits
import limits.storage
import limits.strategies
import pyrate_limiter
import rust_py_rate_limit
import throttled
import token_bucket

import tidegate
from tidegate._tidegate import _Floor

LARGE = 10**9
MEMORY_KEYS = 1_000_000


class Case(NamedTuple):
    name: str
    # Whether the call was admitted.
    call: Callable[[], Any]
    calls: int
    admitted: bool = True


def cases(denied: bool) -> list[Case]:
    """One key."""
    amount = 1 if denied else LARGE
    floor = _Floor()
    item = limits.parse(f"{amount} per day")
    fixed = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
    moving = limits.strategies.MovingWindowRateLimiter(limits.storage.MemoryStorage())
    pyrate = pyrate_limiter.Limiter(pyrate_limiter.Rate(amount, pyrate_limiter.Duration.DAY))
    throttle = throttled.Throttled(using="gcra", quota=throttled.per_day(amount, burst=amount))
    rust = rust_py_rate_limit.RateLimiter(limit=min(amount, 2**31), window_seconds=86_400)
    bucket = token_bucket.Limiter(amount / 86_400, amount, token_bucket.MemoryStorage())
    limiter = tidegate.Limiter(f"{amount}/day")
    keyed = tidegate.KeyedLimiter(f"{amount}/day")
    made = [
        Case("an empty PyO3 method", floor.call, 20_000),
        Case("**tidegate** `try_acquire`", limiter.try_acquire, 20_000),
        Case("**tidegate** `take` (a `Decision`)", limiter.take, 20_000),
        Case("an empty PyO3 method with a `str`", lambda call=floor.call_with: call("user_123"), 20_000),
        Case("**tidegate** keyed `try_acquire`", lambda call=keyed.try_acquire: call("user_123"), 20_000),
        Case("rust-py-rate-limit", lambda call=rust.allow: call("user_123"), 10_000),
        Case("token-bucket", lambda call=bucket.consume: call("user_123"), 2_000),
        Case("limits, fixed window", lambda hit=fixed.hit: hit(item, "user_123"), 1_000),
        Case("limits, moving window", lambda hit=moving.hit: hit(item, "user_123"), 500),
        Case("throttled-py, GCRA", lambda limit=throttle.limit: not limit("user_123").limited, 500),
        Case("pyrate-limiter", lambda acquire=pyrate.try_acquire: acquire("user_123", blocking=False), 500),
    ]
    if not denied:
        return made
    for case in made[1:]:
        case.call()
    return [made[0]] + [case._replace(admitted=False) for case in made[1:] if "empty" not in case.name]


def timed(made: list[Case], rounds: int) -> dict[str, float]:
    """The least nanoseconds a call of each."""
    best: dict[str, float] = {}
    empty = float("inf")
    for case in made:
        admissions = sum(map(bool, (case.call() for _ in range(100))))
        assert "empty" in case.name or admissions == (100 if case.admitted else 0), (case.name, admissions)
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        turns = itertools.repeat(None, 20_000)
        began = time.perf_counter_ns()
        for _ in turns:
            pass
        empty = min(empty, (time.perf_counter_ns() - began) / 20_000)
        for case in made:
            call = case.call
            turns = itertools.repeat(None, case.calls)
            began = time.perf_counter_ns()
            for _ in turns:
                call()
            took = (time.perf_counter_ns() - began) / case.calls
            best[case.name] = min(best.get(case.name, took), took)
    gc.enable()
    return {name: took - empty for name, took in best.items()}


def timed_async(rounds: int) -> dict[str, float]:
    """Nanoseconds an `await` when permits are free."""
    best: dict[str, float] = {}

    async def main() -> None:
        limiter = tidegate.Limiter(f"{LARGE}/s")
        other = aiolimiter.AsyncLimiter(LARGE, 1)
        waits: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
            ("**tidegate** `await acquire_async()`", limiter.acquire_async),
            ("aiolimiter `await acquire()`", other.acquire),
        ]
        for _ in range(rounds):
            for name, call in waits:
                began = time.perf_counter_ns()
                for _ in itertools.repeat(None, 2_000):
                    await call()
                took = (time.perf_counter_ns() - began) / 2_000
                best[name] = min(best.get(name, took), took)

    asyncio.run(main())
    return best


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(name: str, keys: int, sender: Any) -> None:
    """In a process of its own: bytes a key."""
    gc.collect()
    gc.disable()
    before = resident()
    hold: Any
    call: Callable[[str], Any]
    if name == "tidegate":
        hold = tidegate.KeyedLimiter("100/day", max_keys=keys)
        call = hold.try_acquire
    elif name == "limits, fixed window":
        hold, item = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage()), limits.parse("100/day")
        call = lambda key: hold.hit(item, key)
    elif name == "token-bucket":
        hold = token_bucket.Limiter(100 / 86_400, 100, token_bucket.MemoryStorage())
        call = hold.consume
    elif name == "rust-py-rate-limit":
        hold = rust_py_rate_limit.RateLimiter(limit=100, window_seconds=86_400)
        call = hold.allow
    else:
        store = throttled.MemoryStore(options={"MAX_SIZE": keys})
        hold = throttled.Throttled(using="gcra", quota=throttled.per_day(100, burst=100), store=store)
        call = hold.limit
    for number in range(keys):
        call(f"user_{number}")
    sender.send((resident() - before) / keys)


def memory(keys: int) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    told = {}
    for name in ("tidegate", "limits, fixed window", "token-bucket", "rust-py-rate-limit", "throttled-py, GCRA"):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=grown, args=(name, keys, sender))
        process.start()
        told[name] = receiver.recv()
        process.join()
    return told


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def report(rounds: int, keys: int) -> str:
    allowed, denied = timed(cases(denied=False), rounds), timed(cases(denied=True), rounds)
    waits, bytes_a_key = timed_async(rounds), memory(keys)
    floor, ours = allowed["an empty PyO3 method"], allowed["**tidegate** `try_acquire`"]
    rows = [
        [name, f"{took:,.0f}", f"{denied[name]:,.0f}" if name in denied and "empty" not in name else "", f"{took / floor:.1f}x", f"{took / ours:.1f}x"]
        for name, took in allowed.items()
    ]
    fast = waits["**tidegate** `await acquire_async()`"]
    peers = ("limits", "pyrate-limiter", "throttled-py", "aiolimiter", "rust-py-rate-limit", "token-bucket")
    return "\n\n".join(
        [
            f"CPython {platform.python_version()}, {platform.machine()}; " + ", ".join(f"{peer} {version(peer)}" for peer in peers) + ".",
            table(["one permit of one key", "ns, admitted", "ns, denied", "of an empty method", "of `try_acquire`"], rows),
            table(["a permit that is free", "ns", "of tidegate"], [[name, f"{took:,.0f}", f"{took / fast:.1f}x"] for name, took in waits.items()]),
            table([f"{keys:,} keys", "bytes a key"], [["**tidegate**" if name == "tidegate" else name, f"{size:,.0f}"] for name, size in bytes_a_key.items()]),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--readme", type=Path, help="put the table between its marks")
    arguments = parser.parse_args()
    said = report(12 if arguments.quick else 60, MEMORY_KEYS // 10 if arguments.quick else MEMORY_KEYS)
    print(said)
    if arguments.readme is not None:
        text = arguments.readme.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
        assert marked.search(text), "no marks"
        arguments.readme.write_text(marked.sub(lambda match: f"{match[1]}{said}\n{match[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

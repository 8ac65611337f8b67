"""Speed and memory beside the other Python limiters, in one run: Markdown tables, and JSON rows.

Each does the same work: one permit of one key, under a quota that admits every call (or, where it says "denied", none). Every call is written out
where it is timed (no lambda in between), and before and after the timing each case counts its admissions, which must be right. Times are nanoseconds a call
above an empty loop; the cases take turns in many short runs, so that a busy machine disturbs all alike. The tables give the least of the runs, the JSON
their median with the quartiles. Memory is what the process has grown by, per key, with a million keys in use.

    python bench/compare.py [--quick] [--readme README.md] [--json FILE]

A row of the JSON: group, name, median_ns, ratio (to tidegate's own row of the group), floor (the ratio to the empty method), low, high (the quartiles); of the
group "memory", bytes (a key) in place of the nanoseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import platform
import re
import statistics
import sys
import time
import timeit
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
    # What is timed, in Python, and what `call` and `x` are in it. Its value says whether the call was admitted.
    statement: str
    call: Callable[..., Any]
    calls: int
    x: Any = None
    admitted: bool = True

    def timer(self) -> timeit.Timer:
        return timeit.Timer(self.statement, globals={"call": self.call, "x": self.x})

    def check(self, times: int = 100) -> None:
        """The work is done: as many are admitted as must be."""
        scope = {"call": self.call, "x": self.x}
        admissions = sum(bool(eval(self.statement, scope)) for _ in range(times))
        assert admissions == (times if self.admitted else 0), (self.name, admissions)


class Measured(NamedTuple):
    """Nanoseconds a call: the least, the quartiles."""

    best: float
    low: float
    median: float
    high: float

    @staticmethod
    def of(runs: list[float], loop: float) -> Measured:
        low, median, high = statistics.quantiles([run - loop for run in runs], n=4)
        return Measured(min(runs) - loop, low, median, high)


FLOOR = "an empty PyO3 method"
KEYED_FLOOR = "an empty PyO3 method with a `str`"
OURS = "**tidegate** `try_acquire`"
KEYED = "**tidegate** keyed `try_acquire`"
WAIT = "**tidegate** `await acquire_async()`"


def cases(denied: bool) -> list[Case]:
    """One key."""
    amount = 1 if denied else LARGE
    floor = _Floor()
    item = limits.parse(f"{amount} per day")
    fixed = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
    moving = limits.strategies.MovingWindowRateLimiter(limits.storage.MemoryStorage())
    pyrate = pyrate_limiter.Limiter(pyrate_limiter.Rate(amount, pyrate_limiter.Duration.DAY))
    # A store of its own: without one it shares the module's.
    throttle = throttled.Throttled(
        using="gcra", quota=throttled.per_day(amount, burst=amount), store=throttled.MemoryStore()
    )
    rust = rust_py_rate_limit.RateLimiter(limit=min(amount, 2**31), window_seconds=86_400)
    bucket = token_bucket.Limiter(amount / 86_400, amount, token_bucket.MemoryStorage())
    limiter = tidegate.Limiter(f"{amount}/day")
    keyed = tidegate.KeyedLimiter(f"{amount}/day")
    made = [
        Case(FLOOR, "call()", floor.call, 20_000),
        Case(OURS, "call()", limiter.try_acquire, 20_000),
        Case("**tidegate** `take` (a `Decision`)", "call()", tidegate.Limiter(f"{amount}/day").take, 20_000),
        Case(KEYED_FLOOR, "call('user_123')", floor.call_with, 20_000),
        Case(KEYED, "call('user_123')", keyed.try_acquire, 20_000),
        Case("rust-py-rate-limit", "call('user_123')", rust.allow, 10_000),
        Case("token-bucket", "call('user_123')", bucket.consume, 2_000),
        Case("limits, fixed window", "call(x, 'user_123')", fixed.hit, 1_000, item),
        Case("limits, moving window", "call(x, 'user_123')", moving.hit, 500, item),
        Case("throttled-py, GCRA", "not call('user_123').limited", throttle.limit, 500),
        Case("pyrate-limiter", "call('user_123', blocking=False)", pyrate.try_acquire, 500),
    ]
    if not denied:
        return made
    denying = [case._replace(admitted=False) for case in made if case.name not in (FLOOR, KEYED_FLOOR)]
    for case in denying:
        case._replace(admitted=True).check(1)
    return denying


def timed(made: list[Case], rounds: int) -> dict[str, Measured]:
    for case in made:
        case.check()
    empty = timeit.Timer("pass")
    timers = [(case, case.timer()) for case in made]
    loops: list[float] = []
    runs: dict[str, list[float]] = {case.name: [] for case in made}
    for _ in range(rounds):
        # A Timer turns the collector off meanwhile.
        loops.append(empty.timeit(20_000) / 20_000 * 1e9)
        for case, timer in timers:
            runs[case.name].append(timer.timeit(case.calls) / case.calls * 1e9)
    # After all that was timed they still do it.
    for case in made:
        case.check()
    return {name: Measured.of(took, min(loops)) for name, took in runs.items()}


def timed_async(rounds: int) -> dict[str, Measured]:
    """Nanoseconds an `await` when permits are free, the loop included."""
    runs: dict[str, list[float]] = {}

    async def main() -> None:
        # In a year: what comes back during the run is nothing beside what is counted.
        limiter = tidegate.Limiter(f"{LARGE}/365d")
        other = aiolimiter.AsyncLimiter(LARGE, 365 * 86_400)
        waits: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
            (WAIT, limiter.acquire_async),
            ("aiolimiter `await acquire()`", other.acquire),
        ]
        for _ in range(rounds):
            for name, call in waits:
                began = time.perf_counter_ns()
                for _ in range(2_000):
                    await call()
                runs.setdefault(name, []).append((time.perf_counter_ns() - began) / 2_000)
        # Each has counted what it let through.
        half = rounds * 1_000
        assert not limiter.peek(LARGE - half).allowed, "tidegate has not counted"
        assert not other.has_capacity(LARGE - half), "aiolimiter has not counted"

    gc.collect()
    gc.disable()
    asyncio.run(main())
    gc.enable()
    return {name: Measured.of(took, 0.0) for name, took in runs.items()}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grown(name: str, keys: int, sender: Any) -> None:
    """In a process of its own: bytes a key."""
    gc.collect()
    gc.disable()
    before = resident()
    hold: Any
    call: Callable[[str], Any]
    admits: Callable[[Any], bool] = bool
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
        call, admits = hold.limit, lambda result: not result.limited
    admitted = sum(map(admits, (call(f"user_{number}") for number in range(keys))))
    assert admitted == keys, (name, admitted)
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


class Results(NamedTuple):
    allowed: dict[str, Measured]
    denied: dict[str, Measured]
    waits: dict[str, Measured]
    bytes_a_key: dict[str, float]
    keys: int

    def markdown(self) -> str:
        floor, keyed_floor = self.allowed[FLOOR].best, self.allowed[KEYED_FLOOR].best
        ours, keyed, fast = self.allowed[OURS].best, self.allowed[KEYED].best, self.waits[WAIT].best
        with_key = list(self.allowed).index(KEYED_FLOOR)
        rows = []
        for place, (name, took) in enumerate(self.allowed.items()):
            denied = f"{self.denied[name].best:,.0f}" if name in self.denied else ""
            under, beside = (floor, ours) if place < with_key else (keyed_floor, keyed)
            rows.append([name, f"{took.best:,.0f}", denied, f"{took.best / under:.1f}x", f"{took.best / beside:.1f}x", f"{took.best / ours:.1f}x"])
        peers = ("limits", "pyrate-limiter", "throttled-py", "aiolimiter", "rust-py-rate-limit", "token-bucket")
        waits = [[name, f"{took.best:,.0f}", f"{took.best / fast:.1f}x"] for name, took in self.waits.items()]
        memory = [["**tidegate**" if name == "tidegate" else name, f"{size:,.0f}"] for name, size in self.bytes_a_key.items()]
        head = ["one permit of one key", "ns, admitted", "ns, denied", "of an empty method", "of tidegate", "of `try_acquire`"]
        return "\n\n".join(
            [
                f"CPython {platform.python_version()}, {platform.machine()}; " + ", ".join(f"{peer} {version(peer)}" for peer in peers) + ".",
                table(head, rows),
                table(["a permit that is free", "ns", "of tidegate"], waits),
                table([f"{self.keys:,} keys", "bytes a key"], memory),
            ]
        )

    def rows(self) -> list[dict[str, str | float | None]]:
        """What a page of all benchmarks reads."""
        told: list[dict[str, str | float | None]] = []
        place = list(self.allowed).index(KEYED_FLOOR)
        keyed = list(self.allowed)[place:]
        groups = (
            ("admitted", {name: took for name, took in self.allowed.items() if name not in keyed}, OURS, FLOOR),
            ("admitted, with a key", {name: self.allowed[name] for name in keyed}, KEYED, KEYED_FLOOR),
            ("denied", {name: took for name, took in self.denied.items() if name not in keyed}, OURS, None),
            ("denied, with a key", {name: took for name, took in self.denied.items() if name in keyed}, KEYED, None),
            ("await", self.waits, WAIT, None),
        )
        for group, measured, ours, floor in groups:
            for name, took in measured.items():
                told.append(
                    {
                        "group": group,
                        "name": plain(name),
                        "median_ns": took.median,
                        "ratio": took.median / measured[ours].median,
                        "floor": took.median / measured[floor].median if floor else None,
                        "low": took.low,
                        "high": took.high,
                    }
                )
        for name, size in self.bytes_a_key.items():
            told.append({"group": "memory", "name": name, "median_ns": None, "bytes": size, "ratio": size / self.bytes_a_key["tidegate"]})
        return told


def plain(name: str) -> str:
    return name.replace("*", "").replace("`", "")


def measured(quick: bool) -> Results:
    rounds, keys = (12, MEMORY_KEYS // 10) if quick else (60, MEMORY_KEYS)
    allowed, denied = timed(cases(denied=False), rounds), timed(cases(denied=True), rounds)
    return Results(allowed, denied, timed_async(rounds), memory(keys), keys)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory beside the other Python limiters.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--readme", type=Path, help="put the table between its marks")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    arguments = parser.parse_args()
    results = measured(arguments.quick)
    said = results.markdown()
    print(said)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(results.rows(), indent=1) + "\n", encoding="utf-8")
    if arguments.readme is not None:
        text = arguments.readme.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- bench -->\n).*(<!-- /bench -->)", re.DOTALL)
        assert marked.search(text), "no marks"
        arguments.readme.write_text(marked.sub(lambda match: f"{match[1]}{said}\n{match[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

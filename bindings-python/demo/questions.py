"""Answers the questions that every language is asked.

Reads the lines of ``demo questions --ask`` on standard input and writes them with the answers of this package appended. A line is
``case algorithm quota now cost``, separated by tabs; the answer is ``allowed remaining retry_after reset_after``, in nanoseconds.
Lines of one case are calls of ``take`` on one limiter, made at time 0 where the case begins. A line that begins with ``#`` is a remark.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import tidegate

HEAD = "# case\talgorithm\tquota\tnow\tcost"
ANSWERS = "\tallowed\tremaining\tretry_after\treset_after"


def answers(lines: Iterable[str]) -> Iterator[str]:
    """The lines, answered. Raises ValueError for a line that is no question."""
    now = 0
    current: str | None = None
    limiter: tidegate.Limiter
    for line in lines:
        line = line.rstrip("\r\n")
        if line.startswith("#"):
            yield line + ANSWERS if line == HEAD else line
            continue
        fields = line.split("\t")
        if len(fields) != 5:
            raise ValueError(f"not a question: {line!r}")
        case, algorithm, quota, at, cost = fields
        if case != current:
            now, current = 0, case
            name: Any = algorithm
            limiter = tidegate.Limiter(quota, name, clock=lambda: now)
        now = int(at)
        decision = limiter.take(int(cost))
        allowed = "true" if decision else "false"
        wait = "never" if decision.retry_after_ns is None else decision.retry_after_ns
        yield f"{line}\t{allowed}\t{decision.remaining}\t{wait}\t{decision.reset_after_ns}"


def main() -> int:
    answered = 0
    for line in answers(sys.stdin):
        print(line)
        answered += not line.startswith("#")
    if answered == 0:
        print("no question was asked", file=sys.stderr)
    return 0 if answered else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The long form of every check, as a table: claim, method, size, result. `make verify` runs it; it fails if one row fails.

    proofs/verify.py [--write] [--list] [WORD...]

A row is run if its claim or method has one of the words in it; all, if there are none. `--write` puts the table into docs/verified.md, if all rows were
run; `--list` runs nothing. FUZZ_SECONDS (300) is the time of a fuzz target. A new check is a new row in ROWS, and no other change. What ends well with a
last line `skipped: WHY` could not be asked on this machine; its row says so. Rows run one after the other, but those that are BESIDE: one after the other
in a lane of their own from the beginning, since most of the others do not use all cores; LATER there, once the first row has set up the languages. Those that
are ALONE, which measure time, wait until these are done.
"""

import os
import re
import subprocess
import sys
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
FUZZ = os.environ.get("FUZZ_SECONDS", "300")

BESIDE, LATER, ALONE = "beside", "beside, later", "alone"
Row = namedtuple("Row", "claim method size command when", defaults=[None])
HALF = max(1, (os.cpu_count() or 1) // 2)

CORE = "cargo test --profile light -p tidegate"
WEAK = f'RUSTFLAGS="--cfg tidegate_spurious --cfg tidegate_seeded" cargo test -p tidegate --target-dir "{TARGET}/spurious"'

ROWS = [
    Row("All that must hold, in four languages", "make test", "the short form of all rows", "TIDEGATE_C_ALL=1 make test"),
    Row("Every promise has a test, every seeded bug one that names it", "script", "docs/promises.md", "proofs/promises.py"),
    Row("Every link and anchor leads somewhere", "script", "every page", "make links"),
    Row("unsafe is noted, counted, and nowhere in the model, the vectors and the policies", "script", "every crate", "make unsafe"),
    Row("The workflows of hosted CI are in form, their actions pinned", "schema, script", "all", "make lint-workflows"),
    Row("Nothing public is added, changed or lost unseen", "cargo-public-api", "two crates", "make api"),
    Row("The oldest compiler has what is used", "clippy, declared versions; that compiler if it is here", "two crates", "make msrv"),
    Row("Every combination of features compiles without a warning", "cargo-hack", "the powerset", "make features"),
    Row("The lowest versions of dependencies that are allowed suffice", "cargo, direct-minimal-versions", "two crates", "make minimal"),
    Row("Licences, sources and duplicates of dependencies", "cargo-deny", "all but those of benchmarks", "make deny"),
    Row("No known flaw in a dependency", "cargo-deny", "the advisory database", "make advisories"),
    Row("The documentation is complete, its links lead somewhere", "rustdoc", "two crates, all features", "make doc"),
    Row("Every example of every page runs as it stands there", "script", "Rust, Python, JavaScript, C, C++", "make examples"),
    Row("Wheel, npm package and C archive are installed and used", "script", "this system", "make test-dist"),
    Row("The core is the reference model", "random sequences", "300,000 a rule", f"TIDEGATE_CASES=300000 {CORE} --test reference"),
    Row("Groups are their members' models, all or nothing", "random sequences", "30,000", f"TIDEGATE_CASES=30000 {CORE} --test group --test group_reserve"),
    Row(
        "Calendar windows are the reference, in every zone",
        "random sequences",
        "300,000; all zones",
        f"TIDEGATE_CASES=300000 TIDEGATE_ZONES=all {CORE} --features serde,calendar --test calendar",
    ),
    Row(
        "What the documentation promises; bad input changes nothing",
        "quickcheck",
        "100,000 a property",
        f"QUICKCHECK_TESTS=100000 {CORE} --features serde --test promises --test bad_input --test backoff_properties",
    ),
    Row("Steps on 8-bit words are their definition", "exhaustive", "all", f"{CORE} --lib exhaustive"),
    Row(
        "Small programs hold in every interleaving",
        "loom, seeded bugs",
        "all of them, or two preemptions more than in make test",
        f'TIDEGATE_PREEMPTIONS=2 RUSTFLAGS="--cfg tidegate_loom" cargo test --profile light -p tidegate --test "loom*" --target-dir "{TARGET}/loom"',
    ),
    Row("Every place is linearizable", "histories of threads", "10,000 a place", f"TIDEGATE_CASES=10000 {CORE} --test linear"),
    Row(
        "The same with exchanges that fail and threads held up in calls; the histories show every bug beside them",
        "histories, weak CAS, seeded bugs",
        "3,000 a place",
        f"TIDEGATE_CASES=3000 {WEAK} --test linear",
    ),
    Row("Exactly the limit passes", "stress", "2,000,000 calls a thread, 2 to 8", f"TIDEGATE_CALLS=2000000 {CORE} --test stress"),
    Row(
        "The same with exchanges that fail two times in three",
        "stress, weak CAS, seeded bugs",
        "200,000 calls a thread, 2 to 8",
        f"TIDEGATE_CALLS=200000 {WEAK} --test stress",
    ),
    Row("Clocks that lie mint nothing", "clock faults", "20,000 worlds a rule", f"TIDEGATE_CASES=20000 {CORE} --test clock_faults"),
    Row("Any bytes", "fuzz", f"{FUZZ} s a target", f"FUZZ_JOBS={HALF} fuzz/run.sh {FUZZ}", BESIDE),
    Row(
        "Waiting costs what it may",
        "measured",
        "one run",
        "cargo run --release -p tidegate-benches --bin waiting -- --check",
        ALONE,
    ),
    Row(
        "Python and Node.js: no call touches memory that is not its own",
        "address sanitizer, seeded faults",
        "both suites",
        "make sanitize-address",
    ),
    Row(
        "The same on the machine that valgrind makes up; Node.js reads nothing that nobody has written",
        "valgrind, seeded faults",
        "every class but Tracker of Node.js, once",
        "make sanitize-valgrind",
        LATER,
    ),
    Row(
        "No two threads touch memory without order",
        "thread sanitizer, std built anew, seeded bug",
        "20,000 calls a thread",
        "make sanitize-threads",
    ),
    Row(
        "No std, no 64-bit atomics: the same answers on a Cortex-M3 and in WebAssembly, in less than 2 KiB",
        "QEMU, Node.js, seeded bugs",
        "every vector, twice",
        "make no-std",
    ),
    Row("The Python package, built from its source alone", "script", "one run", "make package-python", LATER),
    Row("Every runtime of Node.js that is here", "script", "one run", "make test-runtimes"),
]


def figures(output):
    """What a row says for itself: what ran, added up."""
    said = []
    for word, pattern in [
        ("tests", r"test result: ok\. (\d+) passed"),
        ("tests in other languages", r"^(?:python|node)\b.*?(\d+) passed"),
        ("histories", r"^(\d+) histories"),
        ("executions", r"^(\d+) executions"),
        ("sequence steps", r"limiters, (\d+) steps"),
        ("vectors on other machines", r": (\d+) vectors, .* all right$"),
        ("fuzz runs", r": (\d+) runs in"),
    ]:
        total = sum(int(number) for number in re.findall(pattern, output, re.M))
        if total:
            said.append(f"{total:,} {word}")
    return ", ".join(said)


def run(row, log):
    """Whether it held, and the cell that says so."""
    command = row.command
    if "cargo test" in command:
        command += " -- --nocapture"
    began = time.monotonic()
    # What make says of its folders would be the last line.
    environment = {**os.environ, "MAKEFLAGS": "--no-print-directory", "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = done.stdout.decode(errors="replace")
    log.write_text(f"$ {command}\n{output}")
    seconds = time.monotonic() - began
    if done.returncode != 0:
        print("\n".join(output.splitlines()[-40:]), file=sys.stderr)
        return False, f"**FAILED** ({log})"
    # Only the last line: a part that was skipped is no row that was.
    if why := re.search(r"^skipped: (.+)\s*\Z", output, re.M):
        return True, f"skipped: {why[1]}"
    # Tests that were filtered away show nothing.
    if "cargo test" in command and "tests" not in figures(output):
        return False, f"**FAILED**: no test ran ({log})"
    return True, f"holds: {figures(output) or 'done'}, {seconds:,.0f} s"


def main():
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    words = [word.lower() for word in sys.argv[1:] if not word.startswith("--")]
    if unknown := set(options) - {"--write", "--list"}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}\n{__doc__}")
    rows = [row for row in ROWS if not words or any(word in (row.claim + row.method).lower() for word in words)]
    if not rows:
        sys.exit("no row has these words in it")
    if "--list" in options:
        for row in rows:
            print(f"{row.claim} | {row.method} | {row.size} | {row.command}")
        return
    logs = TARGET / "verify"
    logs.mkdir(parents=True, exist_ok=True)
    began, results = time.monotonic(), {}
    head = ["| claim | method | size | result |", "|---|---|---|---|"]
    print("\n".join(head), flush=True)

    def line(row):
        return f"| {row.claim} | {row.method} | {row.size} | {results[row][1]} |"

    set_up = Event()

    def ask(row):
        if row.when == LATER:
            set_up.wait()
        results[row] = run(row, logs / f"{rows.index(row):02}.log")
        print(line(row) + "\n", end="", flush=True)

    with ThreadPoolExecutor(max_workers=1) as lane:
        order = [None, ALONE, BESIDE, LATER]
        queue = sorted(rows, key=lambda row: order.index(row.when))
        beside = [lane.submit(ask, row) for row in queue if row.when in (BESIDE, LATER)]
        try:
            for row in queue:
                if row.when == ALONE:
                    set_up.set()
                    wait(beside)
                if row.when in (None, ALONE):
                    ask(row)
                set_up.set()
        finally:
            set_up.set()
    for asked in beside:
        asked.result()
    table = head + [line(row) for row in rows]
    held = all(ok for ok, _ in results.values())
    total = f"{(time.monotonic() - began) / 60:.0f} minutes on {os.cpu_count()} cores."
    print(total)
    if "--write" in options and held and len(rows) == len(ROWS):
        page = "# Verified\n\nWhat `make verify` said, the long form of [promises.md](promises.md).\n\n"
        (ROOT / "docs/verified.md").write_text(page + "\n".join(table) + f"\n\n{total}\n")
    if not held:
        sys.exit("not all of it holds")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Every mutant of the steps, the key table and the backoff, against the tests that judge them. `make mutants` runs it.

    proofs/mutants.py [--resume] [--every N] [ROOM...]
    proofs/mutants.py --report | --check-itself

cargo-mutants says what the mutants are. It would build the tests once for each; here all are built at once: a function with mutants becomes a
`match` on the number of the mutant that is switched on, with one arm each, and a test reads the number from its environment. A mutant whose arm
does not compile is *unviable*. It is *caught* if a test fails, *timed out* if one spins or hangs, and *missed* otherwise; functions that were
computed while compiling do not see the switch, so a mutant of a constant, one missed in a `const fn`, and one where the type is the body's own (`-> impl`), is built by itself.

docs/mutants.md explains each mutant that is missed, by its name, and has the table. This fails if one is missed that the page does not explain, or if
fewer than 95 % are caught of those that change an answer. `--resume` goes on with a run that was broken off, `--every N` takes every Nth mutant, `--report` only says how the last run
went, and `--check-itself` shows that it can fail.
"""

import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import ROOT, files

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
COPY = TARGET / "mutants-tree"
LIST = TARGET / "mutants.json"
UNVIABLE = TARGET / "mutants-unviable.json"
PAGE = ROOT / "docs/mutants.md"
LIB = "core/src/lib.rs"
FEATURES = "serde,calendar"
LEAST = 0.95
# The headings of the page above mutants that no test of answers could catch: they are not counted among those that change one.
SAME, SLOWER = "Makes no difference", "Costs time only"
# A module of tests that cargo-mutants takes for code, because of its `cfg(all(test, ...))`.
TESTS = "core/src/rule/exhaustive.rs"

# Room: its files, and the tests that judge it, the quickest first: the test program, and what its harness is told.
ROOMS = {
    "steps": (
        ["core/src/rule/**", "core/src/grid.rs", "core/src/wide.rs"],
        ["vectors", "reference", "calendar", "lib --skip exhaustive", "bad_input", "promises", "lease", "lib exhaustive"],
    ),
    "table": (
        ["core/src/keyed/**"],
        ["bad_input", "promises", "wait", "keyed --skip flood --skip threads --skip nobody --skip under_load --skip full_table --skip found",
            "allocation a_table", "group", "group_reserve", "keyed --skip flood", "lib --skip exhaustive", "keyed flood", "linear"],
    ),
    "backoff": (
        ["core/src/backoff/**"],
        ["backoff_golden", "backoff_budget", "lib backoff", "backoff_properties", "backoff_model", "backoff_peers", "backoff_distribution"],
    ),
}
# Sequences a test; a mutant that survives the quick form of those that are made of sequences meets the long one.
QUICK, LONG = "300", "4000"
SCALED = {"reference", "calendar", "group"}

SWITCH = """
/// Which mutant is switched on.
#[doc(hidden)]
pub mod mutant {
    extern crate std;
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
    static NUMBER: AtomicU32 = AtomicU32::new(u32::MAX);
    #[inline(always)]
    pub const fn number() -> u32 {
        core::intrinsics::const_eval_select((), none, asked)
    }
    const fn none() -> u32 {
        0
    }
    #[inline(always)]
    fn asked() -> u32 {
        match NUMBER.load(Relaxed) {
            u32::MAX => first(),
            number => number,
        }
    }
    #[cold]
    fn first() -> u32 {
        let number = std::env::var("TIDEGATE_MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        NUMBER.store(number, Relaxed);
        number
    }
}
"""
HEAD = "#![feature(core_intrinsics, const_eval_select)]\n#![allow(internal_features, warnings, arithmetic_overflow, unconditional_panic)]\n"
# What is no brace of the code, and the braces.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?\'(?:\\[^\']+|[^\\\'])\'|[{}]', re.S)


def place(text, at):
    """The index of a line and a column."""
    begins = 0
    for _ in range(at["line"] - 1):
        begins = text.index("\n", begins) + 1
    return begins + at["column"] - 1


def name(mutant):
    """Its name without line and column, which move."""
    return re.sub(r"^([^:]+):\d+:\d+: ", r"\1: ", mutant["name"])


def body_of(text, function):
    """Where the braces of a function's body stand."""
    begin, end = place(text, function["span"]["start"]), place(text, function["span"]["end"])
    braces = [found for found in TOKEN.finditer(text, begin, end) if found[0] in "{}"]
    depth = 0
    for brace in reversed(braces):
        depth += 1 if brace[0] == "}" else -1
        if depth == 0:
            return brace.start(), braces[-1].start()
    raise ValueError(f"no body: {function}")


def switched(text, mutants):
    """A file in which each function is a choice among its mutants, and the lines of each one's arm."""
    functions = defaultdict(list)
    for number, mutant in mutants:
        functions[body_of(text, mutant["function"])].append((number, mutant))
    made, done, lines = "", 0, {}
    for (opens, closes), group in sorted(functions.items(), key=lambda item: item[0]):
        made += text[done : opens + 1] + " match crate::mutant::number() {\n"
        for number, mutant in group:
            begin, end = place(text, mutant["span"]["start"]), place(text, mutant["span"]["end"])
            body = text[opens + 1 : begin] + mutant["replacement"] + " " + text[end:closes]
            first = made.count("\n") + 1
            made += f"{number} => {{{body}}},\n"
            lines[number] = range(first, made.count("\n") + 1)
        made += f"_ => {{{text[opens + 1 : closes]}}},\n}}"
        done = closes
    made += text[done:]
    return re.sub(r"#\[inline(\(always\))?\]", "#[inline(never)]", made), lines


def write(path, text):
    """Only what changed, or cargo would build it again."""
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def copy_tree():
    kept = files()
    for path in kept:
        there = COPY / path
        source = (ROOT / path).read_bytes()
        if path.startswith("core/src/"):
            continue
        if not there.exists() or there.read_bytes() != source:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, there)
    return [path for path in kept if path.startswith("core/src/")]


def cargo(arguments, **options):
    profile = ["--config", 'profile.mutants.inherits="dev"', "--config", "profile.mutants.opt-level=1", "--config", "profile.mutants.debug=0"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "RUSTC_BOOTSTRAP": "1"}
    command = ["cargo", *profile, *arguments, "--profile", "mutants", "-p", "tidegate", "--features", FEATURES]
    return subprocess.run(command, cwd=COPY, env=environment, text=True, **options)


def selection(tests):
    names = dict.fromkeys(test.split()[0] for test in tests)
    return [word for name in names for word in (["--lib"] if name == "lib" else ["--test", name])]


def lay_out(sources, mutants, unviable):
    """The tree with all mutants in it; where each one's arm is."""
    arms = {}
    by_file = defaultdict(list)
    for number, mutant in mutants.items():
        if number not in unviable and has_switch(mutant):
            by_file[mutant["file"]].append((number, mutant))
    for path in sources:
        text = (ROOT / path).read_text()
        if path in by_file:
            text, lines = switched(text, by_file[path])
            arms.update({(path, line): number for number, range_ in lines.items() for line in range_})
        if path == LIB:
            text = HEAD + text.replace("#![deny(unsafe_code)]\n", "") + SWITCH
        write(COPY / path, text)
    return arms


def build(sources, mutants, tests):
    """The test programs, with all mutants that compile in them, and those that do not."""
    # What did not compile the last time is not tried again as long as the sources are the same: cargo would build everything anew.
    digest = hashlib.sha256("".join(mutant["name"] for mutant in mutants.values()).encode())
    for path in sources:
        digest.update((ROOT / path).read_bytes())
    known = json.loads(UNVIABLE.read_text()) if UNVIABLE.exists() else {}
    unviable = set(known.get(digest.hexdigest(), []))
    steps = [["check", "--lib"], ["test", "--no-run", *selection(tests)]]
    while steps:
        arms = lay_out(sources, mutants, unviable)
        done = cargo([*steps[0], "--message-format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        bad, elsewhere = set(), []
        for message in messages(done):
            if message["reason"] == "compiler-message" and message["message"]["level"] == "error":
                spans = message["message"]["spans"]
                found = {arms.get((span["file_name"], span["line_start"])) for span in spans} - {None}
                bad |= found
                if spans and not found:
                    elsewhere.append(message["message"]["rendered"])
        if done.returncode == 0:
            steps.pop(0)
            UNVIABLE.write_text(json.dumps({digest.hexdigest(): sorted(unviable)}))
        elif not bad:
            sys.exit("\n".join(elsewhere) or done.stderr)
        unviable |= bad
    return programs_of(done), unviable


def messages(done):
    """What cargo said in JSON."""
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def programs_of(done):
    """The test programs that cargo built."""
    built = [message for message in messages(done) if message["reason"] == "compiler-artifact" and message["executable"]]
    return {"lib" if "lib" in one["target"]["kind"] else one["target"]["name"]: one["executable"] for one in built}


def run(programs, test, number, cases, seconds):
    """Whether a test passes: None, or how it fails."""
    program, *told = test.split()
    environment = {**os.environ, "TIDEGATE_MUTANT": str(number), "TIDEGATE_CASES": cases, "RUST_BACKTRACE": "0", "QUICKCHECK_TESTS": "200"}

    def limit():
        os.nice(5)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    process = subprocess.Popen(
        [programs[program], "-q", *told], cwd=COPY / "core", env=environment, preexec_fn=limit, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    spent, since = -1, time.monotonic()
    wait = 0.01
    while process.poll() is None:
        time.sleep(wait)
        wait = min(wait * 1.5, 1)
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            now = int(fields[11]) + int(fields[12])
        except (OSError, IndexError):
            continue
        if now != spent:
            spent, since = now, time.monotonic()
        elif time.monotonic() - since > 20:
            # Asleep for good.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return "timed out"
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "timed out"
    return None if process.returncode == 0 else "caught"


def judge(number, room, programs, limits):
    tests = ROOMS[room][1]
    for test, cases in [(test, QUICK) for test in tests] + [(test, LONG) for test in tests if test in SCALED]:
        if how := run(programs, test, number, cases, limits[test]):
            return how, test
    return "missed", ""


def baseline(programs, tests):
    """How many seconds of a processor a program may take: far more than it does without a mutant."""
    limits = {}
    for test in tests:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        if how := run(programs, test, 0, LONG if test in SCALED else QUICK, 600):
            sys.exit(f"{test} without a mutant: {how}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        limits[test] = int(4 + 4 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    print("seconds at most: " + ", ".join(f"{test} {seconds}" for test, seconds in limits.items()), flush=True)
    return limits


def alone(sources, mutant, room):
    """Built by itself, in place of the code it is a mutant of."""
    lay_out(sources, {}, set())
    text = (ROOT / mutant["file"]).read_text()
    begin, end = place(text, mutant["span"]["start"]), place(text, mutant["span"]["end"])
    write(COPY / mutant["file"], text[:begin] + mutant["replacement"] + " " + text[end:])
    done = cargo(["test", "--no-run", "--message-format", "json", *selection(ROOMS[room][1])], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        return "unviable", "compiler"
    programs = programs_of(done)
    return judge(0, room, programs, {test: 120 for test in ROOMS[room][1]})


def listed(room):
    tool = TARGET / "tools/bin/cargo-mutants"
    command = [str(tool) if tool.exists() else "cargo-mutants", "mutants", "--list", "--json"]
    for pattern in ROOMS[room][0]:
        command += ["-f", pattern]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout)


def has_switch(mutant):
    """Whether it is in a function whose arms are of one type: not in a constant, nor where the type is the body's own."""
    return mutant["function"] is not None and "impl " not in (mutant["function"]["return_type"] or "")


def asks(mutant):
    """Whether the function is called when the program runs, and never by the compiler."""
    text = (ROOT / mutant["file"]).read_text()
    begin, end = place(text, mutant["function"]["span"]["start"]), body_of(text, mutant["function"])[0]
    return re.search(r"\bconst fn\b", text[begin:end]) is None


def explained(page):
    """The mutants that the page explains: the heading under which it does, and how many there are of a name."""
    names, heading = {}, ""
    for line in page.splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif found := re.match(r"\* (?:(\d+) x )?`(core/src/[^`]+)`", line):
            names[found[2]] = heading, int(found[1] or 1)
    return names


def report(results, page):
    """The table, and what is wrong."""
    known, errors = explained(page), []
    table = [
        "| room | mutants | do not compile | caught | timed out | missed: the same | slower | others | caught of those that change an answer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for room in ROOMS:
        mine = [result for result in results if result["room"] == room]
        if not mine:
            continue
        count = Counter(result["outcome"] for result in mine)
        missed = [result for result in mine if result["outcome"] == "missed"]
        same, slower = (sum(known.get(result["name"], [""])[0] == heading for result in missed) for heading in (SAME, SLOWER))
        found = count["caught"] + count["timed out"]
        others = len(missed) - same - slower
        share = found / max(found + others, 1)
        cells = [room, len(mine), count["unviable"], count["caught"], count["timed out"], same, slower, others, f"{share:.1%}"]
        table.append(f"| {' | '.join(map(str, cells))} |")
        if share < LEAST:
            errors.append(f"{room}: {share:.1%} are caught, less than {LEAST:.0%}")
        errors += [f"{result['where']}: missed, and not explained in docs/mutants.md" for result in missed if result["name"] not in known]
        for name, times in Counter(result["name"] for result in missed).items():
            if name in known and times > known[name][1]:
                errors.append(f"{name}: {times} of this name are missed, {known[name][1]} explained in docs/mutants.md")
    return "\n".join(table), errors


def check_itself():
    text = "impl A {\n    const fn f(&self) -> u8 {\n        '{' as u8 + 1 // }\n    }\n}\n"
    span = lambda *at: {"start": dict(zip(("line", "column"), at[:2])), "end": dict(zip(("line", "column"), at[2:]))}
    function = {"span": span(2, 5, 4, 6), "return_type": "-> u8"}
    made, lines = switched(text, [(7, {"function": function, "span": span(3, 19, 3, 20), "replacement": "-"})])
    assert re.search(r"7 => \{\s+'\{' as u8 -  1 // \}\s+\},\n_ => \{\s+'\{' as u8 \+ 1", made), made
    assert made.count("{") == made.count("}") and lines == {7: range(3, 6)}, lines
    named = {"room": "steps", "name": "core/src/a.rs: replace + with - in A::f", "where": "core/src/a.rs:3:19"}
    results = [{**named, "outcome": "caught"}] * 99 + [{**named, "outcome": "missed"}]
    page = f"## In a race\n* 10 x `{named['name']}`: why\n"
    assert report(results, page)[1] == [] and report(results, "")[1]
    assert report(results[-20:], page)[1] == [] and report(results[-10:], page)[1]
    assert report(results + results[-1:] * 10, page)[1]
    assert report(results[-10:], page.replace("In a race", SAME))[1] == []
    print("mutants.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    words = sys.argv[1:]
    every = int(words[words.index("--every") + 1]) if "--every" in words else 1
    rooms = [room for room in ROOMS if room in words] or list(ROOMS)
    if "--report" not in words:
        sources = copy_tree()
        mutants, room_of = {}, {}
        for room in rooms:
            for mutant in listed(room)[::every]:
                number = len(mutants) + 1
                mutants[number], room_of[number] = mutant, room
        tests = list(dict.fromkeys(test for room in rooms for test in ROOMS[room][1]))
        print(f"{len(mutants)} mutants", flush=True)
        programs, unviable = build(sources, mutants, tests)
        limits = baseline(programs, tests)
        kept = json.loads(LIST.read_text()) if "--resume" in words else []
        results, began = [result for result in kept if mutants.get(result["number"], {}).get("name") == result["where"]], time.monotonic()
        done = {result["number"] for result in results}

        def one(number):
            mutant = mutants[number]
            if number in done or mutant["file"] == TESTS:
                return
            if number in unviable:
                how, test = "unviable", "compiler"
            elif has_switch(mutant):
                how, test = judge(number, room_of[number], programs, limits)
            else:
                how, test = "missed", ""
            results.append({"number": number, "room": room_of[number], "name": name(mutant), "where": mutant["name"], "outcome": how, "by": test})
            if how == "timed out" or how == "missed" and has_switch(mutant):
                print(f"{how}: {mutant['name']}", flush=True)
            if len(results) % 20 == 0:
                print(f"{len(results)} after {time.monotonic() - began:.0f} s", flush=True)
                LIST.write_text(json.dumps(list(results), indent=1))

        with ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
            list(pool.map(one, random.Random(1).sample(list(mutants), len(mutants))))
        LIST.write_text(json.dumps(results, indent=1))
        for result in results:
            mutant = mutants[result["number"]]
            if result["outcome"] == "missed" and not (has_switch(mutant) and asks(mutant)):
                result["outcome"], result["by"] = alone(sources, mutant, result["room"])
                print(f"by itself {result['outcome']}: {mutant['name']}", flush=True)
        LIST.write_text(json.dumps(results, indent=1))
    table, errors = report(json.loads(LIST.read_text()), PAGE.read_text())
    print(table)
    if errors:
        sys.exit("\n".join(errors))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Proves that the core needs neither std nor 64-bit atomics, by running it where there are none, and that a GCRA limiter is small there.

    proofs/no_std.py [--check-itself]

* thumbv7m, a Cortex-M3 in QEMU, and wasm32, in Node.js: every conformance vector and every question of answers.rs, with overflow checks.
* thumbv7m again, with an interrupt that calls the same limiter in the middle of calls: exactly the limit passes.
* One firmware with and without a limiter: the difference in flash, the smallest of them at most BOUND bytes.

`--check-itself` shows that it fails on one wrong vector, on one wrong answer, on atomics that an interrupt may not use, and on a limiter that is too large.
Where rustc has no such targets, or QEMU is missing, Debian's are fetched into target/; where they cannot be had, the last line is `skipped: WHY`.
"""

import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import debian

ROOT = Path(__file__).resolve().parent.parent
PROOFS = ROOT / "proofs"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve() / "no-std"
ARM, WASM = "thumbv7m-none-eabi", "wasm32-unknown-unknown"
FIGURES = ["cases", "calls", "refused", "besides", "wrong", "first_wrong", "wrong_answer"]
# The firmware's features, what they are, and whether the bound is theirs.
SIZES = [
    ("word", "WordLimiter in a const: try_acquire_at", True),
    ("word-decision", "the same: take_at and all that the decision says", False),
    ("try-acquire", "Limiter in a static, any rule: try_acquire_at", False),
]
ATOMICS = {"": "global lock", "single-core": "interrupts off"}
BOUND = 2048
# Seconds until a program that runs for one or two is lost, on a machine that may be busy; and where it is to hang.
LOST, HUNG = 300, 20


class Failed(Exception):
    """Not as it must be."""


class Tools:
    """A compiler for both targets, and a microcontroller."""

    def __init__(self):
        host = re.search(r"host: (.*)", said(["rustc", "-vV"]))[1]
        libraries = Path(said(["rustc", "--print", "sysroot"]).strip()) / "lib/rustlib"
        own = all((libraries / target / "lib").exists() for target in (ARM, WASM))
        qemu = shutil.which("qemu-system-arm")
        packages = ([] if own else debian.COMPILER) + ([] if qemu else ["qemu-system-arm"])
        self.environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never"}
        self.cargo, self.std, self.qemu = ["cargo"], [], [qemu]
        # Programs of the folder only: others keep the system's libraries.
        self.run_environment = dict(os.environ)
        if packages:
            root = debian.unpacked(TARGET / "debian", packages, debian.PARTS)
            found = debian.environment(root)
            if not qemu:
                self.qemu = [root / "usr/bin/qemu-system-arm", "-L", root / "usr/share/qemu"]
                self.run_environment |= found
            if not own:
                linkers = libraries / host / "bin"
                if not (linkers / "rust-lld").exists() and not shutil.which("rust-lld"):
                    raise debian.Missing("rustc has no rust-lld beside it")
                debian.sources(root)
                self.cargo, self.std = [root / "usr/bin/cargo"], ["-Zbuild-std=core,alloc"]
                path = f"{linkers}:{os.environ['PATH']}"
                self.environment |= found | {"RUSTC": str(root / "usr/bin/rustc"), "RUSTC_BOOTSTRAP": "1", "PATH": path}
        self.compiler = said([*self.environment.get("RUSTC", "rustc").split(), "--version"], env=self.environment).split()[1]

    def build(self, package, target, features=(), lines=None, rest=()):
        """The file that was built."""
        environment = dict(self.environment)
        if target == ARM:
            environment["RUSTFLAGS"] = f"-Clink-arg=-Tlink.x -Clink-arg=-L{PROOFS}"
        if lines:
            environment["TIDEGATE_LINES"] = str(lines)
        command = [*self.cargo, "rustc", "--quiet", "--release", *self.std, "--target", target, "--manifest-path", PROOFS / package / "Cargo.toml"]
        command += ["--features", ",".join(filter(None, features)), *rest]
        done = subprocess.run(list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Failed(f"{package} for {target} does not build:\n{done.stdout.decode(errors='replace')}")
        return TARGET / target / "release"

    def device(self, program, lost=LOST):
        """What the program prints on the microcontroller. Its time is its instructions', so that every run is the same."""
        board = ["-machine", "mps2-an385", "-icount", "shift=4", "-nographic", "-monitor", "none", "-serial", "none"]
        command = [*self.qemu, *board, "-semihosting-config", "enable=on,target=native", "-kernel", program]
        done = run(command, self.run_environment, lost)
        if done.returncode != 0:
            raise Failed(f"{program.name} ended with {done.returncode}: {done.stdout.decode(errors='replace')}")
        return done.stdout.decode()


def run(command, environment=None, lost=LOST):
    try:
        return subprocess.run(
            list(map(str, command)), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=lost
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{command[-1]} does not end") from None


def said(command, **options):
    return subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, **options).stdout.decode()


def vectors():
    """The vectors as lines."""
    command = ["cargo", "run", "--quiet", "--manifest-path", ROOT / "Cargo.toml", "-p", "tidegate-c", "--example", "flatten"]
    lines = TARGET / "vectors.txt"
    lines.parent.mkdir(parents=True, exist_ok=True)
    text = said(command)
    # An unchanged file is not compiled anew.
    if not lines.exists() or lines.read_text() != text:
        lines.write_text(text)
    return lines


def played(output):
    numbers = re.search(r"figures \[(.*)\]", output)
    if not numbers:
        raise Failed(f"no figures: {output}")
    return dict(zip(FIGURES, map(int, numbers[1].split(", "))))


def play_on_device(tools, lines, features):
    folder = tools.build("no-std-vectors", ARM, features, lines, ["--bin", "cortex-m3"])
    return played(tools.device(folder / "cortex-m3"))


def play_in_wasm(tools, lines, features):
    folder = tools.build("no-std-vectors", WASM, features, lines, ["--lib", "--crate-type", "cdylib"])
    done = run(["node", PROOFS / "no-std-vectors/play.mjs", folder / "no_std_vectors.wasm"])
    return played(done.stdout.decode(errors="replace"))


def judged(where, figures, lines):
    if figures["wrong"] or figures["wrong_answer"]:
        text = lines.read_text().splitlines()
        number = figures["first_wrong"]
        line = text[number - 1] if 0 < number <= len(text) else ""
        raise Failed(f"{where}: {figures}; the first wrong line, {number}: {line}")
    if not figures["cases"] or not figures["refused"]:
        raise Failed(f"{where}: nothing was played")
    return f"{where}: {figures['cases']} vectors, {figures['calls']} calls, {figures['besides']} of them twice, {figures['refused']} refused: all right"


def interrupted(tools, features, lost=LOST):
    folder = tools.build("no-std-vectors", ARM, features, TARGET / "vectors.txt", ["--bin", "interrupts"])
    output = tools.device(folder / "interrupts", lost)
    numbers = re.search(r"passed (\d+) and (\d+) of (\d+)", output)
    if not numbers:
        raise Failed(f"interrupts: {output}")
    main, handler, limit = map(int, numbers.groups())
    if main + handler != limit or not main or not handler:
        raise Failed(f"interrupts: {main} and {handler} passed of {limit}")
    return f"{ARM}, interrupts off, called by an interrupt in the middle of calls: {main} and {handler} passed of {limit}"


def flash(program):
    """Bytes of a program in flash: its loaded segments, from its ELF header on (32 bits, little-endian)."""
    image = program.read_bytes()
    assert image[:6] == b"\x7fELF\x01\x01", program
    at, size, count = *struct.unpack_from("<I", image, 28), *struct.unpack_from("<HH", image, 42)
    segments = (struct.unpack_from("<8I", image, at + number * size) for number in range(count))
    return sum(segment[4] for segment in segments if segment[0] == 1)


def firmware(tools, features):
    return flash(tools.build("no-std-size", ARM, features) / "no-std-size")


def bounded(what, size):
    if not 0 < size < BOUND:
        raise Failed(f"{what}: {size} bytes, and the bound is {BOUND}")


def sizes(tools):
    for feature, what, bound in SIZES:
        for atomics, name in ATOMICS.items():
            size = firmware(tools, [feature, atomics]) - firmware(tools, [atomics])
            if bound:
                bounded(what, size)
            yield f"{ARM}, {name}: {size} bytes of flash, {what}{f' (bound: {BOUND})' if bound else ''}"


def check_itself(tools, lines):
    """Every fault below must be found."""
    text = lines.read_text().splitlines()
    # The remaining permits of the last decision are one more.
    number = max(number for number, line in enumerate(text) if "\tdecision\t" in line)
    fields = text[number].split("\t")
    fields[10] = str(int(fields[10]) + 1)
    wrong = TARGET / "wrong.txt"
    wrong.write_text("\n".join([*text[:number], "\t".join(fields), *text[number + 1 :], ""]))
    for where, play in ((ARM, play_on_device), (WASM, play_in_wasm)):
        figures = play(tools, wrong, ["wrong-answer"])
        if (figures["wrong"], figures["first_wrong"]) != (1, number + 1) or not figures["wrong_answer"]:
            raise Failed(f"{where}: a wrong vector or a wrong answer is not noticed: {figures}")
        must_fail(f"{where}, a wrong vector", f"wrong line, {number + 1}: ", judged, where, figures, wrong)
        must_fail(f"{where}, a wrong answer", "'wrong': 0", judged, where, {**figures, "wrong": 0}, wrong)
    must_fail("a lock that an interrupt waits for", "does not end", interrupted, tools, [], HUNG)
    must_fail("a limiter that is too large", "the bound is", bounded, "Limiter", firmware(tools, ["decision"]) - firmware(tools, []))


def must_fail(what, words, check, *arguments):
    try:
        check(*arguments)
    except Failed as found:
        if words not in str(found):
            raise
        print(f"noticed: {what}", flush=True)
    else:
        raise Failed(f"not noticed: {what}")


def main():
    if unknown := set(sys.argv[1:]) - {"--check-itself"}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}\n{__doc__}")
    TARGET.mkdir(parents=True, exist_ok=True)
    try:
        tools = Tools()
    except debian.Missing as why:
        print(f"skipped: no compiler for {ARM} and {WASM}, or no qemu-system-arm: {why}")
        return
    try:
        lines = vectors()
        if "--check-itself" in sys.argv:
            return check_itself(tools, lines)
        print(f"rustc {tools.compiler}")
        for atomics, name in ATOMICS.items():
            print(judged(f"{ARM}, {name}", play_on_device(tools, lines, [atomics]), lines), flush=True)
        print(judged(WASM, play_in_wasm(tools, lines, []), lines), flush=True)
        print(interrupted(tools, ["single-core"]), flush=True)
        for line in sizes(tools):
            print(line, flush=True)
    except Failed as failed:
        sys.exit(f"no-std: {failed}")


if __name__ == "__main__":
    main()

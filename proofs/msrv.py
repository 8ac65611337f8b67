#!/usr/bin/env python3
"""The published crates keep to `rust-version` of Cargo.toml: 1.88, which brought the chains of `if let` that the code is written with.

Where that compiler is installed (hosted CI; `rustup toolchain install 1.88.0 --profile minimal`), it checks them, with all features, against the lock
file. Where it is not, only what newer ones can tell is asked: clippy knows since when each item of the standard library is there, and each
dependency declares the compiler that it needs. Syntax is not asked then; the last line says so. `--check-itself` shows that it can fail.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import ROOT

CLIPPY = ["clippy", "--quiet", "--lib", "--bins", "--all-features"]
LINT = ["--", "-D", "clippy::incompatible_msrv"]
PUBLISHED = ["-p", "tidegate", "-p", "tidegate-policy"]


def version(text):
    return tuple(int(number) for number in (text.split(".") + ["0", "0"])[:3])


def too_new(packages, ours):
    """Packages that declare a newer compiler than ours."""
    return [
        f"{package['name']} {package['version']} needs Rust {package['rust_version']}"
        for package in packages
        if package["rust_version"] and version(package["rust_version"]) > version(ours)
    ]


def cargo(*words, cwd=ROOT, toolchain=None):
    command = ["cargo", *([f"+{toolchain}"] if toolchain else []), *words]
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def installed(ours):
    """The name of the toolchain of that version, if rustup has it."""
    try:
        listed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True).stdout
    except OSError:
        return None
    return next((line.split()[0] for line in listed.splitlines() if re.match(rf"{re.escape(ours)}(\.0)?-", line)), None)


def check_itself():
    assert version("1.88") == (1, 88, 0) and version("1.100.2") > version("1.88")
    packages = [{"name": "x", "version": "1.0.0", "rust_version": need} for need in (None, "1.88.0", "1.89", "1.100", "1.56")]
    assert len(too_new(packages, "1.88")) == 2
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "src").mkdir()
        for body, holds in [("b\"x\".as_array::<1>().is_some()", False), ("b\"x\".first_chunk::<1>().is_some()", True)]:
            (Path(folder) / "Cargo.toml").write_text('[package]\nname = "x"\nversion = "0.0.0"\nedition = "2024"\nrust-version = "1.88"\n[workspace]\n')
            (Path(folder) / "src/lib.rs").write_text(f"//! x\npub fn x() -> bool {{\n    {body}\n}}\n")
            done = cargo(*CLIPPY, *LINT, cwd=folder)
            assert (done.returncode == 0) == holds and (holds or "incompatible_msrv" in done.stderr), (body, done.stderr)
    print("msrv.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    ours = re.search(r'^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    described = cargo("metadata", "--format-version", "1", "--all-features", "--locked")
    if described.returncode:
        sys.exit(described.stderr)
    packages = json.loads(described.stdout)["packages"]
    if errors := too_new(packages, ours):
        sys.exit("\n".join(errors))
    steps, toolchain = [([*CLIPPY, *PUBLISHED, *LINT], None)], installed(ours)
    if toolchain:
        steps.append((["check", "--quiet", "--locked", "--all-features", *PUBLISHED], toolchain))
    for words, which in steps:
        done = cargo(*words, toolchain=which)
        if done.returncode:
            sys.exit(done.stderr or f"cargo {' '.join(words)} failed")
    declared = sum(1 for package in packages if package["rust_version"])
    print(f"Rust {ours}: the standard library has what is used; {declared} of {len(packages)} packages declare a version, none a newer one")
    print(f"and {toolchain} builds it" if toolchain else f"its syntax was not asked: Rust {ours} is not installed")


if __name__ == "__main__":
    main()

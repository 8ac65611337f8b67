#!/usr/bin/env python3
"""The workflow files of hosted CI are in form, and what they call is here. They cannot run on a desk.

check-jsonschema knows the form. Beyond it: each action is pinned to a commit, with its version beside it; the permissions of a workflow are `contents: read`, a
job may ask for more; no secret is named, and nothing runs a stranger's change with our rights; each `make` calls targets that the Makefile has.
`make lint-workflows` installs what is needed and runs it; `--check-itself` shows that it can fail.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tree import ROOT, files

FOLDER = ".github/workflows/"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")


def targets(makefile):
    return {name for line in re.findall(r"^([a-z][a-z -]*):(?!=)", makefile, re.M) for name in line.split()}


def check_text(path, text, known):
    errors = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition(" #")[0] if "uses:" not in line else line
        if line.lstrip().startswith("#"):
            continue
        where = f"{path}:{number}"
        if (used := re.search(r"\buses:\s*(.+)", code)) and not PINNED.fullmatch(used[1].strip()):
            errors.append(f"{where}: not pinned to a commit with its version: {used[1]}")
        if re.search(r"\bsecrets\b", code):
            errors.append(f"{where}: names a secret")
        if re.search(r"\bpull_request_target\b|\bworkflow_run\b|\bwrite-all\b", code):
            errors.append(f"{where}: rights for a stranger's change")
        # Names of people, branches and requests are a stranger's text; in a shell they come as variables of the environment.
        if re.search(r"\$\{\{[^}]*\bgithub\.(event|head_ref|ref_name|actor)\b", code):
            errors.append(f"{where}: a stranger's text, unquoted")
        if called := re.search(r"(?:\bmake:|run: make) +([^$]*)$", code):
            unknown = set(called[1].split()) - known
            errors += [f"{where}: the Makefile has no {name}" for name in sorted(unknown)]
    if not re.search(r"^permissions:\n  contents: read\n(?! )", text, re.M):
        errors.append(f"{path}: its permissions are not `contents: read`")
    return errors


def check_form(paths):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def check_itself():
    pinned = "actions/checkout@" + "0" * 40 + " # v1.2.3"
    good = (
        "name: x\non: push\npermissions:\n  contents: read\njobs:\n  x:\n    runs-on: ubuntu-latest\n"
        f"    steps:\n      - uses: {pinned}\n      - run: make test lint\n"
    )
    known = targets("all test: lint\nlint:\nX := y\n")
    assert known == {"all", "test", "lint"}, known
    assert check_text("x", good, known) == []
    for before, after in [
        (pinned, "actions/checkout@v4"),
        (pinned, "actions/checkout@" + "0" * 40),
        ("make test lint", "make test gone"),
        ("    steps:", "    strategy:\n      matrix:\n        make: gone\n    steps:"),
        ("make test lint", "echo ${{ secrets.TOKEN }}"),
        ("make test lint", "echo ${{ github.event.pull_request.title }}"),
        ("on: push", "on: pull_request_target"),
        ("  contents: read", "  contents: write"),
        ("permissions:\n  contents: read\n", ""),
        ("permissions:\n  contents: read\n", "permissions: write-all\n"),
    ]:
        assert before in good and check_text("x", good.replace(before, after), known), after
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.yml"
        file.write_text(good)
        assert check_form([file]) == [], check_form([file])
        for before, after in [("runs-on", "runs_on"), ("on: push", "on: pushed"), ("      - run", "      - runs"), ("jobs:", "jobs: [")]:
            file.write_text(good.replace(before, after))
            assert check_form([file]), after
    print("workflows.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    known = targets((ROOT / "Makefile").read_text())
    paths = [path for path in files() if path.startswith(FOLDER)]
    errors = check_form([ROOT / path for path in paths]) if paths else [f"{FOLDER} is empty"]
    for path in paths:
        errors += check_text(path, (ROOT / path).read_text(), known)
    if errors:
        sys.exit("\n".join(errors))
    print(f"{len(paths)} workflows are in form; every action pinned, every make target here")


if __name__ == "__main__":
    main()

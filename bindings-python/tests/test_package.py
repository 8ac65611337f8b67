"""The package: one version, complete types, the questions of all languages."""

from __future__ import annotations

import doctest
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import tidegate

HERE = Path(__file__).parents[1]


def test_one_version() -> None:
    workspace = (HERE.parent / "Cargo.toml").read_text(encoding="utf-8")
    declared = re.search(r'^\[workspace\.package\]\nversion = "(.+)"$', workspace, re.MULTILINE)
    assert declared is not None
    assert tidegate.__version__ == importlib.metadata.version("tidegate") == declared.group(1)


def test_what_is_exported_says_where_it_is_from() -> None:
    for name in tidegate.__all__:
        if name != "__version__":
            assert getattr(tidegate, name).__module__ == "tidegate"


def test_examples() -> None:
    assert doctest.testmod(tidegate).attempted > 0
    failed, attempted = doctest.testfile(str(HERE / "README.md"), module_relative=False)
    assert attempted > 0 and failed == 0 and doctest.testmod(tidegate).failed == 0


def test_the_stubs_are_those_of_the_module(tmp_path: Path) -> None:
    run("-m", "mypy.stubtest", "tidegate", cwd=tmp_path)


def test_types(tmp_path: Path) -> None:
    files = [HERE / "tests", HERE / "demo", HERE / "examples"]
    run("-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *map(str, files), cwd=tmp_path)


def test_types_as_pyright_reads_them(tmp_path: Path) -> None:
    run("-m", "pyright", "--project", str(HERE / "pyrightconfig.json"), "--pythonpath", sys.executable, cwd=tmp_path)


def test_questions() -> None:
    asked = [
        "# case\talgorithm\tquota\tnow\tcost",
        "1\tgcra\t10/s burst 2\t0\t2",
        "1\tgcra\t10/s burst 2\t0\t1",
        "1\tgcra\t10/s burst 2\t0\t3",
        "# another limiter, at time 0 again",
        "2\tgcra\t10/s burst 2\t50000000\t0",
    ]
    answered = [
        "# case\talgorithm\tquota\tnow\tcost\tallowed\tremaining\tretry_after\treset_after",
        "1\tgcra\t10/s burst 2\t0\t2\ttrue\t0\t0\t200000000",
        "1\tgcra\t10/s burst 2\t0\t1\tfalse\t0\t100000000\t200000000",
        "1\tgcra\t10/s burst 2\t0\t3\tfalse\t0\tnever\t200000000",
        "# another limiter, at time 0 again",
        "2\tgcra\t10/s burst 2\t50000000\t0\ttrue\t2\t0\t0",
    ]
    said = run(str(HERE / "demo" / "questions.py"), given="\n".join(asked) + "\n")
    assert said.splitlines() == answered


def test_no_question_is_no_answer() -> None:
    for given in ("", "# case\n", "1\tgcra\n", "1\tleaky\t1/s\t0\t1\n"):
        process = subprocess.run(
            [sys.executable, str(HERE / "demo" / "questions.py")], input=given, capture_output=True, text=True, check=False
        )
        assert process.returncode != 0 and process.stderr


def run(*arguments: str, given: str = "", cwd: Path | None = None) -> str:
    process = subprocess.run(
        [sys.executable, *arguments], input=given, capture_output=True, text=True, cwd=cwd, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout

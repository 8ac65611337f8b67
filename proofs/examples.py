#!/usr/bin/env python3
"""Every fenced block of the pages for readers runs as it stands there: Rust, Python, JavaScript, C and C++.

The pages are README.md, bindings-*/README.md, policies/README.md and docs/*.md. A block says its language. A program must build without a warning
and end well; around some stands what the reader brings along (AROUND), nothing else is added but a `main`. Rust pages that a source includes are run
there as doc-tests. Of commands (`sh`) it is checked that what they call is here; data must be readable; NOT_RUN says why others are not asked.
`make examples` builds the four languages first; `--check-itself` shows that it can fail.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from tree import ROOT, files

TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
SCRATCH = TARGET / "examples"
PAGES = re.compile(r"(bindings-[a-z]+/|policies/)?README\.md|docs/[^/]+\.md")
FENCE = re.compile(r"^```(\S*)\s*$(.*?)^```\s*$", re.M | re.S)
NOT_RUN = {"text": "what a program printed", "nginx": "a peer's configuration, for comparison"}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

# A line of a block; what the reader's program has before it, and after it.
AROUND = [
    (
        "with policy.take(plan=",
        "import tidegate\nkey, address, account = 'k', '192.0.2.1', 'a'\n"
        "class Answer(dict):\n    headers = {}\nhandle, refuse = Answer, lambda status, code: Answer()\n",
        "",
    ),
    ("bool may_pass(", "", "int main() { return may_pass(\"ann\") ? 0 : 1; }\n"),
    (
        "from 'tidegate/express';",
        "import express from 'express'; import { KeyedLimiter, Policy } from 'tidegate';\n"
        "const app = express(), policy = Policy.fromFile('mailiam.toml');\n",
        "",
    ),
    (
        "from 'tidegate/fastify';",
        "import fastify from 'fastify'; import { KeyedLimiter } from 'tidegate';\nconst app = fastify(), search = async () => 'found';\n",
        "await app.ready();\n",
    ),
    ("from 'tidegate/fetch';", "import { Limiter } from 'tidegate';\n", ""),
    (
        "from 'tidegate/express-rate-limit';",
        "import expressRateLimit from 'express-rate-limit'; import express from 'express';\nconst app = express();\n",
        "",
    ),
]
LANGUAGES = ("rust", "python", "js", "c", "cpp", "toml", "sh")


def blocks(page):
    for found in FENCE.finditer(page):
        yield page.count("\n", 0, found.start()) + 1, found[1], found[2].lstrip("\n")


def ended(command, **options):
    """What is wrong with how it ended, or None."""
    done = subprocess.run(command, cwd=SCRATCH, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, **options)
    return None if done.returncode == 0 else done.stdout.strip() or f"exit {done.returncode}"


def put(name, text):
    (SCRATCH / name).write_text(text)
    return SCRATCH / name


class Programs:
    """How a block of each language is run. Built here: the crates; by make, before: the package in `python`, the addon, the C library."""

    def __init__(self, python, crates=("tidegate", "tidegate-policy")):
        self.interpreter = python
        SCRATCH.mkdir(parents=True, exist_ok=True)
        for name, place in [("policies", ROOT / "policies"), ("mailiam.toml", ROOT / "policies/mailiam.toml")]:
            self.link(SCRATCH / name, place)
        modules = SCRATCH / "node_modules"
        modules.mkdir(exist_ok=True)
        for place in [ROOT / "bindings-node", *(ROOT / "bindings-node/node_modules").glob("[a-z@]*")]:
            self.link(modules / ("tidegate" if place.name == "bindings-node" else place.name), place)
        self.rlibs = self.build(crates) if crates else []

    @staticmethod
    def link(link, place):
        if not link.is_symlink():
            link.symlink_to(place)

    @staticmethod
    def build(crates):
        packages = [word for crate in crates for word in ("-p", crate)]
        features = ["--no-default-features", "--features", "tidegate/std"]
        command = ["cargo", "build", "--quiet", "--lib", *features, *packages, "--message-format=json"]
        environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
        said = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        made = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        rlibs = {item["target"]["name"]: item["filenames"][0] for item in made if item["reason"] == "compiler-artifact"}
        names = [crate.replace("-", "_") for crate in crates]
        return [word for name in names for word in ("--extern", f"{name}={rlibs[name]}")] + ["-L", f"dependency={TARGET}/debug/deps"]

    def rust(self, code):
        file = put("block.rs", f"fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{code}Ok(())\n}}\n")
        return ended(["rustc", "--edition=2024", "-Dwarnings", "-Aunused", *self.rlibs, "-o", "block", str(file)]) or ended(["./block"])

    def python(self, code):
        return ended([self.interpreter, "-W", "error", str(put("block.py", code))])

    def python_session(self, typed):
        return ended([self.interpreter, "-m", "doctest", str(put("session.txt", typed))])

    def js(self, code):
        module = re.search(r"^import ", code, re.M)
        return ended(["node", str(put("block.mjs" if module else "block.cjs", code))])

    def c(self, code, compiler="cc", standard="c99", name="block.c"):
        if "int main(" not in code:
            includes = "".join(re.findall(r"^#include .*\n", code, re.M))
            code = includes + "int main(void) {\n" + re.sub(r"^#include .*\n", "", code, flags=re.M) + "return 0;\n}\n"
        command = [compiler, f"-std={standard}", *WARNINGS, "-I", str(ROOT / "bindings-c/include"), str(put(name, code)), "-o", "block"]
        lib = TARGET / "c/lib"
        return ended([*command, f"-L{lib}", "-ltidegate", f"-Wl,-rpath,{lib}"]) or ended(["./block"])

    def cpp(self, code):
        return self.c(code, "c++", "c++17", "block.cpp")

    def toml(self, code):
        try:
            tomllib.loads(code)
        except tomllib.TOMLDecodeError as error:
            return str(error)

    def sh(self, code):
        return "\n".join(filter(None, map(missing, code.replace("\\\n", " ").splitlines()))) or None


def missing(line):
    """What a command line calls that is not here."""
    makefile = (ROOT / "Makefile").read_text()
    for command in re.split(r"&&|;|\|", re.sub(r"(^|\s)#.*", "", re.sub(r"\"[^\"]*\"", "text", line))):
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        if not words:
            continue
        tool, rest = words[0], words[1:]
        if tool == "make":
            gone = [word for word in rest if not re.search(rf"^([a-z -]+ )?{re.escape(word)}( [a-z -]+)?:(?!=)", makefile, re.M)]
        elif tool == "npm":
            scripts = json.loads((ROOT / "bindings-node/package.json").read_text())["scripts"]
            gone = [] if rest[0] == "ci" else [word for word in rest[-1:] if word not in scripts]
        elif tool == "cargo" and "--bin" in rest:
            manifest = (ROOT / rest[rest.index("-p") + 1].replace("tidegate-", "", 1) / "Cargo.toml").read_text()
            gone = [name for name in [rest[rest.index("--bin") + 1]] if f'name = "{name}"' not in manifest]
            gone += [word for word in rest if "/" in word and not list(ROOT.glob(word))]
        elif tool == "tidegate":
            gone = [word for word in rest[:1] if word not in ("check", "explain", "simulate")]
        elif tool in ("pip", "node"):
            gone = [word for word in rest if "/" in word and not (ROOT / word).exists() and not (ROOT / "bindings-node" / word).exists()]
        else:
            return f"nobody knows how to check `{command.strip()}`"
        if gone:
            return f"`{command.strip()}`: there is no {' '.join(gone)}"
    return None


def check(page, programs):
    """Line and error of each block that does not hold, and how many were asked."""
    errors, count, session = [], 0, []
    for line, language, code in blocks(page):
        if language in NOT_RUN:
            continue
        count += 1
        if language == "python" and ">>> " in code:
            session.append((line, code))
            continue
        for mark, before, after in AROUND:
            if mark in code:
                code = before + code + after
        problem = getattr(programs, language)(code) if language in LANGUAGES else "a block of no language that is run"
        if problem:
            errors.append(f"{line}: {problem}")
    if stray := re.search(r"^\s*(```|~~~)", FENCE.sub("", page), re.M):
        errors.append(f"a fence that is not seen: {stray[0].strip()}")
    # What is typed at Python's prompt goes on from block to block; each on its lines.
    typed = ""
    for line, code in session:
        typed += "\n" * (line - typed.count("\n")) + code
    if session and (problem := programs.python_session(typed)):
        errors.append(f"{session[0][0]}: {problem}")
    return errors, count


def check_itself(programs):
    for language, good, bad in [
        ("rust", "assert_eq!(\"1\".parse::<u8>()?, 1);", ["let x: u8 = \"\";", "\"x\".parse::<u8>()?;", "panic!();", "tidegate::gone();"]),
        ("python", "import sys\n", ["1 / 0", "import gone_away", ">>> 1 + 1\n3\n", ">>> 1 +"]),
        ("js", "const { Limiter } = require('tidegate')", ["require('tidegate').gone()", "import 'gone'", "throw 1"]),
        ("c", "#include <tidegate.h>\ntidegate_quota quota; (void)quota;", ["int x = \"\";", "#include <gone.h>\n", "return 1;"]),
        ("cpp", "#include <tidegate.hpp>\nint main() {}", ["int main() { gone(); }"]),
        ("toml", "a = 1", ["a = "]),
        ("sh", "X=1 make test   # all\nnpm ci && npm test", ["make gone", "npm run gone", "gone", "make test; make gone", "pip install ./gone"]),
        ("text", "anything", []),
    ]:
        for code, wrong in [(good, 0), *((code, 1) for code in bad)]:
            errors, _ = check(f"# Page\n\n```{language}\n{code}\n```\n", programs)
            assert len(errors) == wrong, (language, code, errors)
    for page in ["```\nx\n```\n", "```perl\nx\n```\n", "  ```c\n  x\n  ```\n", "~~~c\nx\n~~~\n", "```c ignored\nx\n```\n"]:
        assert len(check(page, programs)[0]) == 1, page
    print("examples.py refuses what it must")


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    # Not resolved: a link to another interpreter is how an environment is told.
    programs = Programs(str(Path(words[0]).absolute()) if words else sys.executable)
    if "--check-itself" in sys.argv:
        return check_itself(programs)
    tree = files()
    included = {
        os.path.normpath(os.path.join(os.path.dirname(name), found))
        for name in tree
        if name.endswith(".rs")
        for found in re.findall(r"#\[doc = include_str!\(\"([^\"]*\.md)\"\)\]", (ROOT / name).read_text())
    }
    wrong, total, pages = [], 0, [name for name in tree if PAGES.fullmatch(name)]
    used = set()
    for name in pages:
        page = (ROOT / name).read_text()
        used |= {mark for mark, _, _ in AROUND if mark in page}
        if name in included:
            assert {language for _, language, _ in blocks(page)} <= {"rust", "text"}, f"{name}: only its Rust runs"
            continue
        errors, count = check(page, programs)
        total += count
        wrong += [f"{name}:{error}" for error in errors]
    wrong += [f"AROUND: no page has {mark}" for mark, _, _ in AROUND if mark not in used]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{total} blocks of {len(pages)} pages hold; {', '.join(sorted(included))} as doc-tests")


if __name__ == "__main__":
    main()

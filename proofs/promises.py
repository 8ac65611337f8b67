#!/usr/bin/env python3
"""Every promise names its test, and every seeded bug has one that must catch it.

docs/semantics.md: each item of a list there is a promise and bears an anchor, `<a id="name"></a>`; paragraphs that promise bear one, too.
docs/promises.md: one row each, which names at least one test as `path::function`. This fails when a promise has no row, a row no promise, a row no
test, a test does not exist, or a row claims a method that none of its tests is of. core/src/sync.rs: each `Bug` must be switched on somewhere in the code and named by a test.
Run by `make test`; `--check-itself` shows that it can fail.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ANCHOR = re.compile(r'<a id="([a-z0-9-]+)"></a>')
# Where the tests of a method are.
METHODS = {
    "E": r"^core/src/(rule/exhaustive|grid)\.rs",
    "R": r"^core/tests/(reference|group|group_reserve|keyed|calendar/twin|calendar/partition)\.rs|^reference/tests/|^core/tests/backoff_model",
    "V": r"^core/tests/vectors\.rs|^core/tests/backoff_golden\.rs",
    "Q": r"^core/tests/(promises|bad_input)/|^core/tests/backoff_properties\.rs",
    "L": r"^core/tests/linear/",
    "W": r"^core/tests/loom\w*\.rs",
    "S": r"^core/tests/(stress|concurrency)\.rs|::threads_",
    "C": r"^core/tests/clock_faults\.rs|^core/tests/wait/clocks\.rs",
    "F": r"^fuzz/",
    "T": r"^proofs/ordered/",
    "N": "",
    "H": "",
}
TEST = re.compile(r"`([\w/.-]+\.(?:rs|py|mjs|c|toml))::(\w+)`")


def promises(page):
    """The names of the page's promises, and what bears none."""
    names, bare, fenced = [], [], False
    for number, line in enumerate(page.splitlines(), 1):
        fenced ^= line.startswith("```")
        names += ANCHOR.findall(line)
        if line.startswith("* ") and not ANCHOR.search(line) and not fenced:
            bare.append(f"docs/semantics.md:{number}: an item without an anchor: {line[:60]}")
    return names, bare


def exists(path, function, root):
    file = root / path
    if not file.is_file():
        return False
    text = file.read_text()
    # A test, or the name that a macro makes one of.
    by_macro = "macro_rules!" in text and re.search(rf"^\s+{function}: [A-Z]|^targets! \{{.*\b{function}\b", text, re.M)
    if file.suffix != ".rs":
        return bool(re.search(rf"\b{function}\b", text))
    return bool(re.search(rf"test\]\s+(?:#\[[^\]]*\]\s+)*(?:async )?fn {function}\b", text) or by_macro)


def rows(page):
    for number, line in enumerate(page.splitlines(), 1):
        if found := re.match(r"\| \[([a-z0-9-]+)\]\(semantics\.md#\1\) \|([^|]*)\|", line):
            yield number, found[1], found[2].split(), TEST.findall(line)


def check_promises(semantics, table, root):
    names, errors = promises(semantics)
    seen = {}
    for number, name, methods, tests in rows(table):
        where = f"docs/promises.md:{number}: {name}"
        if name in seen:
            errors.append(f"{where}: a second row")
        seen[name] = tests
        if name not in names:
            errors.append(f"{where}: no such promise")
        if not tests:
            errors.append(f"{where}: names no test")
        for method in methods:
            if method not in METHODS:
                errors.append(f"{where}: {method} is no method")
            elif not any(re.search(METHODS[method], "::".join(test)) for test in tests):
                errors.append(f"{where}: no test of method {method}")
    named = [f"{path}::{test}" for path, test in TEST.findall(table) if not exists(path, test, root)]
    errors += [f"docs/promises.md: no test {name}" for name in dict.fromkeys(named)]
    errors += [f"docs/semantics.md: {name}: twice" for name in {n for n in names if names.count(n) > 1}]
    errors += [f"docs/semantics.md: {name}: no row in docs/promises.md" for name in names if name not in seen]
    return errors, len(names), sum(len(tests) for tests in seen.values())


def bugs(source):
    body = re.search(r"pub enum Bug \{(.*?)\n\}", source, re.S)[1]
    return re.findall(r"^    (\w+),$", body, re.M)


def check_bugs(source, code, tests):
    """`code` and `tests` are texts: where bugs are switched on, and where they must be caught."""
    errors = []
    for bug in bugs(source):
        if not re.search(rf"seeded\(Bug::{bug}\)", code):
            errors.append(f"core/src/sync.rs: {bug}: is nowhere in the code")
        # Named in full, or in the list of `holds_but_not_with!` and of macros that pass it on.
        if not re.search(rf"Bug::{bug}\b", tests) and not re.search(rf"\[[\w,\s]*\b{bug}\b[\w,\s]*\]", tests):
            errors.append(f"core/src/sync.rs: {bug}: no test names it")
    return errors


def text_of(folder):
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*.rs")))


def check_itself():
    root = ROOT
    good = "* <a id=\"one\"></a>text\n"
    row = "| [one](semantics.md#one) | R | `core/tests/reference.rs::gcra_is_the_reference` | |\n"
    assert check_promises(good, row, root)[0] == []
    for semantics, table in [
        ("* text\n", ""),
        (good, ""),
        (good, row + row),
        (good, row.replace("[one](semantics.md#one)", "[two](semantics.md#two)")),
        (good, row.replace("gcra_is_the_reference", "gcra_is_gone")),
        (good, row.replace("reference.rs", "gone.rs")),
        (good, "| [one](semantics.md#one) | R | | |\n"),
        (good, row.replace("| R |", "| L |")),
        (good, row.replace("| R |", "| X |")),
        (good, row.replace("gcra_is_the_reference", "cases")),
    ]:
        assert check_promises(semantics, table, root)[0], (semantics, table)
    source = "pub enum Bug {\n    /// Words.\n    Lost,\n}\n"
    assert check_bugs(source, "seeded(Bug::Lost)", "holds_but_not_with!([Other, Lost], x)") == []
    assert check_bugs(source, "", "[Bug::Lost]") and check_bugs(source, "seeded(Bug::Lost)", "Lost")
    print("promises.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    semantics, table = (ROOT / "docs" / name for name in ("semantics.md", "promises.md"))
    errors, count, tests = check_promises(semantics.read_text(), table.read_text(), ROOT)
    source = (ROOT / "core/src/sync.rs").read_text()
    errors += check_bugs(source, text_of(ROOT / "core/src"), text_of(ROOT / "core/tests"))
    if errors:
        sys.exit("\n".join(errors))
    print(f"{count} promises name {tests} tests; {len(bugs(source))} seeded bugs, each named by a test")


if __name__ == "__main__":
    main()

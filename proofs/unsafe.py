#!/usr/bin/env python3
"""`unsafe` in Rust: counted, each with its note, and none where there must be none.

What bears a note: a block, an `impl` and an `extern` block have `// SAFETY:` before them or in their line; a function or a trait that is declared
unsafe has that or `# Safety`; a trait's function has its contract there. An entry of the C interface (`tidegate_*`) is documented for readers of the
header: what it needs beyond valid pointers stands as `@pre` or under `Thread safety:`. An exported name of another form needs a note that it is nobody
else's.
FORBIDDEN crates must say `forbid(unsafe_code)` in each of their roots; DENIED ones may lift `deny(unsafe_code)` only where an entry here says so.
The counts are recorded in proofs/unsafe.txt: another one fails, and `--record` writes it anew, so that it is seen in a review.
Run by `make test`; `--check-itself` shows that it can fail.
"""

import posixpath
import re
import sys
from collections import Counter

from tree import ROOT, files

FORBIDDEN = {"policy", "reference", "conformance"}
# Crate: the files that may lift the lint, and how often.
DENIED = {"core": {"core/src/time/tsc.rs": 1, "core/src/keyed/slot.rs": 1, "core/src/sync.rs": 1}, "bindings-python": {}}
KINDS = ["blocks", "functions", "impls", "traits", "externs", "exports"]
RECORD = "proofs/unsafe.txt"
FORMS = [
    (kind, re.compile(form))
    for kind, form in [
        ("blocks", r"\s*\{"),
        ("exports", r"\s*\("),
        ("impls", r"\s+impl\b"),
        ("traits", r"\s+trait\b"),
        ("externs", r"\s+extern\s*(\"\s*\")?\s*\{"),
        (None, r"\s+(extern\s*(\"\s*\")?\s*)?fn\s*\("),
        ("functions", ""),
    ]
]
FUNCTION = re.compile(r"\bfn\s+(\w+)")
NESTING = re.compile(r"/\*|\*/")

# One after another from the left: what is not code, then what only looks like it. Block comments nest; those are done by hand.
TOKEN = re.compile(
    r"(?P<line>//[^\n]*)|(?P<block>/\*)|(?P<raw>\b(?:br|cr|r)(?P<hashes>#*)\"(?s:.*?)\"(?P=hashes))"
    r"|(?P<text>\"(?:[^\"\\]|\\(?s:.))*\")|(?P<char>'(?:[^'\\\n]|\\(?:u\{[0-9a-fA-F_]+\}|x..|.))')"
)


def apart(source):
    """The source without comments and texts, and its comments alone; both as long as the source, line by line."""
    code, notes, at = list(source), [" " if c != "\n" else c for c in source], 0

    def blank(begin, end):
        for place in range(begin, end):
            if code[place] != "\n":
                code[place] = " "

    while found := TOKEN.search(source, at):
        begin, at = found.span()
        if found["block"]:
            depth = 1
            while depth and (step := NESTING.search(source, at)):
                depth, at = depth + (1 if step[0] == "/*" else -1), step.end()
            at = at if not depth else len(source)
        if found["block"] or found["line"]:
            notes[begin:at] = source[begin:at]
            blank(begin, at)
        else:
            # The quotes stay: `extern "C"` is told from `extern crate`.
            blank(begin + 1, at - 1)
    return "".join(code), "".join(notes)


def kind_of(code, at):
    """Of the `unsafe` that ends there; None is the type of a pointer."""
    return next(kind for kind, form in FORMS if form.match(code, at))


def above(code, notes, line):
    """The comments directly above a line and between it and the beginning of its statement, and those in the line."""
    found = [notes[line]]
    for before in range(line - 1, -1, -1):
        text = code[before].strip()
        if not text and not notes[before].strip():
            break
        if text and not text.startswith("#") and text[-1] in ";{},":
            break
        found.append(notes[before])
    return "\n".join(found)


def in_trait_impl(code, at):
    """Whether the innermost open brace before `at` is that of an `impl ... for`."""
    depth = 0
    for place in range(at - 1, -1, -1):
        if code[place] == "}":
            depth += 1
        elif code[place] == "{":
            if depth == 0:
                head = re.split(r"[;{}]", code[:place])[-1]
                return bool(re.search(r"\bimpl\b.*\bfor\b", head, re.S))
            depth -= 1
    return False


def look(path, source):
    """The counts of a file, and which of them lack a note."""
    counts, errors = Counter(), []
    if "unsafe" not in source:
        return counts, errors
    code, notes = apart(source)
    source_lines, code_lines, note_lines = (text.split("\n") for text in (source, code, notes))
    for found in re.finditer(r"\bunsafe\b", code):
        kind = kind_of(code, found.end())
        if kind is None:
            continue
        counts[kind] += 1
        line = code.count("\n", 0, found.start())
        note = above(code_lines, note_lines, line)
        told = "SAFETY:" in note
        if kind in ("functions", "exports"):
            name = FUNCTION.search(code, found.end())
            entry = bool(name) and name[1].startswith("tidegate_")
        if kind in ("functions", "traits"):
            told |= "# Safety" in note
        if kind == "functions":
            told |= entry and ("@pre" in note or "Thread safety:" in note)
            told = told or in_trait_impl(code, found.start())
        if kind == "exports":
            told |= entry
        if not told:
            errors.append(f"{path}:{line + 1}: unsafe without a note: {source_lines[line].strip()[:80]}")
    return counts, errors


def is_root(path, crate):
    inside = path.removeprefix(crate + "/")
    return bool(re.fullmatch(r"src/(lib|main|bin/\w+|bin/\w+/main)\.rs", inside))


def check_lints(crate, sources):
    """`sources` are the texts of the crate's files, by path."""
    errors, lifted = [], Counter()
    for path, source in sources.items():
        code = apart(source)[0] if "unsafe_code" in source else ""
        if is_root(path, crate):
            wanted = "forbid" if crate in FORBIDDEN else "deny"
            if not re.search(rf"^#!\[{wanted}\(unsafe_code\)\]", code, re.M):
                errors.append(f"{path}: does not say #![{wanted}(unsafe_code)]")
        lifted[path] = len(re.findall(r"\b(?:allow|expect|warn)\s*\([^)]*\bunsafe_code\b", code))
    for path, count in lifted.items():
        if count != DENIED.get(crate, {}).get(path, 0):
            errors.append(f"{path}: lifts the lint unsafe_code {count} times")
    return errors


def by_crate(paths):
    """Each Rust file under the crate of the nearest Cargo.toml; those of none under their folder."""
    crates = {posixpath.dirname(path) for path in paths if posixpath.basename(path) == "Cargo.toml"} - {""}
    found = {crate: [] for crate in crates}
    for path in paths:
        if path.endswith(".rs"):
            crate = posixpath.dirname(path)
            while crate and crate not in crates:
                crate = posixpath.dirname(crate)
            found.setdefault(crate or posixpath.dirname(path), []).append(path)
    return {crate: sorted(names) for crate, names in sorted(found.items()) if names}


def check(paths, read):
    """What is wrong, and the table of counts."""
    errors, rows = [], [f"{'crate':<20}" + "".join(f"{kind:>12}" for kind in KINDS)]
    for crate, names in by_crate(paths).items():
        sources, total = {path: read(path) for path in names}, Counter()
        for path, source in sources.items():
            counts, missing = look(path, source)
            total += counts
            errors += missing
        if crate in FORBIDDEN or crate in DENIED:
            errors += check_lints(crate, sources)
            allowed = sum(DENIED.get(crate, {}).values())
            if total.total() != allowed:
                errors.append(f"{crate}: {total.total()} unsafe where {allowed} may be")
        rows.append(f"{crate:<20}" + "".join(f"{total[kind]:>12}" for kind in KINDS))
    return errors, "\n".join(rows) + "\n"


def check_itself():
    def missing(source):
        return len(look("a.rs", source)[1])

    for good, counts in [
        ("// SAFETY: so.\nlet x =\n    unsafe { y };\n", {"blocks": 1}),
        ("x(unsafe { y }) // SAFETY: so.\n", {"blocks": 1}),
        ("/// # Safety\n/// So.\n#[inline]\npub unsafe fn x() {}\n", {"functions": 1}),
        ("// SAFETY: so.\nunsafe impl A for B {\n    unsafe fn x() {}\n}\n", {"impls": 1, "functions": 1}),
        ("/// # Safety\n/// So.\nunsafe trait A {}\n", {"traits": 1}),
        ("// SAFETY: so.\nunsafe extern \"C\" {\n    fn x();\n}\n", {"externs": 1}),
        ("/// Thread safety: any.\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn tidegate_x() {}\n", {"exports": 1, "functions": 1}),
        ("type X = unsafe extern \"C\" fn(u8);\n", {}),
        ("// unsafe { x }\n/* a /* b */ unsafe { x } */ 'a' '\"' \"unsafe { \\\" x }\" r#\"\" unsafe { x }\"# 'b: loop {}\n", {}),
    ]:
        assert look("a.rs", good) == (Counter(counts), []), (good, look("a.rs", good))
    for bad in [
        "let x = unsafe { y };\n",
        "// SAFETY: so.\n\nunsafe { y }\n",
        "// SAFETY: so.\nlet z = unsafe { x };\nlet x = unsafe { y };\n",
        "let note = \"SAFETY:\"; unsafe { y }\n",
        "'\"'; unsafe { y } // \"\n",
        "/// Words.\npub unsafe fn x() {}\n",
        "/// Words.\npub unsafe extern \"C\" fn tidegate_x() {}\n",
        "/// Thread safety: any.\npub unsafe extern \"C\" fn other() {}\n",
        "impl B {\n    unsafe fn x() {}\n}\n",
        "unsafe impl A for B {}\n",
        "unsafe trait A {}\n",
        "unsafe extern \"C\" {\n}\n",
        "#[unsafe(no_mangle)]\npub extern \"C\" fn other() {}\n",
    ]:
        assert missing(bad) == 1, (bad, look("a.rs", bad))

    def errors(crate, **sources):
        tree = {f"{crate}/Cargo.toml": "", **{f"{crate}/src/{name}.rs": source for name, source in sources.items()}}
        return check(list(tree), tree.__getitem__)[0]

    forbids, noted = "#![forbid(unsafe_code)]\n", "// SAFETY: so.\nunsafe { x }\n"
    assert errors("policy", lib=forbids, other="") == [] and errors("benches", lib=noted) == []
    assert errors("policy", lib="// #![forbid(unsafe_code)]\n") and errors("policy", lib=forbids, main="")
    denies, lifts = "#![deny(unsafe_code)]\n", "#[allow(unsafe_code)]\n"
    assert errors("policy", lib=forbids, other=noted) and errors("bindings-python", lib=denies) == []
    assert errors("bindings-python", lib=denies + noted) and errors("core", lib=denies, other=lifts + noted)
    assert errors("bindings-python", lib=denies + "#[cfg_attr(x, allow(unsafe_code))]\n")
    assert check(["a/Cargo.toml", "a/b.rs"], {"a/b.rs": noted}.get)[1] != check(["a/Cargo.toml", "a/b.rs"], {"a/b.rs": noted * 2}.get)[1]
    print("unsafe.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    errors, table = check(files(), lambda path: (ROOT / path).read_text())
    record = ROOT / RECORD
    if "--record" in sys.argv:
        record.write_text(table)
    recorded = record.read_text().splitlines() if record.exists() else []
    for row in set(table.splitlines()) ^ set(recorded):
        errors.append(f"{RECORD}: {'not recorded' if row in table else 'no longer so'}: {row}")
    if errors:
        sys.exit("\n".join([*errors, f"Counts that are as they should be: {sys.argv[0]} --record"]))
    counts = [int(number) for line in table.splitlines()[1:] for number in line.split()[1:]]
    print(f"{sum(counts)} unsafe, as recorded, each with its note; none in {', '.join(sorted(FORBIDDEN))}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Every relative link and anchor of every page leads somewhere.

A page is a tracked *.md. Its links are `[text](target)`, `![alt](target)`, `[label]: target` and the targets of href and src; a label that is
used must be defined. A target is a file or folder of this tree, spelled exactly so, that git does not ignore; behind # stands the name of a
heading (as forges make it), an `id`, or a line of a file (#L7). What has a scheme (https:, mailto:) is not asked. Code and comments are no links.
Run by `make test`; `--check-itself` shows that it can fail.
"""

import posixpath
import re
import sys
from urllib.parse import unquote

from tree import ROOT, files

INLINE = re.compile(r"\]\(\s*(<[^>]*>|(?:[^\s()]|\([^\s()]*\))*)(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
DEFINED = re.compile(r"^ {0,3}\[([^\]^]+)\]:\s*(\S+)", re.M)
USED = re.compile(r"\[[^\[\]]*\]\[([^\[\]]*)\]")
HTML = re.compile(r"<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)\s*=\s*[\"']([^\"']*)[\"']")
NAMED = re.compile(r"<\w+\b[^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']")
FENCE = re.compile(r"^( {0,3}|\s*[*+-] +|\s*\d+\. +|\s+)(`{3,}|~{3,})")


def without_code(page):
    """The page with its code and its comments blank; the lines stay where they are."""
    lines, fence = [], None
    for line in page.splitlines():
        found = FENCE.match(line)
        if fence:
            if found and found[2].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
            lines.append("")
        elif found:
            fence = found[2]
            lines.append("")
        else:
            lines.append(line)
    blank = lambda found: re.sub(r"[^\n]", " ", found[0])
    text = re.sub(r"<!--.*?-->", blank, "\n".join(lines), flags=re.S)
    return re.sub(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)", blank, text, flags=re.S)


def headings(page):
    """The names of a page's headings. Code in a heading counts, code in a fence does not."""
    shown, names, seen = without_code(page).splitlines(), set(), {}
    for line, bare in zip(page.splitlines(), shown):
        if not re.match(r" {0,3}#{1,6}\s", bare):
            continue
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"^\s*#+\s+|\s+#+\s*$", "", line))
        name = re.sub(r"[^\w\- ]", "", re.sub(r"<[^>]*>", "", text).strip().lower()).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return names


def anchors(page):
    return headings(page) | set(NAMED.findall(without_code(page)))


def links(page):
    """Line and target of each link, and the labels that are nowhere defined."""
    text = without_code(page)
    labels = {found[1].lower() for found in DEFINED.finditer(text)}
    for pattern, group in ((INLINE, 1), (DEFINED, 2), (HTML, 1)):
        for found in pattern.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found[group].strip("<>")
    for found in USED.finditer(text):
        if found[1] and found[1].lower() not in labels:
            yield text.count("\n", 0, found.start()) + 1, None


def wrong(path, target, tree, folders, read):
    """What is wrong with a target on the page at `path`, or None."""
    if target is None:
        return "a label that is not defined"
    if re.match(r"[a-zA-Z][\w+.-]*:", target) or target.startswith("//"):
        return None
    place, _, fragment = target.partition("#")
    place = place.partition("?")[0]
    if place.startswith("/"):
        return "an absolute path"
    file = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(place))) if place else path
    if file in folders:
        return "an anchor of a folder" if fragment else None
    if file not in tree:
        return "no such file" if not place.endswith("/") else "no such folder"
    if not fragment:
        return "leads nowhere" if not place else None
    if line := re.fullmatch(r"L(\d+)(?:-L(\d+))?", fragment):
        last = int(line[2] or line[1])
        return None if 1 <= int(line[1]) <= last <= len(read(file).splitlines()) else "no such line"
    if not file.endswith(".md"):
        return "an anchor of what is no page"
    return None if unquote(fragment) in anchors(read(file)) else "no such anchor"


def parents(name):
    while name := posixpath.dirname(name):
        yield name


def check(tree, read):
    """`tree` are paths, `read` gives their texts. What is wrong, the number of pages, the number of links."""
    pages = [path for path in tree if path.endswith(".md")]
    names, folders = set(tree), {".", *(folder for name in tree for folder in parents(name))}
    errors, count = [], 0
    for path in pages:
        for line, target in links(read(path)):
            count += 1
            if problem := wrong(path, target, names, folders, read):
                errors.append(f"{path}:{line}: {problem}: {target or ''}".rstrip(": "))
    return errors, len(pages), count


def check_itself():
    other = "# One `two` three\n\n## Same\n\n## Same\n\n<a id=\"here\"></a>\n\n```\n# no heading\n```\n"

    def errors(page):
        tree = {"docs/page.md": page, "docs/other.md": other, "src/a (b).rs": "one\ntwo\n"}
        return check(tree, tree.__getitem__)[0]

    for good in [
        "[x](other.md) [x](./other.md#one-two-three) [x](other.md#same-1) [x](other.md#here) ![x](../src/)",
        "# A heading\n[x](#a-heading) [x](<../src/a (b).rs>) [x](../src/a%20(b).rs#L2) [x](https://gone.example/#x)",
        "[x][label] [y](other.md \"title\")\n\n[label]: other.md#here",
        "`[x](gone.md)` ``a ` [x](gone.md)``\n<!-- [x](gone.md) -->\n```md\n[x](gone.md)\n```\n",
    ]:
        assert errors(good) == [], (good, errors(good))
    for bad in [
        "[x](gone.md)",
        "[x](Other.md)",
        "text, [a link\nover lines](gone.md)",
        "![x](gone.svg)",
        "[x](other.md#gone)",
        "[x](other.md#same-2)",
        "[x](other.md#no-heading)",
        "[x](#gone)",
        "[x](../../outside.md)",
        "[x](/docs/other.md)",
        "[x](../gone/)",
        "[x](<../src/a (b).rs#L3>)",
        "[x][label]",
        "[x][label]\n\n[label]: gone.md",
        "<img alt=\"x\" src=\"gone.svg\">",
        "```\ncode\n```\n[x](gone.md)",
    ]:
        assert len(errors(bad)) == 1, (bad, errors(bad))
    print("links.py refuses what it must")


def main():
    if "--check-itself" in sys.argv:
        return check_itself()
    texts = {}

    def read(path):
        if path not in texts:
            texts[path] = (ROOT / path).read_text()
        return texts[path]

    errors, pages, count = check(files(), read)
    if errors:
        sys.exit("\n".join(errors))
    print(f"{count} links of {pages} pages lead somewhere")


if __name__ == "__main__":
    main()

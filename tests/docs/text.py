#!/usr/bin/env python3
"""Limits of the pages: lengths, terms, links between them.

Usage: text.py SOURCE
"""
import pathlib
import re
import sys


def words(text):
    return sum(1 for word in text.split() if re.search(r"\w", word))


def without_code(text):
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.M | re.S)


def anchors(text):
    """What the headings of a page are called in links."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    pages = [source / "README.md", *sorted((source / "docs").rglob("*.md"))]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    problems = []
    links = 0
    for page, text in texts.items():
        name = page.relative_to(source)
        for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
            file, _, anchor = link.partition("#")
            if "://" in file:
                continue
            links += 1
            target = (page.parent / file).resolve() if file else page
            if not target.exists():
                problems.append(f"{name}: {link}: no such file")
            elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
                problems.append(f"{name}: {link}: no such heading")

    length = len(texts[source / "README.md"].splitlines())
    if length > 150:
        problems.append(f"README.md has {length} lines, at most 150")
    length = words(texts[source / "docs/architecture.md"])
    if length > 1200:
        problems.append(f"docs/architecture.md has {length} words, at most 1200")
    terms = re.findall(r"^\| ([^|]+) \|", texts[source / "docs/glossary.md"], re.M)[1:]
    if len(terms) > 40 or len(terms) < 20 or len(set(terms)) != len(terms):
        problems.append(f"docs/glossary.md has {len(terms)} terms, {len(set(terms))} of them distinct, at most 40")
    index = texts[source / "docs/index.md"]
    problems += [f"docs/index.md does not link {page.name}" for page in pages[1:]
                 if page.name != "index.md" and f"{page.name})" not in index]
    for problem in problems:
        print("text.py:", problem, file=sys.stderr)
    print(f"{len(pages)} pages, {links} links, {len(terms)} terms")
    return 1 if problems or links < 20 else 0


if __name__ == "__main__":
    sys.exit(main())

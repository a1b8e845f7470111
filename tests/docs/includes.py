#!/usr/bin/env python3
"""Compares the #include lines of kernels/ with the table of docs/architecture.md.

Usage: includes.py SOURCE

The table says which folder may include which. An include that it does not allow fails, and so does a folder that the table
lacks, and a circle.
"""
import pathlib
import re
import sys


def read_table(page):
    """{folder: folders it may include}."""
    allowed, inside = {}, False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| folder |"):
            inside = True
        elif inside and not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            folders, _, may = [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
            for folder in folders:
                allowed[folder] = set(may)
    return allowed


def find_edges(kernels):
    """{(folder, folder): a file and its include} of includes that cross folders."""
    edges, folders = {}, set()
    for path in sorted(kernels.rglob("*.[ch]")):
        folder = path.relative_to(kernels).parent.as_posix()
        folders.add(folder)
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', path.read_text(encoding="utf-8"), re.M):
            target = kernels / name if (kernels / name).exists() else path.parent / name
            if not target.exists():
                sys.exit(f"includes.py: {path}: no file {name}")
            other = target.resolve().relative_to(kernels.resolve()).parent.as_posix()
            if other != folder:
                edges.setdefault((folder, other), f"{path.relative_to(kernels)} includes {name}")
    return edges, folders


def find_circle(edges):
    """Folders that include each other in a circle; empty if there are none."""
    left = {folder for edge in edges for folder in edge}
    while True:
        free = {folder for folder in left if not any(a == folder and b in left for a, b in edges)}
        if not free:
            return sorted(left)
        left -= free


def main():
    source = pathlib.Path(sys.argv[1])
    allowed = read_table(source / "docs/architecture.md")
    edges, folders = find_edges(source / "kernels")
    problems = [f"docs/architecture.md has no line for kernels/{folder}" for folder in sorted(folders - set(allowed))]
    problems += [f"docs/architecture.md has a line for kernels/{folder}, which is not there"
                 for folder in sorted(set(allowed) - folders)]
    for (folder, other), example in edges.items():
        if other not in allowed.get(folder, set()):
            problems.append(f"{folder} may not include {other}: {example}")
    circle = find_circle(edges)
    if circle:
        problems.append("a circle: " + ", ".join(circle))
    for problem in problems:
        print("includes.py:", problem, file=sys.stderr)
    print(f"{len(edges)} edges between {len(folders)} folders")
    return 1 if problems or len(edges) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())

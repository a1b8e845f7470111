#!/usr/bin/env python3
"""Usage: refresh.py [BASE] [MUTANT...]

Brings planted faults up to date after names or comments around them changed. Each patch that does not apply any more,
or only with fuzz or at another line, is applied to the files as they were at BASE, the last commit at which it applied
(default: HEAD), merged into the present files (three ways), and written anew. What conflicts is left as it is and
listed: write it by hand. Needs git and patch. Exit status 1 if something is left.
"""
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run(*command, **options):
    return subprocess.run(command, cwd=ROOT, capture_output=True, **options)


def parts_of(patch):
    """The words above the patch, and {file: its hunks} in their order."""
    head, *rest = re.split(r"(?m)^(?=--- a/)", patch)
    return head, {re.match(r"--- a/(\S+)", part)[1]: part for part in rest}


def applies_exactly(patch):
    done = run("patch", "--dry-run", "-f", "-p1", "-F0", input=patch.encode())
    return done.returncode == 0 and b"offset" not in done.stdout and b"fuzz" not in done.stdout


def plant(hunks, file):
    return run("patch", "-s", "-f", "-F3", str(file), input=hunks.encode()).returncode == 0


def merged(name, hunks, base):
    """The diff of a file's fault against its present text; None if it conflicts or the file is gone."""
    if not (ROOT / name).exists():
        return None
    old = run("git", "show", f"{base}:{name}")
    new = None
    with tempfile.TemporaryDirectory() as folder:
        before, faulty, fuzzy = (pathlib.Path(folder, file) for file in ("before", "faulty", "fuzzy"))
        before.write_bytes(old.stdout)
        faulty.write_bytes(old.stdout)
        fuzzy.write_bytes((ROOT / name).read_bytes())
        if old.returncode == 0 and plant(hunks, faulty):
            done = run("git", "merge-file", "-p", str(faulty), str(before), str(ROOT / name))
            new = done.stdout if done.returncode == 0 else None
        if new is None and plant(hunks, fuzzy):  # changes side by side conflict, but the fault's own lines still match
            new = fuzzy.read_bytes()
    if new is None:
        return None
    present = (ROOT / name).read_text().splitlines(keepends=True)
    return "".join(difflib.unified_diff(present, new.decode().splitlines(keepends=True), f"a/{name}", f"b/{name}"))


def main():
    arguments = sys.argv[1:]
    base = "HEAD"
    if arguments and not (HERE / f"{arguments[0]}.patch").exists() and not arguments[0].endswith(".patch"):
        base = arguments.pop(0)
    names = [HERE / f"{pathlib.Path(name).stem}.patch" for name in arguments] or sorted(HERE.glob("*.patch"))
    fresh, left = 0, []
    for path in names:
        patch = path.read_text()
        if applies_exactly(patch):
            continue
        head, parts = parts_of(patch)
        new = [merged(name, hunks, base) for name, hunks in parts.items()]
        if all(new):
            path.write_text(head + "".join(new))
            fresh += 1
        else:
            left.append(path.name)
    print(f"{len(names)} patches, {fresh} refreshed")
    if left:
        sys.exit(f"refresh.py: write these by hand: {' '.join(left)}")


if __name__ == "__main__":
    main()

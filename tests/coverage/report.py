"""Usage: report.py LIST ROOT JSON...

Adds up gcovr's counts of several builds and prints a table of files. LIST explains the lines that no test runs: groups
of `kernels/<file>: <the line's text>` under a comment with the reason. Exits with 1 if less than 95 % of the lines
are run, or if a line is neither run nor explained.
"""

import collections
import json
import pathlib
import sys

LEAST = 95.0


def read_list(path):
    explained = set()
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            name, text = line.split(": ", 1)
            explained.add((name, text.strip()))
    return explained


def add_up(paths):
    """
    Counts of lines and of branches, by file: {name: ({line: count}, {(line, branch): count})}. Which lines of a file
    are code is for the first build to say that has it; others, which run a part of the tests, add what they run.
    """
    files = {}
    for path in paths:
        for file in json.loads(pathlib.Path(path).read_text())["files"]:
            fresh = file["file"] not in files
            lines, branches = files.setdefault(file["file"], (collections.Counter(), collections.Counter()))
            for line in file["lines"]:
                if line.get("gcovr/noncode") or not (fresh or line["count"] or line["line_number"] in lines):
                    continue
                lines[line["line_number"]] += line["count"]
                for k, branch in enumerate(line["branches"]):
                    branches[line["line_number"], k] += branch["count"]
    return files


def share(counts):
    run = sum(count > 0 for count in counts.values())
    return run, len(counts), 100.0 * run / len(counts) if counts else 100.0


def main():
    explained = read_list(sys.argv[1])
    root = pathlib.Path(sys.argv[2])
    files = add_up(sys.argv[3:])
    all_lines, all_branches = collections.Counter(), collections.Counter()
    unexplained, met = [], set()
    for name in sorted(files):
        lines, branches = files[name]
        source = (root / name).read_text().splitlines()
        for number in sorted(lines):
            if lines[number] == 0:
                text = source[number - 1].strip()
                met.add((name, text))
                if (name, text) not in explained:
                    unexplained.append(f"{name}:{number}: {text}")
        print("%-44s lines %4d of %4d %6.1f %%   branches %4d of %4d %6.1f %%"
              % (name, *share(lines), *share(branches)))
        all_lines.update({(name, k): count for k, count in lines.items()})
        all_branches.update({(name, k): count for k, count in branches.items()})
    total = share(all_lines)
    print("%-44s lines %4d of %4d %6.1f %%   branches %4d of %4d %6.1f %%" % ("all", *total, *share(all_branches)))
    for line in unexplained:
        print(f"not run, not explained: {line}")
    for name, text in sorted(explained - met):
        print(f"explained, but run here, or gone: {name}: {text}")
    print(f"{total[1] - total[0]} lines not run, {len(unexplained)} of them unexplained")
    return total[2] < LEAST or bool(unexplained)


if __name__ == "__main__":
    sys.exit(main())

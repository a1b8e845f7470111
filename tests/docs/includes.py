#!/usr/bin/env python3
"""Checks who includes whom in kernels/, against the table of docs/architecture.md.

Usage: includes.py SOURCE

The table says which folder may include which. What fails: an include that it does not allow, a folder that the table
lacks, a circle of folders, through includes or calls. Further,

- only platform/ includes headers of an operating system, or asks for its functions by _GNU_SOURCE and the like;
- a function that X.h declares is defined in X.c, so that an include names the file that does the work;
- a kernel bp_<name> of X.h in include/backprop/ is defined in api/X.c, <name> in reference/X.h and vector/X.h;
- no circle of files. X.c and X.h are one module. A module needs another if it includes its header, or names a function
  that the other defines, also one of include/backprop/.
"""
import pathlib
import re
import sys

# Headers in angle brackets that are no operating system's: of C11, of the processor, of the libraries that we use.
EVERYWHERE = {
    "assert.h", "complex.h", "ctype.h", "errno.h", "fenv.h", "float.h", "inttypes.h", "iso646.h", "limits.h",
    "locale.h", "math.h", "setjmp.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h", "tgmath.h", "time.h", "uchar.h", "wchar.h", "wctype.h",
    "arm_neon.h", "cpuid.h", "immintrin.h", "xmmintrin.h",
    "sleef.h", "zlib.h",
}  # fmt: skip
PLATFORM = "platform"


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


class File:
    """A source file: its folder, its module, what it includes, and the functions that it declares, defines and names."""

    def __init__(self, path, kernels):
        text = path.read_text(encoding="utf-8")
        self.name = path.relative_to(kernels).as_posix()
        self.folder = path.relative_to(kernels).parent.as_posix()
        self.module = path.relative_to(kernels).with_suffix("").as_posix()
        text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
        self.own = re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M)
        self.angled = re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, re.M)
        self.asks = re.findall(r"^\s*#\s*define\s+(_[A-Z0-9_]*SOURCE)\b", text, re.M)
        text = re.sub(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', '""', text)
        code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
        self.names = set(re.findall(r"\bbp_\w+", code))
        self.declared, self.defined = functions(code)


def functions(code):
    """The names of functions with external linkage that a text declares, and of those that it defines."""
    code = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", code)
    while re.search(r"\{[^{}]*\}", code):
        code = re.sub(r"\{[^{}]*\}", "\0", code)
    declared, defined = set(), set()
    for statement, end in re.findall(r"([^;\0]*)([;\0])", code):
        found = re.match(r"\s*(?!typedef\b|static\b|_Static_assert\b)[\w\s*]*?\b(bp_\w+)\s*\(", statement)
        if found:
            (declared if end == ";" else defined).add(found[1])
    return declared, defined


def find_files(kernels):
    files = [File(path, kernels) for path in sorted(kernels.rglob("*.[ch]"))]
    names = {file.name: file for file in files}
    for file in files:
        own = [name if name in names else f"{file.folder}/{name}" for name in file.own]
        missing = [name for name in own if name not in names]
        if missing:
            sys.exit(f"includes.py: {file.name}: no file {missing[0]}")
        file.own = [names[name] for name in own]
    return files


def find_edges(files):
    """{(folder, folder): a file and its include} of includes that cross folders."""
    edges = {}
    for file in files:
        for other in file.own:
            if other.folder != file.folder:
                edges.setdefault((file.folder, other.folder), f"{file.name} includes {other.name}")
    return edges


def find_needs(files):
    """{(module, module): why the first needs the second}."""
    homes = {name: file.module for file in files for name in file.defined}
    needs = {}
    for file in files:
        for other in file.own:
            needs.setdefault((file.module, other.module), f"{file.name} includes {other.name}")
        for name in sorted(file.names & set(homes)):
            needs.setdefault((file.module, homes[name]), f"{file.name} names {name}")
    return {(a, b): why for (a, b), why in needs.items() if a != b}


def fold(needs):
    """{(folder, folder): why} of what modules need."""
    pairs = {tuple(str(pathlib.PurePosixPath(module).parent) for module in need): why for need, why in needs.items()}
    return {(a, b): why for (a, b), why in pairs.items() if a != b}


def find_circle(edges):
    """The edges of one circle; empty if there are none."""
    left = {name for edge in edges for name in edge}
    while True:
        free = {name for name in left if not any(a == name and b in left for a, b in edges)}
        if not free:
            break
        left -= free
    walk = [min(left)] if left else []
    while walk and walk[-1] not in walk[:-1]:
        walk.append(min(b for a, b in edges if a == walk[-1] and b in left))
    walk = walk[walk.index(walk[-1]) :] if walk else []
    return list(zip(walk, walk[1:]))


def check_platform(files):
    problems = []
    for file in files:
        if file.folder == PLATFORM:
            continue
        for name in file.angled:
            if name not in EVERYWHERE and not name.startswith("backprop/"):
                problems.append(f"{file.name} includes <{name}>, which {PLATFORM}/ alone may")
        problems += [f"{file.name} defines {name}, which {PLATFORM}/ alone may" for name in file.asks]
    return problems


def check_homes(files):
    """A function that X.h declares is defined in X.c."""
    homes = {name: file for file in files for name in file.defined}
    return [
        f"{file.name} declares {name}, which {homes[name].name} defines"
        for file in files
        if file.name.endswith(".h")
        for name in sorted(file.declared & set(homes))
        if homes[name].module != file.module
    ]


def check_kernels(source):
    """Each kernel of the table is found by its name."""
    public = {path: path.read_text(encoding="utf-8") for path in (source / "include/backprop").glob("*.h")}
    table = re.findall(r"^ +bp_(\w+)_fn \*\1;", public[source / "include/backprop/kernels.h"], re.M)
    problems = [] if table else ["include/backprop/kernels.h has no table of kernels"]
    for name in table:
        home = next(path.stem for path, text in public.items() if re.search(rf"^BP_API[^;]*\bbp_{name}\(", text, re.M))
        for path, function in (f"api/{home}.c", f"bp_{name}"), (f"reference/{home}.h", name), (f"vector/{home}.h", name):
            file = source / "kernels" / path
            text = file.read_text(encoding="utf-8") if file.exists() else ""
            if not re.search(rf"^[A-Za-z][^;{{]*\b{function}\([^;{{]*{{", text, re.M):
                problems.append(f"kernels/{path} does not define {function}, a kernel of {home}.h")
    return problems


def main():
    source = pathlib.Path(sys.argv[1])
    allowed = read_table(source / "docs/architecture.md")
    files = find_files(source / "kernels")
    folders, edges, needs = {file.folder for file in files}, find_edges(files), find_needs(files)
    problems = [f"docs/architecture.md has no line for kernels/{folder}" for folder in sorted(folders - set(allowed))]
    problems += [f"docs/architecture.md has a line for kernels/{folder}, which is not there"
                 for folder in sorted(set(allowed) - folders)]
    problems += [f"{folder} may not include {other}: {example}"
                 for (folder, other), example in edges.items() if other not in allowed.get(folder, set())]
    between = {**fold(needs), **edges}
    problems += [f"a circle of folders: {between[edge]}" for edge in find_circle(between)]
    problems += check_platform(files) + check_homes(files) + check_kernels(source)
    problems += [f"a circle of files: {needs[edge]}" for edge in find_circle(needs)]
    for problem in problems:
        print("includes.py:", problem, file=sys.stderr)
    print(f"{len(edges)} edges between {len(folders)} folders, {len(needs)} between files")
    return 1 if problems or len(edges) < 10 or len(needs) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compiles the C blocks of the documentation, and runs those that are programs.

Usage: programs.py DOCS WORK [--compile-only] COMPILER ARGUMENT...

A block is what stands between ```c and ``` in a page of the folder DOCS. With an #include it must compile, without a
warning; with a main() it must also run, in the folder WORK, and exit with 0. ARGUMENTs are the compiler's: where the
headers and the library are.
"""
import pathlib
import re
import shutil
import subprocess
import sys


def blocks(page):
    """The C blocks of a page, each as (number of its first line, text)."""
    first, lines, found = None, [], []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line == "```c":
            first, lines = number + 1, []
        elif line == "```" and first:
            found.append((first, "\n".join(lines) + "\n"))
            first = None
        elif first:
            lines.append(line)
    if first:
        sys.exit(f"{page}:{first}: the block is not closed")
    return found


def run(command, folder, what):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    sys.stdout.write(done.stdout)
    if done.returncode != 0:
        print(f"{what}: status {done.returncode} of: {' '.join(map(str, command))}", flush=True)
    return done.returncode == 0


def main():
    docs, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    arguments = sys.argv[3:]
    compile_only = arguments[0] == "--compile-only"
    compiler = arguments[compile_only:]
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    compiled = programs = failed = 0
    for page in sorted(docs.rglob("*.md")):
        for first, text in blocks(page):
            if "#include" not in text:
                continue
            what = f"{page}:{first}"
            is_program = re.search(r"^int main\(", text, re.M) is not None
            runs = is_program and not compile_only
            source = work / f"{page.stem}-{first}.c"
            source.write_text(text, encoding="utf-8")
            compiled += 1
            command = [compiler[0], "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", source.name]
            output = source.with_suffix("" if runs else ".o").name
            command += ["-o", output]
            command += compiler[1:] if runs else ["-c"] + [a for a in compiler[1:] if a.startswith("-I")]
            good = run(command, work, what)
            if good and runs:
                programs += 1
                print(f"== {what}", flush=True)
                good = run([work / output], work, what)
            failed += not good
    print(f"{compiled} blocks compiled, {programs} programs run, {failed} failed")
    # Every guide page but those of words has a program.
    return 1 if failed or compiled < 10 or (programs < 9 and not compile_only) else 0


if __name__ == "__main__":
    sys.exit(main())

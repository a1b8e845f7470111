#!/usr/bin/env python3
"""Doxygen's input filter: prints one public header or one page as Doxygen wants it.

Headers and pages are written for people who read them as they are. No line is added or removed, so that the line
numbers of Doxygen's warnings are right.
"""
import pathlib
import re
import sys

# The topics of docs/topics.dox, and their headers.
TOPICS = {
    "networks": "network tensor inference thread_pool copy backward update initializer inspect checkpoint",
    "training": "fit schedule optimizer loss metrics",
    "data": "data impute csv idx npy npz",
    "files": "file safetensors",
    "kernels": "dense activation layer_norm dropout random kernels cpu",
    "library": "backprop status version export",
}


DOCS = pathlib.Path(__file__).resolve().parent
INCLUDE = DOCS.parent / "include/backprop"


def find_functions():
    names = set()
    for header in INCLUDE.glob("*.h"):
        names.update(re.findall(r"\b(bp_\w+)\(", header.read_text(encoding="utf-8")))
    return names


FUNCTIONS = find_functions()


def link_functions(text):
    """Doxygen links a function where parentheses follow its name."""
    return re.sub(r"\bbp_\w+\b(?![(*])", lambda m: m[0] + "()" if m[0] in FUNCTIONS else m[0], text)


def topic_of(name):
    return next((topic for topic, names in TOPICS.items() if name in names.split()), "library")


def prose(text):
    """Initials and "et al." do not close the first sentence, which Doxygen takes for a summary."""
    text = re.sub(r"\b([A-Z]|al)\. (?=\S)", r"\1.\\ ", text)
    # Words in angle brackets are no HTML, except in code, where Doxygen knows that.
    parts = text.split("`")
    parts[::2] = [re.sub(r"<(\w[\w./]*)>", r"\\<\1\\>", part) for part in parts[::2]]
    return link_functions("`".join(parts))


def header(path, lines):
    in_comment = False
    for number, line in enumerate(lines):
        if number == 0 and line.startswith("/*"):
            # The comment that begins a file describes it.
            line = re.sub(r"^/\*+", f"/** @file\\n@ingroup {topic_of(path.stem)}\\n", line, count=1)
            line = line.replace("\\n", " \\ilinebr ")
        if line.lstrip().startswith("/*"):
            in_comment = True
        if in_comment:
            # A year at the start of a line is no item of a list.
            line = re.sub(r"^( *\*? *)(\d+)([.)]) ", r"\1\2&zwnj;\3 ", line)
            # Formulas, which are indented, become code.
            code = re.sub(r"^ \*   ( *)(?=\S)", r" *        \1", line)
            line = code if code != line else prose(line)
        else:
            # A comment at the end of a line describes what stands before it.
            line = re.sub(r"([;,A-Z0-9]) +/\* ", r"\1 /**< ", line)
            in_comment = "/*" in line
        if "*/" in line:
            in_comment = False
        yield line


def label(path):
    return path.stem.replace("-", "_")


def page(path, lines):
    in_code = False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            in_code = not in_code
        if in_code:
            yield line
            continue
        if number == 0 and path.stem != "index":
            line = re.sub(r"^# (.*)$", rf"# \1 {{#{label(path)}}}", line)

        def link(match):
            text, target = match.groups()
            file = target.partition("#")[0]
            if "://" in target:
                return match.group(0)
            if file.endswith("include/backprop"):
                return f'@ref {text.lower()} "{text}"'  # a topic
            if not file.endswith(".md") or DOCS not in (path.parent / file).resolve().parents:
                return text  # no part of the site
            if path.stem == "index":
                return f'\\subpage {label(pathlib.Path(file))} "{text}"'
            return f'@ref {label(pathlib.Path(file))} "{text}"'

        yield link_functions(re.sub(r"(?<!!)\[([^]]*)\]\(([^)]*)\)", link, line))


def main():
    path = pathlib.Path(sys.argv[1])
    lines = path.read_text(encoding="utf-8").splitlines()
    output = header(path, lines) if path.suffix == ".h" else page(path, lines) if path.suffix == ".md" else lines
    sys.stdout.write("".join(line + "\n" for line in output))


if __name__ == "__main__":
    main()

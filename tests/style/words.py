#!/usr/bin/env python3
"""Usage: words.py [ROOT]

The field's words, and American spelling: prints file:line of each word that the glossary replaces, and fails if there
is one. It reads the public headers, all Markdown, kernels/, and the strings of the example programs and of bpcheck.
"""
import pathlib
import re
import sys

# An old word, what may stand around it, and what to say.
OLD = [
    (r"lanes?", r"SIMD\W+lanes?", "thread or worker; a lane is a SIMD lane"),
    (r"panels", None, "panel, packed matrix"),
    (r"kept", None, "saved, stored"),
    (r"own_loss", None, "loss_callback"),
    (r"how", r"how to (?:read floating|generate random)", "options, or say it otherwise"),  # papers' titles
    (r"rule", r"chain rule", "update, coefficients"),
    (
        r"levels?",
        r"(?:first|second|third|last|top|high|low|cache|compression)[- _]levels?|level of (?:the )?cache|log[- _]level",
        "backend",
    ),
    (r"turns?", None, "iteration"),
    (r"places?", r"in[- _]place|in\s+(?:\*\s+)?place|decimal places?", "offset, position, operands"),
    (r"ends", None, "epilogue, last, stops"),
]
STEMS = (
    "character|final|general|initial|maxim|minim|normal|optim|organ|parallel|penal|quant|recogn|regular|serial|"
    "standard|summar|synchron|util|vector|visual"
)
BRITISH = re.compile(
    rf"(?:{STEMS})is(?:e|ed|es|er|ers|ing|ation|ations)(?![a-z])|analys(?:e|ed|ing)(?![a-z])|"
    r"(?:behavi|col|fav|hon|lab|neighb)our|(?<![a-z])(?:centre|fibre|metre|artefact|grey|licence)|"
    r"(?:label|model|cancel|signal|travel)l(?:ed|ing)(?![a-z])",
    re.IGNORECASE,
)

# Where a lane is a SIMD lane.
SIMD = re.compile(r"kernels/(?:vector|avx2|avx512|neon)/")
TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def compiled(old):
    word, allowed, instead = old
    pattern = rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])"
    return re.compile(rf"({allowed})|{pattern}" if allowed else rf"(?!)()|{pattern}", re.IGNORECASE), instead


OLD = [compiled(old) for old in OLD]


def blank(text):
    """The same lines, and nothing in them."""
    return re.sub(r"[^\n]", " ", text)


def strings_of(text):
    """The text with nothing left but the strings of C; names of included files are none."""
    text = re.sub(r'^[ \t]*#[ \t]*include[^\n]*', lambda m: blank(m[0]), text, flags=re.MULTILINE)
    out, at = [], 0
    for token in TOKENS.finditer(text):
        out.append(blank(text[at : token.start()]))
        out.append(token[0] if token[0][0] == '"' else blank(token[0]))
        at = token.end()
    return "".join(out) + blank(text[at:])


def findings(path, text):
    """Yields (line, word, instead) of a file's text."""
    text = text.replace("Performance Optimisation and Productivity", "")  # a name
    if path == "CHANGELOG.md":  # old names are its matter
        text = re.sub(r"`[^`\n]*`", lambda m: blank(m[0]), text)
    elif path.startswith(("examples/", "tests/bpcheck/")) and not path.endswith(".md"):
        text = strings_of(text)
    for n, (pattern, instead) in enumerate(OLD):
        if n == 0 and SIMD.match(path):
            continue
        for match in pattern.finditer(text):
            if match[1] is None:
                yield text.count("\n", 0, match.start()) + 1, match[0], instead
    for match in BRITISH.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[0], "American spelling"


def files(root):
    for pattern in (
        "include/**/*.h",
        "*.md",
        "CMakePresets.json",
        "[!b.]*/**/*.md",
        "bench/**/*.md",
        "docs/**/*.[1-9]*",
        "docs/**/*.txt",
        "kernels/**/*.[ch]",
        "examples/**/*.[ch]",
        "tests/bpcheck/*.[ch]",
    ):
        yield from root.glob(pattern)


SAMPLES = [
    ("include/a.h", "Every lane", ["lane"]),
    ("kernels/vector/a.h", "Every lane in place, in the first-level cache; placed, returns", []),
    ("kernels/network/a.h", "size_t lanes, in_place, kept_rows;", ["lanes", "kept"]),
    ("kernels/a.h", "the chain rule; a rule\nof a level", ["rule", "level"]),
    ("docs/a.md", "Initialisation; initialization, colour", ["Initialisation", "colour"]),
    ("examples/a.c", '/* "how" */ int how = \'"\'; f("a place", "it\\"s how"); // "ends"', ["how", "place"]),
    ("CHANGELOG.md", "`bp_own_loss` is now a callback; it was kept", ["kept"]),
]


def main():
    for path, text, wanted in SAMPLES:
        found = sorted(word for _, word, _ in findings(path, text))
        if found != sorted(wanted):
            sys.exit(f"words.py: finds {found} in {text!r}, and should find {wanted}")
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2])
    count = read = 0
    for file in sorted(set(files(root))):
        read += 1
        path = file.relative_to(root).as_posix()
        for line, word, instead in sorted(findings(path, file.read_text(encoding="utf-8"))):
            print(f"{path}:{line}: '{word}': {instead}")
            count += 1
    if read < 100:
        sys.exit(f"words.py: only {read} files in {root}")
    if count:
        sys.exit(f"words.py: {count} old words in {read} files")


main()

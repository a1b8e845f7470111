#!/usr/bin/env python3
"""Usage: abi.py ABIDW LIBRARY HEADERS [DESCRIPTION]

Describes the binary interface of a shared library with debug information, as libabigail's abidw finds it: each exported
function with its types, each public struct with sizes and offsets, each enumeration with its values, but how many they are. Prints it, or with
DESCRIPTION compares with that file: whatever it says must be so, and nothing may be there besides.
"""

import difflib
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree


class Interface:
    def __init__(self, root, public):
        self.public = public
        self.types = {t.get("id"): t for t in root.iter() if t.get("id")}
        # Newer versions of abidw also describe what the library needs.
        tables = (t for t in root if t.tag in ("elf-function-symbols", "elf-variable-symbols"))
        self.symbols = {symbol.get("name") for table in tables for symbol in table}
        functions = {f.get("name"): f for f in root.iter("function-decl") if f.get("elf-symbol-id")}
        self.functions = {name: f for name, f in functions.items() if name in self.symbols}
        self.reached = {}

    def name(self, identity):
        """A type in C's words, near enough; what it is made of is described too."""
        t = self.types[identity]
        if t.tag in ("class-decl", "union-decl", "enum-decl"):
            self.reached[t.get("name")] = t
            return t.get("name")
        if t.tag == "typedef-decl":
            text = self.name(t.get("type-id"))
            return f"{t.get('name')} = {text}" if "(" in text else t.get("name")
        if t.tag == "pointer-type-def":
            return self.name(t.get("type-id")) + " *"
        if t.tag == "qualified-type-def":
            words = [word for word in ("const", "volatile", "restrict") if t.get(word) == "yes"]
            return self.name(t.get("type-id")) + "".join(" " + word for word in words)
        if t.tag == "array-type-def":
            lengths = "".join(f"[{s.get('length')}]" for s in t.iter("subrange"))
            return self.name(t.get("type-id")) + lengths
        if t.tag == "function-type":
            return "(" + self.signature(t) + ")"
        return t.get("name")

    def signature(self, function):
        parameters = ", ".join(self.name(p.get("type-id")) for p in function.findall("parameter"))
        return f"{self.name(function.find('return').get('type-id'))} ({parameters or 'void'})"

    def describe(self, t):
        name = t.get("name")
        if t.tag == "enum-decl":
            values = [f"  {e.get('name')} = {e.get('value')}" for e in t.findall("enumerator")]
            return [f"enum {name}", *(v for v in values if not re.search("_(COUNT|USES) = ", v))]
        if name not in self.public:
            return [f"struct {name}: opaque"]
        lines = [f"struct {name}: {int(t.get('size-in-bits')) // 8} bytes"]
        for member in t.findall("data-member"):
            variable = member.find("var-decl")
            offset = int(member.get("layout-offset-in-bits")) // 8
            lines.append(f"  {offset}: {variable.get('name')}: {self.name(variable.get('type-id'))}")
        return lines

    def lines(self):
        missing = self.symbols - set(self.functions)
        if missing or not self.functions:
            sys.exit(f"abi.py: no debug information of {', '.join(sorted(missing)) or 'any function'}")
        lines = [f"{name}: {self.signature(f)}" for name, f in sorted(self.functions.items())]
        described = {}
        while set(self.reached) - set(described):
            for name in set(self.reached) - set(described):
                described[name] = self.describe(self.reached[name])
        for name in sorted(described):
            lines += described[name]
        return lines


def main():
    abidw, library, headers, *description = sys.argv[1:]
    xml_text = subprocess.run([abidw, "--exported-interfaces-only", library], check=True, capture_output=True).stdout
    text = "".join(h.read_text() for h in pathlib.Path(headers).rglob("*.h"))
    public = set(re.findall(r"^typedef struct (\w+) \{", text, re.MULTILINE))
    lines = Interface(xml.etree.ElementTree.fromstring(xml_text), public).lines()
    if not description:
        print("\n".join(lines))
        return 0
    expected = pathlib.Path(description[0]).read_text().splitlines()
    differences = list(difflib.unified_diff(expected, lines, description[0], library, lineterm="", n=1))
    print("\n".join(differences))
    if any(d.startswith("-") and not d.startswith("---") for d in differences):
        print("abi.py: what programs were built with is gone or has changed: a new major version, and a new description")
    elif differences:
        print("abi.py: there is more than before: a new minor version, and a new description")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

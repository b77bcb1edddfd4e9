#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""unused.py BUILD [TREE] - no function, variable or macro is there that nothing needs.

From the symbols of BUILD's object files and the text of the sources.  What other files see, and is not public, is

  dead    if no other object of src/ needs it and its own file names it once, to define it: then it is there for nobody, or
          only for tests.  It goes; what tests alone may need, such as a look at a state, is in ONLY_TESTS with its reason.
          What is there before its first user is in NOT_YET.
  open    if no other file needs it, no test names it, and its own file does: then it is static.

What has no symbol, macros and static inline functions of a source or a private header, is dead if no text of src/ names it
but to define it; of a source, its own text and the headers'.  A macro without a value is for a header of others, or a guard.

A name on that list that is needed, or gone, is an error, too.
"""
import collections
import pathlib
import re
import sys

import knots

# What is needed by other means than a symbol of an object: (name: by what).
OTHERWISE = {
    "main": "the C library",
}
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)
DEFINED = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(?=\(|[ \t]+\S)|^(?:\w+[ \t]+)*?static inline\b[^;{}()]*?\b(\w+)\(", re.M)
ASKED = re.compile(r"^[ \t]*#[ \t]*(?:undef|ifn?def)\b.*", re.M)  # is no need
PROTOTYPE = re.compile(r"^\w[\w \t*]*\([^{}]*?\);$", re.M)  # calls are not at the beginning of a line


def words_of(text):
    counts = {}
    for word in re.findall(r"\w+", PROTOTYPE.sub("", COMMENT.sub(" ", text))):
        counts[word] = counts.get(word, 0) + 1
    return counts


def without_symbol(top):
    """{name: source} of the macros and inline functions that nothing needs."""
    texts = {path: ASKED.sub("", COMMENT.sub(" ", path.read_text())) for path in sorted((top / "src").rglob("*.[chS]"))}
    uses = {path: collections.Counter(re.findall(r"\w+", text)) for path, text in texts.items()}
    for path, text in texts.items():
        uses[path].subtract(macro or function for macro, function in DEFINED.findall(text))
    of_headers = sum((uses[path] for path in uses if path.suffix == ".h"), collections.Counter())
    of_all = sum(uses.values(), collections.Counter())
    for path, text in texts.items():
        others = of_all if path.suffix == ".h" else of_headers
        for name in ("".join(names) for names in DEFINED.findall(text)):
            if others[name] <= 0 and uses[path][name] <= 0:
                yield name, str(path.relative_to(top))


def problems_of(build, top):
    defined, needed = knots.symbols_of(knots.objects_of(build, top))
    by_objects = set().union(*needed.values())
    public = {line.split()[0] for path in (top / "tests").rglob("symbols.txt") for line in path.read_text().splitlines()}
    texts = {path: words_of(path.read_text()) for path in (top / "src").rglob("*.[chS]")}
    inlined = set().union(*(words_of(body) for path in texts if path.suffix == ".h"
                            for body in re.findall(r"^\{.*?^\}", path.read_text(), re.M | re.S)), set())
    tests = set().union(*(re.findall(r"\w+", path.read_text()) for path in (top / "tests").rglob("*.[ch]")), set())
    allowed = top / "scripts" / "unused-allowed.txt"
    listed = dict(line.split(" ", 1) for line in allowed.read_text().splitlines() if not line.startswith("#"))
    unneeded = {}
    for name, source in defined.items():
        if name not in by_objects | public | inlined | set(OTHERWISE) and re.fullmatch(r"\w+", name):
            unneeded[name] = source
    for name, source in sorted(unneeded.items(), key=lambda item: item[::-1]):
        if texts[top / source].get(name, 0) > 1:
            if name not in tests and not source.endswith(".S"):
                yield f"{source}: {name} is needed by this file alone: make it static"
        elif name not in listed:
            yield f"{source}: nothing needs {name}" + (", but tests" if name in tests else "")
    macros = dict(without_symbol(top))
    for name, source in sorted(macros.items(), key=lambda item: item[::-1]):
        if name not in listed:
            yield f"{source}: nothing needs {name}" + (", but tests" if name in tests else "")
    for name in sorted(set(listed) - set(unneeded) - set(macros)):
        yield f"{allowed.name}: {name} is needed, or gone: take it off the list"


def main():
    build, top = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else __file__).resolve()
    problems = list(problems_of(build, top if top.is_dir() else top.parent.parent))
    for problem in problems:
        print(problem)
    print(f"unused: {len(problems)} problems" if problems else "unused: everything is needed")
    sys.exit(bool(problems))


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""contracts.py INCLUDE_DIR - every public function has a contract, in the form of CONTRIBUTING.md.  TAP, a line a header.

A declaration belongs to the comment above it, with no empty line between; several may share one.  Checked is that

  1. there is such a comment;
  2. its lines (Threads, Suspends, Returns, Errors, Owns, Example) come in that order, each once;
  3. what tells of Errors also tells what is Returned when there is none;
  4. who gives out an object says whose it is: owned, borrowed, taken, a share;
  5. a function that knows no loop (it is in base, http/url, or one of LOOPLESS), and one for any thread (..._threadsafe), has
     a line Threads, because the rule of loop.h is about what belongs to a loop.  One for a group of declarations is enough;
  6. what is owned can be released: bide_release (object.h) takes a pointer to it.

Private functions (bide__) and those whose name says all (bide_..._done) need only the first.
"""
import pathlib
import re
import sys

LINES = ["Threads", "Suspends", "Returns", "Errors", "Owns", "Example"]
TOKEN = re.compile(r"(?P<comment>/\*.*?\*/)"
                   r"|(?P<empty>\n[ \t]*(?=\n))"
                   r"|^BIDE_API\s+(?P<type>[^(;]*?)(?P<name>\w+)\(", re.M | re.S)
LABEL = re.compile(r"^\s*(?:/?\*)?\s*(\w+):", re.M)
DEFINITION = re.compile(r"^[a-z][\w ]*[ *](bide_[a-z]\w*)\(.*\)$|^[a-z][\w ]*[ *]\((bide_[a-z]\w*)\)\(.*\)$", re.M)
LOOPLESS = ["http/field/date.c", "http/field/retry_after.c", "io/tls/tls.c", "core/here.c"]
OBJECT = re.compile(r"^(?!const)(?:void|bide_\w+|char|struct json_t) \*$")
OWNED = re.compile(r"\bresult is owned\b")
RELEASED = set(re.findall(r"struct (bide_\w+) \*: 1", (pathlib.Path(sys.argv[1]) / "bide/object.h").read_text()))
OWNERSHIP = re.compile(r"\bOwns:|\bowned\b|\bborrowed\b|\btaken\b|\bshare\b", re.I)


def declarations(text):
    """(comment, type, name) of each function: the comment is the last one above it, if no empty line ends its reach."""
    comment = None
    for token in TOKEN.finditer(text):
        beside = text[text.rfind("\n", 0, token.start()) + 1:token.start()].strip()
        if token["comment"] and beside:
            continue  # of the declaration in front of it
        if token["comment"]:
            comment = token["comment"]
        elif token["empty"]:
            comment = None
        else:
            yield comment, token["type"], token["name"]


def loopless(sources):
    """The functions that are defined in files which know no loop, or make what there may be before one runs."""
    files = [*sources.glob("base/**/*.c"), *sources.glob("http/url/*.c"), *(sources / name for name in LOOPLESS)]
    return {name for file in files for names in DEFINITION.findall(file.read_text()) for name in names if name}


def check(comment, kind, name):
    if name.startswith("bide__"):
        return
    if comment is None:
        yield f"{name}: no comment above it"
        return
    labels = [word for word in LABEL.findall(comment) if word in LINES]
    if labels != sorted(set(labels), key=LINES.index):
        yield f"{name}: the lines of its contract are in the order {', '.join(labels)}"
    if "Errors" in labels and "Returns" not in labels:
        yield f"{name}: Errors, but no Returns"
    if "Threads" not in labels and (name in NEED_THREADS or name.endswith("_threadsafe")):
        yield f"{name}: no line Threads, and the rule of loop.h is not for it"
    if OBJECT.match(kind.strip()) and not OWNERSHIP.search(comment):
        yield f"{name}: gives out an object, but does not say whose it is"
    owned = kind.split()[-2] if kind.strip().endswith("*") else ""
    if owned.startswith("bide_") and OWNED.search(comment) and owned not in RELEASED:
        yield f"{name}: the result is owned, but bide_release does not take a {owned} *"


def problems_of(path):
    for comment, kind, name in declarations(path.read_text()):
        yield from check(comment, kind, name)


NEED_THREADS = loopless(pathlib.Path(sys.argv[1]).parent / "src")
assert {"bide_version", "bide_url_parse", "bide_create_task_with"} <= NEED_THREADS, NEED_THREADS
headers = sorted(pathlib.Path(sys.argv[1]).glob("bide/*.h"))
failed = False
for number, header in enumerate(headers, 1):
    problems = list(problems_of(header))
    failed |= bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - contracts of bide/{header.name}")
    for problem in problems:
        print("#  ", problem)
print(f"1..{len(headers)}")
sys.exit(failed)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rows.py SOURCE - each member of a public struct of options has a row in tests/public/options/rows.h, and each row a member.  TAP.

Structs of options are those with a guard_.  That a member is seen which has no row is tried with a copy of the headers.
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
COMMENT = re.compile(r"/\*.*?\*/", re.S)
STRUCT = re.compile(r"typedef struct (\w+) \{(.*?)\n\} \1;", re.S)
NEITHER = {"size", "guard_"}


def names(declaration):
    """Of `int a, *b[2]` a and b; of `void (*f)(int x)` f."""
    function = re.search(r"\(\*(\w+)\)", declaration)
    return [function[1]] if function else re.findall(r"(\w+)(?:\[[^]]*\])?(?=,|$)", declaration)


def members(text):
    """The pairs (struct, member) of a header."""
    found = set()
    for struct, body in STRUCT.findall(COMMENT.sub("", text)):
        if "struct bide_use_named_options *guard_" in body:
            declarations = [" ".join(d.split()) for d in re.split(r";(?![^{]*\})", body)]
            found |= {(struct, name) for d in declarations if d for name in names(d) if name not in NEITHER}
    return found


def check(headers, rows):
    """What is wrong, a line each."""
    known = {(struct, member) for struct, member in re.findall(r"^(?:ROW\(\w+, |OTHER\(|ANY\()(\w+), (\w+)", rows, re.M)}
    there = set().union(*map(members, headers))
    return ([f"{struct}.{member} has no row in tests/public/options/rows.h" for struct, member in sorted(there - known)] +
            [f"{struct}.{member} is in no header" for struct, member in sorted(known - there)])


headers = [path.read_text() for path in sorted((source / "include/bide").glob("*.h"))]
rows = (source / "tests/public/options/rows.h").read_text()
planted = [text.replace("bool insecure; ", "bool insecure; int64_t a_new_one_ms; ", 1) for text in headers]
results = [("each member has a row", check(headers, rows) == []),
           ("a new member is seen", len(check(planted, rows)) >= 1),
           ("a row that went is seen", check(headers, rows.replace("ROW(take_session, bide_session_args, limit,", "", 1)) == [
               "bide_session_args.limit has no row in tests/public/options/rows.h"]),
           ("a member that went is seen", check(headers, rows + "OTHER(bide_session_args, was_there),\n") == [
               "bide_session_args.was_there is in no header"])]
print(f"1..{len(results)}")
for i, (name, passed) in enumerate(results, 1):
    print(f"{'ok' if passed else 'not ok'} {i} - {name}")
for line in check(headers, rows):
    print(f"# {line}")
sys.exit(not all(passed for _, passed in results))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who includes whom: the table of rooms, checked.

A room is a folder of src/.  ROOMS says which other rooms it may know; PUBLIC, to which room a public header belongs, so
that including <bide/http.h> is knowing the room http.  Tests may know their own room and base; tests/conform, fuzz and
differential are programs about private parts and may know any.  Each room has a README of at most README_LINES that names
all of its files.  A broken rule is an error; an #if in src/*.c outside COMPATIBILITY is only mentioned.

rooms.py [TREE] checks another tree; the tests do that with broken ones.
"""
import fnmatch
import pathlib
import re
import sys

ROOMS = {
    "base": {"base"},
    "core": {"core", "base"},
    "sync": {"sync", "core", "base"},
    "io": {"io", "sync", "core", "base"},
    "http": {"http", "io", "sync", "core", "base"},
    "pool": {"pool", "io", "sync", "core", "base"},
    "cli": {"cli"},
}
# io implements the poller that core declares; core never names io.
PUBLIC = {
    "version": "base", "object": "base", "error": "base",
    "coroutine": "core", "task": "core", "loop": "core", "cplusplus": "core", "cplusplus_pool": "pool",
    "sync": "sync",
    "stream": "io", "tls": "io", "file": "io", "signal": "io", "process": "io",
    "url": "http", "http": "http", "server": "http",
    "pool": "pool",
    "bide": "cli",  # the umbrella: for users only
}
LIBC_ONLY = {"base", "core", "sync"}
OTHERS_LIBRARIES = re.compile(r"^(openssl/|ares|jansson|liburing|idn2|zlib|nghttp2/|brotli/|zstd|libpsl|hiredis|gumbo|sqlite3)")
ANY_ROOM = {"conform", "fuzz", "differential", "harness", "regress", "examples"}
COMPATIBILITY = {"src/core/sanitize.c", "src/core/switch_state.c"}
README_LINES = 60

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
CONDITION = re.compile(r"^\s*#\s*if", re.M)

here = pathlib.Path(__file__).resolve().parent.parent
top = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
problems = []


def complain(path, text):
    problems.append(f"{path.relative_to(top)}: {text}")


def includes(path):
    """The (kind, name) of every include: kind is < or a quote."""
    return INCLUDE.findall(path.read_text())


def files(*folders):
    for folder in folders:
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".S"):
                yield path


def check_room(path, room, allowed, may_use_all_public):
    for kind, name in includes(path):
        if kind == "<":
            if room in LIBC_ONLY and OTHERS_LIBRARIES.match(name):
                complain(path, f"<{name}>: {room} knows libc only")
            if name.startswith("bide/") and not may_use_all_public:
                owner = PUBLIC.get(name[len("bide/"):-len(".h")])
                if owner is None:
                    complain(path, f"<{name}>: scripts/rooms.py does not know to which room it belongs")
                elif owner not in allowed:
                    complain(path, f"<{name}>: {room} may not know {owner}")
            continue
        if (path.parent / name).is_file() and "/" not in name and "src" not in path.relative_to(top).parts:
            continue  # tests: a header of the same folder
        owner = name.split("/")[0]
        if owner == "harness" and path.is_relative_to(top / "tests"):
            continue
        if owner not in ROOMS or not (top / "src" / name).is_file():
            complain(path, f'"{name}": write it from src/, as "room/file.h"')
        elif owner not in allowed:
            complain(path, f'"{name}": {room} may not know {owner}')


def check_sources():
    for path in files("src"):
        room = path.relative_to(top / "src").parts[0]
        if room not in ROOMS:
            complain(path, "not in a room that scripts/rooms.py knows")
            continue
        check_room(path, room, ROOMS[room], may_use_all_public=room == "cli")


def check_tests():
    for path in files("tests"):
        room = path.relative_to(top / "tests").parts[0]
        allowed = set(ROOMS) if room in ANY_ROOM else {room, "base"}
        check_room(path, "tests/" + room, allowed, may_use_all_public=True)


def check_public():
    for path in files("include"):
        for kind, name in includes(path):
            if kind == '"' or name.startswith(tuple(room + "/" for room in ROOMS)):
                complain(path, f"{name}: a public header includes only <bide/...> and libc")
            elif name.startswith("bide/") and path.name != "bide.h":
                me, other = PUBLIC.get(path.stem), PUBLIC.get(name[len("bide/"):-len(".h")])
                if me and other not in ROOMS[me]:
                    complain(path, f"<{name}>: {me} may not know {other}")


def check_examples():
    for path in files("examples", "docs"):
        for kind, name in includes(path):
            if kind == '"' and not (path.parent / name).is_file():
                complain(path, f'"{name}": an example uses only what is installed')


def named_stems(text):
    """What a room's README speaks of: `glob.c` names glob.h too; `fetch_*.c` is a pattern."""
    return [word.rsplit(".", 1)[0] for word in re.findall(r"`([\w*-]+\.[\w*]+)`", text)]


def check_readmes():
    for room in sorted(path for path in (top / "src").iterdir() if path.name in ROOMS):
        readme = room / "README.md"
        if not readme.is_file():
            complain(readme, "every room has one")
            continue
        text = readme.read_text()
        if text.count("\n") > README_LINES:
            complain(readme, f"more than {README_LINES} lines")
        named = named_stems(text)
        for path in files(f"src/{room.name}"):
            if path.parent == room and not any(fnmatch.fnmatch(path.stem, word) for word in named):
                complain(readme, f"does not name {path.name}")


def mention_conditions():
    for path in files("src"):
        name = str(path.relative_to(top))
        if path.suffix == ".c" and "/arch/" not in name and name not in COMPATIBILITY:
            n = len(CONDITION.findall(path.read_text()))
            if n:
                print(f"note: {name}: {n} #if outside the compatibility files")


check_sources()
check_tests()
check_public()
check_examples()
check_readmes()
mention_conditions()
for problem in problems:
    print(problem)
print(f"rooms: {len(problems)} broken rules" if problems else "rooms: every file keeps to the table")
sys.exit(bool(problems))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who knows whom: the table of rooms, checked.

A room is a folder of src/, or a folder of one.  ROOMS says what else each may know; PUBLIC, to which room a public header
belongs, so that including <bide/http.h> is knowing the room http.  Tests may know their own room and base; tests/conform,
fuzz and differential are programs about private parts and may know any.

A folder of src/ or tests/ has at most FOLDER_FILES files (tests/cases, which is data, any number), a header at
most HEADER_LINES lines, and a room's README at most README_LINES; it names all of the files in its folder and in those
below that have none of their own.

With --build, the symbols of that build's object files must keep to the same table, and no more than KNOT_FILES files may
call each other in a circle.  What is still otherwise is listed in scripts/rooms-allowed.txt (see scripts/allowed.py).
A broken rule is an error; an #if in src/*.c outside COMPATIBILITY is only mentioned.

rooms.py [--build BUILD [--write]] [TREE] checks another tree; the tests do that with broken ones.
"""
import argparse
import collections
import fnmatch
import pathlib
import re
import sys

from allowed import Allowed
import knots

# Each room, lowest first, and what it may know besides itself: rooms, one header, or NAME/* for a room and all those in it.
# Some of the rooms are still to come.
TO_IO = "io/* sync core/* base"
TO_LIST = "cli/cli.h cli/request cli/see cli/route cli/pattern cli/option cli/terminal"
COMMON = "cli/list cli/progress cli/save " + TO_LIST  # of the commands
ROOMS = {
    "base": "",
    "core/stack": "base",
    "core/loop": "core/stack base",
    "core/turn": "core/loop core/stack base",
    "core/thread": "core/turn core/loop core/stack base",
    "core/task": "core/thread core/turn core/loop core/stack base",
    "core/several": "core/task core/thread core/turn core/loop core/stack base",
    "sync/pace": "sync core/* base",
    "sync/far": "sync core/* base",
    "dwarf": "",
    "coverage": "",
    "inspect/self": "core/* base",
    "inspect": "inspect/self dwarf coverage core/* base",
    "core": "inspect core/* base",
    "sync": "core/* base",
    "io/poll": "sync core/* base",
    "io/stream": "io/poll sync core/* base",
    "io/tls": "io/stream io/poll sync core/* base",
    "io/net": "io/tls io/stream io/poll sync core/* base",
    "io/listen": "io/net io/tls io/stream io/poll sync core/* base",
    "io/datagram": "io/net io/tls io/stream io/poll sync core/* base",
    "io/file": "io/poll sync core/* base",
    "io/testing": "io/stream io/poll sync core/* base",
    "io/file/tree": "io/file io/poll sync core/* base",
    "io/process": "io/file io/stream io/poll sync core/* base",
    "io": TO_IO,
    "unblock": "io/* core/* base",
    "unblock/lock": "unblock io/* core/* base",
    "unblock/descriptor": "unblock io/* core/* base",
    "http/url": "base",
    "http/field": "http/url base",
    "http/h1": "http/field http/url base",
    "http/coding": "http/field base",
    "http/auth": "http/field http/url base",
    "http/proxy": "http/field http/url base",
    "http/cookie": "http/field http/url base",
    "http/value": "http/field http/url base",
    "http/hsts": "http/value http/field http/url base",
    "http/store": "http/cookie http/hsts http/value http/field http/url " + TO_IO,
    "http/tunnel": "http/proxy http/auth http/h1 http/field http/url " + TO_IO,
    "http/trace": TO_IO,
    "http/connect": "http/trace http/tunnel http/field http/url " + TO_IO,
    "http/exchange": "http/trace http/coding http/connect http/h1 http/field http/url " + TO_IO,
    "http/source": "http/exchange/ops.h http/connect http/coding http/value http/field http/url " + TO_IO,
    "http/policy": "http/exchange/ops.h http/tunnel http/auth http/proxy http/cookie http/hsts http/value http/field http/url " + TO_IO,
    "http/transport": "http/trace http/exchange http/connect http/store http/coding http/h1 http/value http/field http/url " + TO_IO,
    "http/around": "http/trace http/policy http/transport http/source http/exchange http/connect http/tunnel http/cookie http/hsts http/auth http/proxy http/coding http/h1 http/value "
                   "http/field http/url " + TO_IO,
    "http/client": "http/trace http/around http/policy http/transport http/source http/exchange http/connect http/tunnel http/store http/cookie http/hsts http/value http/proxy http/auth http/coding "
                   "http/h1 http/field http/url " + TO_IO,
    "http/blocking": "http/trace http/client http/around http/transport http/policy http/source http/exchange http/connect http/tunnel http/cookie http/hsts http/auth http/proxy "
                     "http/coding http/h1 http/value http/field http/url " + TO_IO,
    "http/reader": "http/client http/policy http/exchange http/connect http/value http/field http/url " + TO_IO,
    "http/server": "http/exchange/ops.h http/h1 http/field http/url " + TO_IO,
    "http": "http/* " + TO_IO,
    "pool/shm": "core/* base",
    "pool/worker": "pool/shm " + TO_IO,
    "pool/spawn": "pool/worker pool/shm " + TO_IO,
    "pool/jobs": "pool/shm core/* base",
    "pool/proxy": "pool/jobs pool/spawn pool/worker pool/shm " + TO_IO,
    "pool/local": "pool/proxy pool/jobs pool/spawn pool/worker pool/shm " + TO_IO,
    "pool/redis/link": "pool/jobs pool/shm " + TO_IO,
    "pool/redis": "pool/redis/link pool/jobs pool/shm " + TO_IO,
    "pool": "pool/* " + TO_IO,
    "crawl": "http/* " + TO_IO,
    "cli/terminal": "cli/cli.h",
    "cli/option": "cli/cli.h cli/terminal",
    "cli/help": "cli/cli.h cli/see cli/option cli/terminal",
    "cli/save": "cli/cli.h cli/terminal",
    "cli/progress": "cli/cli.h cli/save cli/terminal",
    "cli/pattern": "cli/cli.h cli/option cli/terminal",
    "cli/route": "cli/cli.h cli/option cli/terminal",
    "cli/see": "cli/cli.h cli/save cli/option cli/terminal",
    "cli/request": "cli/cli.h cli/see cli/route cli/pattern cli/option cli/terminal",
    "cli/list": TO_LIST,
    "cli/schedule/host": TO_LIST,
    "cli/schedule": "cli/schedule/host cli/list " + TO_LIST,
    "cli/get": COMMON,
    "cli/fetch/report": "cli/fetch/context.h cli/schedule cli/schedule/host " + COMMON,
    "cli/fetch/plan": "cli/fetch/context.h cli/fetch/report cli/schedule cli/schedule/host " + COMMON,
    "cli/fetch/save": "cli/fetch/context.h cli/fetch/plan cli/fetch/report cli/schedule cli/schedule/host " + COMMON,
    "cli/fetch": "cli/fetch/* cli/schedule cli/schedule/host " + COMMON,
    "cli/crawl": "cli/schedule cli/schedule/host " + COMMON,
    "cli/compare/run": "cli/compare/context.h cli/serve " + COMMON,
    "cli/compare/report": "cli/compare/context.h cli/compare/run " + COMMON,
    "cli/compare": "cli/compare/* " + COMMON,
    "cli/serve": COMMON,
    "cli/worker": COMMON,
    "cli/doctor": "coverage " + COMMON,
    "cli/remote": "dwarf inspect/root.h",
    "cli/ps": "cli/remote " + COMMON,
    "cli/trace": "cli/ps cli/remote inspect/timeline/export.h base/timeline/timeline.h " + COMMON,
    "cli": "cli/*",
}
PUBLIC = {
    "version": "base", "object": "base", "allocator": "base", "error": "base", "text": "base", "histogram": "base",
    "backoff": "base",
    "awaitable": "core", "coroutine": "core", "future": "core", "several": "core", "select": "core", "task": "core", "loop": "core", "debug": "core", "thread": "core",
    "timeout": "core", "scope": "core", "group": "core", "context": "core",
    "cplusplus": "core", "cplusplus_task": "core",
    "cplusplus_job": "pool",
    "sync": "sync", "queue": "sync", "channel": "sync", "broadcast": "sync", "item": "core",
    "limiter": "sync", "interval": "sync",
    "unblock": "unblock",
    "watch": "io", "path": "io",
    "stream": "io", "extend": "io", "tls": "io", "file": "io", "signal": "io", "process": "io", "testing": "io",
    "dns": "io", "descriptor": "io", "datagram": "io", "address": "io", "socket": "io", "transfer": "io", "listener": "io", "embed": "core",
    "url": "http", "http": "http", "auth": "http", "retry": "http", "trace": "http", "json": "http", "server": "http", "date": "http", "cookie": "http", "hsts": "http", "session": "http", "request": "http", "upload": "http", "body": "http", "response": "http", "save": "http", "transport": "http", "har": "http", "around": "http", "blocking": "http",
    "job": "pool", "pool": "pool", "pool_call": "pool", "pool_redis": "pool", "pool_report": "pool", "pool_stream": "pool",
    "bide": "cli",  # the umbrella: for users only
}
LIBC_ONLY = {"base", "dwarf", "coverage", "core", "inspect", "sync"}
OTHERS_LIBRARIES = re.compile(r"^(openssl/|ares|jansson|liburing|idn2|zlib|nghttp2/|brotli/|zstd|libpsl|hiredis|gumbo|sqlite3)")
ANY_ROOM = {"conform", "fuzz", "differential", "harness", "regress", "examples"}
NO_ROOMS = {"arch", "heap", "kept", "ledger", "overview", "timeline", "util"}  # folders that are a part of the room above
COMPATIBILITY = {"sanitize.c", "switch_state.c"}
README_LINES = 60
HEADER_LINES = 250
FOLDER_FILES = 15
KNOT_FILES = 3

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
CONDITION = re.compile(r"^\s*#\s*if", re.M)

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--build", type=pathlib.Path, help="a build folder: check the symbols of its object files, too")
parser.add_argument("--write", action="store_true", help="write scripts/rooms-allowed.txt as the tree is now (with --build)")
parser.add_argument("tree", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
options = parser.parse_args()
if options.write and not options.build:
    parser.error("--write needs --build: the list has knots, too")
top = options.tree.resolve()
allowed_list = top / "scripts" / "rooms-allowed.txt"
allowed = Allowed(allowed_list)
problems = []

def complain(path, text):
    problems.append(f"{path.relative_to(top)}: {text}")

def complain_unless_listed(path, text):
    """Of what the list may allow and does not; with --write, it will."""
    if options.write:
        print(f"now on the list: {path.relative_to(top)}: {text}")
    else:
        complain(path, text)

# ---- the table ----

def house(room):
    """The folder of src/ that it is in."""
    return room.split("/")[0]

def room_of(path):
    """The room of a file that is given relative to src/ or to tests/; None if there is no such room."""
    folders = [folder for folder in pathlib.PurePath(path).parent.parts if folder not in NO_ROOMS]
    room = "/".join(folders)
    return room if room in ROOMS else None

def known(room):
    """All that the room may know: rooms, and single headers."""
    names = {room}
    for word in ROOMS[room].split():
        if word.endswith("/*"):
            names |= {other for other in ROOMS if other == word[:-2] or other.startswith(word[:-1])}
        else:
            names.add(word)
    return names

def may_know(others, file):
    """Whether the room may know this private header: by the table."""
    return room_of(file) in others or file in others

def includes(path):
    """The (kind, name) of every include: kind is < or a quote."""
    return INCLUDE.findall(path.read_text())

def files(*folders):
    for folder in folders:
        for path in sorted((top / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".S"):
                yield path

# ---- includes ----

def is_private(name):
    """Of what stands in <>: the compiler finds these, too, as src/ is where it looks."""
    return house(name) in map(house, ROOMS) or name.startswith(".")

def check_public_include(path, name, me, others):
    """Who may know a room of a house may know all of the house's public headers."""
    owner = PUBLIC.get(name[len("bide/"):-len(".h")])
    if owner is None:
        complain(path, f"<{name}>: scripts/rooms.py does not know to which room it belongs")
    elif owner not in {house(room) for room in others}:
        complain(path, f"<{name}>: {me} may not know {owner}")

def check_file(path, me, others, may_use_all_public):
    """`me` is the room, or the folder of tests; `others`, what it may know."""
    for kind, name in includes(path):
        if kind == "<" and is_private(name):
            complain(path, f"<{name}>: a private header stands in quotes")
        elif kind == "<":
            if house(me) in LIBC_ONLY and OTHERS_LIBRARIES.match(name):
                complain(path, f"<{name}>: {me} knows libc only")
            if name.startswith("bide/") and not may_use_all_public:
                check_public_include(path, name, me, others)
        elif not is_of_tests(path, name):
            if house(name) not in map(house, ROOMS) or not (top / "src" / name).is_file():
                complain(path, f'"{name}": write it from src/, as "room/file.h"')
            elif not may_know(others, name) and not allowed.pair(("knows", me, room_of(name) or name)):
                complain_unless_listed(path, f'"{name}": {me} may not know {room_of(name) or name}')

def is_of_tests(path, name):
    """A header of the harness, or of the test's own room: in its folder, in one above, or written from tests/."""
    tests = top / "tests"
    if not path.is_relative_to(tests):
        return False
    own = tests / path.relative_to(tests).parts[0]
    above = [folder for folder in path.parents if folder.is_relative_to(own)]
    return name.startswith("harness/") or any((folder / name).is_file() for folder in above) or (
        name.startswith(own.name + "/") and (tests / name).is_file())

def check_sources():
    for path in files("src"):
        room = room_of(path.relative_to(top / "src"))
        if room is None:
            complain(path, "not in a room that scripts/rooms.py knows")
        else:
            check_file(path, room, known(room), may_use_all_public=house(room) == "cli")

def known_to_tests(folder, room):
    """A test may know what its room may, but of no other house than its own and base."""
    if folder in ANY_ROOM:
        return set(ROOMS)
    return {other for other in known(room) if house(other) in (folder, "base")} | {"base"} if room else {"base"}

def room_of_test(name):
    """The room of its folder, or of the next above that is one: a folder of tests may also be a behaviour."""
    folder = name.parent
    while str(folder) not in ROOMS and folder.parts:
        folder = folder.parent
    return str(folder) if folder.parts else None

def check_tests():
    for path in files("tests"):
        name = path.relative_to(top / "tests")
        room = room_of_test(name)
        me = "tests/" + (room or name.parts[0])
        check_file(path, me, known_to_tests(name.parts[0], room), may_use_all_public=True)

def check_public():
    for path in files("include"):
        for kind, name in includes(path):
            if kind == '"' or is_private(name) or OTHERS_LIBRARIES.match(name):
                complain(path, f"{name}: a public header includes only <bide/...> and libc")
            elif name.startswith("bide/") and path.name != "bide.h":
                me, other = PUBLIC.get(path.stem), PUBLIC.get(name[len("bide/"):-len(".h")])
                if me and other not in map(house, known(me)):
                    complain(path, f"<{name}>: {me} may not know {other}")

def check_examples():
    for path in files("examples", "docs"):
        for kind, name in includes(path):
            if kind == '"' and not (path.parent / name).is_file():
                complain(path, f'"{name}": an example uses only what is installed')

# ---- READMEs and sizes ----

def named_in(text):
    """What a room's README speaks of: `glob.c` names glob.h too; `fetch_*.c` is a pattern; `url/` may stand before it."""
    return [word.rsplit(".", 1)[0].split("/")[-1] for word in re.findall(r"`([\w*/-]+\.[\w*]+)`", text)]

def readme_for(folder):
    """Its own, or the next above."""
    while not (folder / "README.md").is_file() and folder.parent != top / "src":
        folder = folder.parent
    return folder / "README.md"

def check_readmes():
    for readme in sorted((top / "src").rglob("README.md")):
        if readme.read_text().count("\n") > README_LINES:
            complain(readme, f"more than {README_LINES} lines")
    for path in files("src"):
        readme = readme_for(path.parent)
        if path.parent.name == "arch" or room_of(path.relative_to(top / "src")) is None:
            continue
        if not readme.is_file():
            complain(readme, "every room has one")
        elif not any(fnmatch.fnmatch(path.stem, word) for word in named_in(readme.read_text())):
            complain(readme, f"does not name {path.relative_to(readme.parent)}")

def is_counted(path):
    """Not the data of tests, nor what a run leaves behind."""
    return not path.is_relative_to(top / "tests" / "cases") and path.parent.name != "__pycache__"

def check_sizes():
    for path in files("src", "include"):
        n = path.read_text().count("\n")
        if path.suffix == ".h" and n > HEADER_LINES and not allowed.size("header", str(path.relative_to(top)), n):
            complain_unless_listed(path, f"{n} lines: a header has at most {HEADER_LINES}")

def check_folders():
    """Of src/ the sources; of tests/ all: scripts are tests, too."""
    paths = list(files("src")) + [path for path in (top / "tests").rglob("*") if path.is_file() and is_counted(path)]
    for folder, n in collections.Counter(path.parent for path in paths).items():
        if n > FOLDER_FILES and not allowed.size("folder", str(folder.relative_to(top)), n):
            complain_unless_listed(folder, f"{n} files: a folder has at most {FOLDER_FILES}")

def mention_conditions():
    for path in files("src"):
        name = str(path.relative_to(top))
        if path.suffix == ".c" and "/arch/" not in name and path.name not in COMPATIBILITY:
            n = len(CONDITION.findall(path.read_text()))
            if n:
                print(f"note: {name}: {n} #if outside the compatibility files")

# ---- symbols ----

def check_call(caller, callee, symbol):
    room, other = room_of(caller[len("src/"):]), room_of(callee[len("src/"):])
    if room is None or other is None or other in known(room):
        return
    if house(room) == "cli" and house(other) != "cli":
        return  # it is linked with the shared library, which shows only what is public
    if not allowed.pair(("calls", caller, callee), ("knows", room, other)):
        complain_unless_listed(top / caller, f"calls {symbol} of {callee}: {room} may not know {other}")

def check_calls(graph):
    for caller, callees in graph.items():
        for callee, symbol in callees.items():
            check_call(caller, callee, symbol)

def check_knots(graph):
    for members in knots.circles(graph, KNOT_FILES):
        new = sorted(allowed.knot(members))
        if new:
            complain_unless_listed(top / new[0], f"in a circle of {len(members)} files that call each other: "
                                   f"{' '.join(sorted(members))} (new in it: {' '.join(new)})")

def check_symbols():
    graph = knots.calls(options.build.resolve(), top)
    check_calls(graph)
    check_knots(graph)

check_sources()
check_tests()
check_public()
check_examples()
check_readmes()
check_sizes()
check_folders()
mention_conditions()
if options.build:
    check_symbols()
if options.write:
    allowed.write(allowed_list)
else:
    problems += [f"{allowed_list.relative_to(top)}: {text}" for text in allowed.unneeded(with_symbols=options.build)]
for problem in problems:
    print(problem)
print(f"rooms: {len(problems)} broken rules" if problems else "rooms: every file keeps to the table")
sys.exit(bool(problems))

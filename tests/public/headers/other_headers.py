#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""other_headers.py SOURCE BUILD COMPILER... - programs that were built with other headers run with this library.  TAP.

tests/public/headers/other_headers.c is built three times: with our headers, with earlier ones (each struct of options or of figures has
one member less at its end), with later ones (one more, .tomorrow).  It says "ok" if all it calls does its work; with later headers it also sets the new member, which is an error that says why, and finds it 0 in what it is given.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source, build = map(pathlib.Path, sys.argv[1:3])
compiler = sys.argv[3:]
STRUCT = re.compile(r"typedef struct (bide_\w+_args|bide_\w+_stats|bide_timing|bide_error_info|bide_allocator|bide_pool_item|bide_pool_counts) "
                    r"\{\n(.*?)\n\} \1;", re.S)
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def members_of(body):
    """Its declarations; a struct inside is one."""
    return [" ".join(member.split()) for member in re.split(r";(?![^{]*\})", COMMENT.sub("", body)) if member.strip()]


def without_last(members):
    """Of `int a, b` that is b."""
    last = members[-1].rpartition(",")[0] if "(" not in members[-1] and "{" not in members[-1] else ""
    return members[:-1] + ([last] if last else [])


def with_members(change):
    def edit(match):
        members = members_of(match[2])
        assert members[0] == "size_t size" or not match[1].endswith(("_args", "_allocator")), f"{match[1]} does not begin with its size"
        return f"typedef struct {match[1]} {{\n{' '.join(m + ';' for m in change(members))}\n}} {match[1]};"
    return edit


def headers(top, change):
    """A copy of the headers; how many structs were changed."""
    changed = 0
    shutil.copytree(source / "include", top)
    for path in top.rglob("*.h"):
        text, n = STRUCT.subn(with_members(change), path.read_text())
        path.write_text(text)
        changed += n
    return changed


def padded():
    """Options that end in padding: a member that came there would be in no size, and hold what programs leave in it."""
    lines = ["#include <stddef.h>", "#include <bide/bide.h>"]
    for path in sorted((source / "include").rglob("*.h")):
        for name, body in STRUCT.findall(path.read_text()):
            last = re.search(r"\(\*(\w+)\)|(\w+)(?:\[.*\])?$", members_of(body)[-1])
            member = last[1] or last[2]
            if name.endswith("_args"):
                lines.append(f'_Static_assert(sizeof({name}) == offsetof({name}, {member}) + sizeof((({name} *)0)->{member}), '
                             f'"{name} ends in padding, behind {member}");')
    done = subprocess.run([*compiler, "-std=gnu11", f"-I{source}/include", "-fsyntax-only", "-x", "c", "-"],
                          input="\n".join(lines), capture_output=True, text=True)
    return done.returncode == 0 and len(lines) >= 15, done.stderr or f"{len(lines) - 2} structs"


def run(folder, include, *flags):
    """Whether the program does its work, and what it says."""
    program = folder / f"program-{include.parent.name}"
    subprocess.run([*compiler, "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", *flags, f"-I{include}", "-o", program,
                    source / "tests/public/headers/other_headers.c", f"-L{build}/src", "-lbide", f"-Wl,-rpath,{build}/src"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=60)
    return done.returncode == 0 and done.stdout == "ok\n", done.stdout + done.stderr


with tempfile.TemporaryDirectory() as tmp:
    tmp = pathlib.Path(tmp)
    older = headers(tmp / "older" / "include", without_last)
    newer = headers(tmp / "newer" / "include", lambda members: members + ["long tomorrow"])
    results = [
        ("the headers have structs of options and of figures", (older == newer and older >= 22, str(older))),
        ("no options end in padding", padded()),
        ("built with our headers", run(tmp, source / "include")),
        ("built with earlier headers", run(tmp, tmp / "older" / "include")),
        ("built with later headers", run(tmp, tmp / "newer" / "include", "-DLATER")),
    ]
for n, (name, (good, said)) in enumerate(results, 1):
    print(f"{'ok' if good else 'not ok'} {n} - {name}")
    if not good:
        print("".join(f"#   {line}\n" for line in said.splitlines()), end="")
print(f"1..{len(results)}")
sys.exit(not all(good for _, (good, _) in results))

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libuv.py SOURCE - docs/guide/coming-from-libuv.md has every function of libuv's headers, and none that is not there.  TAP.

`uv_tty_*` on the page stands for all that begin so.  That ours are there is for names.py.
"""
import fnmatch
import pathlib
import re
import sys

HEADERS = (pathlib.Path("/usr/include/uv.h"), pathlib.Path("/usr/include/uv"))


def names_of_headers():
    files = [HEADERS[0], *sorted(HEADERS[1].glob("*.h"))]
    text = "".join(f.read_text() for f in files)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"UV_EXTERN[^;]*?\b(uv_\w+)\(", text)), text


def is_known(text):
    """Newer headers have names that the page cannot know."""
    version = re.search(r"UV_VERSION_MAJOR (\d+)\s+#define UV_VERSION_MINOR (\d+)", text)
    return version and tuple(map(int, version.groups())) <= (1, 44)


def main():
    page = (pathlib.Path(sys.argv[1]) / "docs/guide/coming-from-libuv.md").read_text()
    if not HEADERS[0].is_file():
        print("1..0 # SKIP no headers of libuv here")
        return
    names, text = names_of_headers()
    said = set(re.findall(r"`(uv_\w+\*?)", page))
    missing = sorted(n for n in names if not any(fnmatch.fnmatchcase(n, s) for s in said))
    strange = sorted(s for s in said if not fnmatch.filter(names, s))
    print("1..3")
    print(f"{'ok' if len(names) > 250 else 'not ok'} 1 - the headers were read ({len(names)} names)")
    if not is_known(text):
        print("ok 2 # SKIP newer headers")
        print("ok 3 # SKIP newer headers")
        return
    for number, (what, found) in enumerate((("the page has every function of the headers", missing), ("each name of the page is one", strange)), 2):
        print(f"{'not ' if found else ''}ok {number} - {what}")
        for name in found:
            print(f"# {name}")


if __name__ == "__main__":
    main()

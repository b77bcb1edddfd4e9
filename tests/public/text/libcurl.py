#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libcurl.py SOURCE - docs/guide/coming-from-libcurl.md has every name of curl's headers, and none that is not there.  TAP.

Names are those of easy options, infos, multi options, share, mime and URL parts, and functions; `CURLOPT_SSH_*` on the page stands
for all that begin so.  That ours are there is for names.py.
"""
import fnmatch
import pathlib
import re
import sys

FOLDERS = ("/usr/include/x86_64-linux-gnu/curl", "/usr/include/curl", "/usr/include/aarch64-linux-gnu/curl")
# No names of options: ends of lists, types, and what macros of the compiler's checks are called.
NO_NAMES = re.compile(r"^(CURLOPT_(OBSOLETE\d*|LASTENTRY)|CURLINFO_(NONE|LASTONE|END|STRING|LONG|DOUBLE|SLIST|PTR|SOCKET|OFF_T|MASK|TYPEMASK)|"
                      r"CURLMOPT_LASTENTRY|CURLSHOPT_(NONE|LAST)|CURL_LOCK_DATA_(NONE|LAST)|curl_easy_\w+_err_\w*|curl_m[sva]*n?f?printf\w*)$")
# Names that newer or older headers than those at hand have.
ELSEWHERE = {"curl_global_trace"}


def names_of_headers(folder):
    text = "".join((folder / name).read_text() for name in ("curl.h", "multi.h", "easy.h", "urlapi.h", "header.h", "options.h", "websockets.h")
                   if (folder / name).is_file())
    text = re.sub(r'"[^"\n]*"', '""', text)
    names = set(re.findall(r"CURLOPT(?:DEPRECATED)?\((CURLOPT_\w+)", text))
    names |= set(re.findall(r"^ +(CURLINFO_[A-Z0-9_]+)", text, re.M)) | set(re.findall(r"CURLOPT\((CURLMOPT_\w+)", text))
    names |= set(re.findall(r"\b(CURLSHOPT_\w+|CURL_LOCK_DATA_\w+|CURLUPART_\w+|CURLU_[A-Z_]+)\b", text))
    names |= set(re.findall(r"CURL_EXTERN[^;{]*?\b(curl_\w+)\(", text))
    return {name for name in names if not NO_NAMES.match(name)}


def is_known(folder):
    """Newer headers have names that the page cannot know."""
    version = re.search(r"LIBCURL_VERSION_MAJOR (\d+)\s+#define LIBCURL_VERSION_MINOR (\d+)", (folder / "curlver.h").read_text())
    return version and tuple(map(int, version.groups())) <= (7, 88)


def main():
    source = pathlib.Path(sys.argv[1])
    page = (source / "docs/guide/coming-from-libcurl.md").read_text()
    folder = next((pathlib.Path(f) for f in FOLDERS if (pathlib.Path(f) / "curl.h").is_file()), None)
    if not folder:
        print("1..0 # SKIP no headers of libcurl here")
        return
    names = names_of_headers(folder)
    said = set(re.findall(r"\b((?:CURL[A-Z]*|curl)_\w+\*?)", page))
    missing = sorted(n for n in names if not any(fnmatch.fnmatchcase(n, s) for s in said))
    strange = sorted(s for s in said - ELSEWHERE if not NO_NAMES.match(s) and not fnmatch.filter(names, s))
    print("1..3")
    print(f"{'ok' if len(names) > 350 else 'not ok'} 1 - the headers were read ({len(names)} names)")
    if not is_known(folder):
        print("ok 2 # SKIP newer headers")
        print("ok 3 # SKIP newer headers")
        return
    for number, (what, found) in enumerate((("the page has every name of the headers", missing), ("each name of the page is one", strange)), 2):
        print(f"{'not ' if found else ''}ok {number} - {what}")
        for name in found:
            print(f"# {name}")


if __name__ == "__main__":
    main()

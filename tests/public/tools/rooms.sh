#!/bin/sh
# SPDX-License-Identifier: MIT
# rooms.sh SOURCE - scripts/rooms.py sees each kind of broken rule: one is made in a copy of the tree, and must be named.  TAP.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
status=0

copy() { # FILE OR FOLDER...
    rm -rf "$tmp/tree"
    mkdir "$tmp/tree"
    (cd "$source" && tar -cf - scripts "$@") | tar -xf - -C "$tmp/tree"
}
outcome() { # ok|"not ok" NAME
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || { status=1; sed 's/^/# /' "$tmp/out"; }
}
# Whether rooms.py says these words of the tree as it is now.
says() {
    ! python3 "$tmp/tree/scripts/rooms.py" >"$tmp/out" && grep -qF "$1" "$tmp/out"
}
said() { # NAME WORDS
    if says "$2"; then outcome ok "$1"; else outcome "not ok" "$1"; fi
}
not_said() { # NAME WORDS
    if says "$2" || ! grep -q '^rooms: ' "$tmp/out"; then outcome "not ok" "$1"; else outcome ok "$1"; fi
}
# A file, a line that is added to it, and what rooms.py must then say.
broken() {
    cp "$tmp/tree/$1" "$tmp/before" 2>/dev/null || : >"$tmp/before"
    printf '%s\n' "$2" >>"$tmp/tree/$1"
    said "$1: $3" "$1: $3"
    if [ -s "$tmp/before" ]; then cp "$tmp/before" "$tmp/tree/$1"; else rm "$tmp/tree/$1"; fi
}

copy include src tests examples docs
if python3 "$tmp/tree/scripts/rooms.py" >"$tmp/out"; then
    outcome ok "the tree keeps to the table"
else
    outcome "not ok" "the tree keeps to the table"
fi

mkdir "$tmp/tree/src/attic"
broken src/base/buf.c '#include "core/core.h"' '"core/core.h": base may not know core'
broken src/core/task/task.c '#include "io/io.h"' '"io/io.h": core/task may not know io'
broken src/core/task/task.c '#include <bide/http.h>' '<bide/http.h>: core/task may not know http'
broken src/core/task/task.c '#include <openssl/ssl.h>' '<openssl/ssl.h>: core/task knows libc only'
broken src/io/stream/stream.c '#include "http/client/client.h"' '"http/client/client.h": io/stream may not know http/client'
broken src/io/stream/stream.c '#include <bide/bide.h>' '<bide/bide.h>: io/stream may not know cli'
broken src/base/error.c '#include <core/core.h>' '<core/core.h>: a private header stands in quotes'
broken src/base/error.c '#include <http/server/server.h>' '<http/server/server.h>: a private header stands in quotes'
broken src/base/error.c '#include <../src/core/core.h>' '<../src/core/core.h>: a private header stands in quotes'
broken src/cli/terminal/say.c '#include <core/core.h>' '<core/core.h>: a private header stands in quotes'
broken tests/io/test_new.c '#include <http/client/client.h>' '<http/client/client.h>: a private header stands in quotes'
broken src/io/stream/stream.c '#include "stream.h"' '"stream.h": write it from src/'
broken src/cli/terminal/say.c '#include "core/core.h"' '"core/core.h": cli/terminal may not know core'
broken src/cli/terminal/say.c '#include "base/base.h"' '"base/base.h": cli/terminal may not know base'
broken src/attic/x.c '#include <stdio.h>' 'not in a room'
broken src/core/README.md "$(yes line | head -n 60)" 'more than 60 lines'
broken tests/io/test_new.c '#include "http/client/client.h"' '"http/client/client.h": tests/io may not know http/client'
broken include/bide/task.h '#include "core/core.h"' 'core/core.h: a public header includes only'
broken include/bide/http.h '#include <jansson.h>' 'jansson.h: a public header includes only'
broken include/bide/json.h '#include <openssl/ssl.h>' 'openssl/ssl.h: a public header includes only'
broken include/bide/task.h '#include <bide/http.h>' '<bide/http.h>: core may not know http'
broken examples/hello_server.c '#include "core/core.h"' '"core/core.h": an example uses only what is installed'

# A file that the room's README does not name: the complaint is about the README.
: >"$tmp/tree/src/core/unnamed.c"
said "src/core/unnamed.c: not in the README" 'src/core/README.md: does not name unnamed.c'

# Rooms in rooms, whether they are there yet or not.
copy src/base/base.h src/io/io.h src/http tests/http/client.h
mkdir -p "$tmp/tree/src/http/url" "$tmp/tree/src/http/policy" "$tmp/tree/src/http/exchange" "$tmp/tree/src/http/attic" \
    "$tmp/tree/tests/http/url" "$tmp/tree/tests/http/behaviour"
: >"$tmp/tree/src/http/exchange/ops.h"
: >"$tmp/tree/src/http/exchange/other.h"
broken src/http/url/x.c '#include "io/io.h"' '"io/io.h": http/url may not know io'
broken src/http/url/x.c '#include "http/client/client.h"' '"http/client/client.h": http/url may not know http/client'
broken src/http/url/x.c '#include <bide/loop.h>' '<bide/loop.h>: http/url may not know core'
broken src/http/policy/x.c '#include "http/exchange/other.h"' '"http/exchange/other.h": http/policy may not know http/exchange'
broken src/http/attic/x.c '#include <stdio.h>' 'not in a room'
broken tests/http/url/x.c '#include "http/client/client.h"' '"http/client/client.h": tests/http/url may not know http/client'
broken tests/http/behaviour/x.c '#include "io/io.h"' '"io/io.h": tests/http may not know io'
broken src/http/README.md "$(yes line | head -n 60)" 'more than 60 lines'
kept() { # NAME FILE LINE
    printf '%s\n' "$3" >"$tmp/tree/$2"
    not_said "$1" "$2:"
}
kept 'a single header of another room' src/http/policy/x.c '#include "http/exchange/ops.h"'
kept 'a room below' src/http/policy/x.c '#include "base/base.h"'
kept 'a flat room and those in it' src/http/body.c '#include "http/exchange/other.h"'
kept 'a header of the folder above' tests/http/behaviour/x.c '#include "client.h"'
kept 'a private header for a folder of tests' tests/http/behaviour/x.c '#include "http/client/client.h"'
printf '\140x.c\140' >"$tmp/tree/src/http/policy/README.md"
not_said 'a README of its own' 'does not name policy/x.c'
rm "$tmp/tree/src/http/policy/README.md"
said 'the README above, for a folder without one' 'src/http/README.md: does not name policy/x.c'

# Sizes, and the list of those that are too large.
copy
list=$tmp/tree/scripts/rooms-allowed.txt
printf 'folder src/full 16\nheader src/base/long.h 251\n' >"$list"
mkdir -p "$tmp/tree/src/full" "$tmp/tree/src/base" "$tmp/tree/include/bide"
fill() { # FILES LINES: so many files, and a header of so many lines
    rm -f "$tmp"/tree/src/full/*
    for i in $(seq "$1"); do : >"$tmp/tree/src/full/$i.c"; done
    yes '/* line */' | head -n "$2" >"$tmp/tree/src/base/long.h"
}
fill 17 252
said 'a folder with more files than listed' 'src/full: 17 files: a folder has at most 15'
said 'a header with more lines than listed' 'src/base/long.h: 252 lines: a header has at most 250'
yes '/* line */' | head -n 251 >"$tmp/tree/include/bide/long.h"
said 'a public header that is too long' 'include/bide/long.h: 251 lines: a header has at most 250'
rm "$tmp/tree/include/bide/long.h"
fill 16 251
not_said 'as many files as listed' 'src/full: '
not_said 'as many lines as listed' 'src/base/long.h: '
not_said 'a list that is true' 'rooms-allowed.txt'
fill 15 250
mkdir -p "$tmp/tree/tests/http/full" "$tmp/tree/tests/cases/full"
for i in $(seq 16); do : >"$tmp/tree/tests/http/full/$i.py"; : >"$tmp/tree/tests/cases/full/$i.yaml"; done
said 'a folder of tests with too many files' 'tests/http/full: 16 files: a folder has at most 15'
not_said 'a folder of cases with many files' 'tests/cases/full: '
rm "$tmp/tree/tests/http/full/1.py"
not_said 'a folder of tests with as many files as allowed' 'tests/http/full: '
said 'a folder that is listed in vain' 'folder src/full: no longer too large: shrink the list'
said 'a header that is listed in vain' 'header src/base/long.h: no longer too large: shrink the list'
printf 'folder src/full 17\nheader src/base/long.h 253\n' >"$list"
fill 16 251
said 'a folder that is listed as larger' 'folder src/full: 16 now, not 17: shrink the list'
said 'a header that is listed as larger' 'header src/base/long.h: 251 now, not 253: shrink the list'
echo "1..$n"
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# rooms.sh SOURCE - scripts/rooms.py sees each kind of broken rule: one is made in a copy of the tree, and must be named.  TAP.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
status=0

copy() {
    rm -rf "$tmp/tree"
    mkdir "$tmp/tree"
    (cd "$source" && tar -cf - include src tests examples docs scripts) | tar -xf - -C "$tmp/tree"
}
outcome() { # ok|"not ok" NAME
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || { status=1; sed 's/^/# /' "$tmp/out"; }
}
# A file, a line that is added to it, and what rooms.py must then say.
broken() {
    cp "$tmp/tree/$1" "$tmp/before" 2>/dev/null || : >"$tmp/before"
    printf '%s\n' "$2" >>"$tmp/tree/$1"
    if ! python3 "$tmp/tree/scripts/rooms.py" >"$tmp/out" && grep -qF "$1: $3" "$tmp/out"; then
        outcome ok "$1: $3"
    else
        outcome "not ok" "$1: $3"
    fi
    if [ -s "$tmp/before" ]; then cp "$tmp/before" "$tmp/tree/$1"; else rm "$tmp/tree/$1"; fi
}

copy
if python3 "$tmp/tree/scripts/rooms.py" >"$tmp/out"; then
    outcome ok "the tree keeps to the table"
else
    outcome "not ok" "the tree keeps to the table"
fi

mkdir "$tmp/tree/src/attic"
broken src/base/buf.c '#include "core/core.h"' '"core/core.h": base may not know core'
broken src/core/task.c '#include "io/io.h"' '"io/io.h": core may not know io'
broken src/core/task.c '#include <bide/http.h>' '<bide/http.h>: core may not know http'
broken src/core/task.c '#include <openssl/ssl.h>' '<openssl/ssl.h>: core knows libc only'
broken src/io/stream.c '#include "http/http.h"' '"http/http.h": io may not know http'
broken src/io/stream.c '#include <bide/bide.h>' '<bide/bide.h>: io may not know cli'
broken src/io/stream.c '#include "stream.h"' '"stream.h": write it from src/'
broken src/cli/say.c '#include "core/core.h"' '"core/core.h": cli may not know core'
broken src/cli/say.c '#include "base/base.h"' '"base/base.h": cli may not know base'
broken src/attic/x.c '#include <stdio.h>' 'not in a room'
broken src/core/README.md "$(yes line | head -n 60)" 'more than 60 lines'
broken tests/io/test_new.c '#include "http/http.h"' '"http/http.h": tests/io may not know http'
broken include/bide/task.h '#include "core/core.h"' 'core/core.h: a public header includes only'
broken include/bide/task.h '#include <bide/http.h>' '<bide/http.h>: core may not know http'
broken examples/hello_server.c '#include "core/core.h"' '"core/core.h": an example uses only what is installed'

# A file that the room's README does not name: the complaint is about the README.
: >"$tmp/tree/src/core/unnamed.c"
if ! python3 "$tmp/tree/scripts/rooms.py" >"$tmp/out" && grep -qF 'src/core/README.md: does not name unnamed.c' "$tmp/out"; then
    outcome ok "src/core/unnamed.c: not in the README"
else
    outcome "not ok" "src/core/unnamed.c: not in the README"
fi
echo "1..$n"
exit $status

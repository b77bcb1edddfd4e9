#!/bin/sh
# SPDX-License-Identifier: MIT
# test_inside_other_loops.sh - examples/inside_glib.c and inside_libuv.c: tasks, streams and timers in the loops of others.
set -eu

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

ran=0
check() # PROGRAM LAST LINE
{
    program=${BIDE_BUILD:?}/examples/$1
    if [ ! -x "$program" ]; then
        echo "skipped: $1 was not built, its library is not here"
        return 0
    fi
    out=$(timeout 20 "$program") || fail "$1: exit $?"
    test "$out" = "bide: hello
bide: hello
bide: hello
$2" || fail "$1 said: $out"
    ran=$((ran + 1))
}

check inside_glib "GLib: its timer ran meanwhile"
check inside_libuv "libuv: its timer ran 5 times"
test $ran -gt 0 || exit 77
echo ok

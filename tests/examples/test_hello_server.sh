#!/bin/sh
# SPDX-License-Identifier: MIT
# test_hello_server.sh - examples/hello_server.c: it says where it is, answers, and stops at a signal.
set -eu
bide=${BIDE:?} server=${BIDE_BUILD:?}/examples/hello_server
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

: >"$dir/url" # it is read before the server has begun
"$server" 0 >"$dir/url" &
pid=$!
for _ in $(seq 600); do
    url=$(cat "$dir/url")
    test -z "$url" || break
    sleep 0.05
done
test -n "$url" || fail "it did not say where it is"

got=$("$bide" get "$url/?name=Ada%20L." "$url/") || fail "exit $?"
test "$got" = "hello, Ada L.
hello, world" || fail "it answered: $got"

kill -INT "$pid"
wait "$pid" || fail "it ended with $?"
pid=
echo ok

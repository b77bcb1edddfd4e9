#!/bin/sh
# SPDX-License-Identifier: MIT
# test_hello_server.sh - examples/hello_server answers by name, and Ctrl-C ends it well.
set -eu
bide=${BIDE:?} server=${BIDE_BUILD:?}/examples/hello_server
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

"$server" 0 >"$dir/url" &
pid=$!
for _ in $(seq 100); do
    test -s "$dir/url" && break
    sleep 0.05
done
url=$(head -n 1 "$dir/url")
test -n "$url" || fail "it did not start"

got=$("$bide" get "$url/" "$url/?name=Ada" "$url/?name=G%C3%B6del")
test "$got" = "hello, world
hello, Ada
hello, Gödel" || fail "$got"

kill -INT "$pid"
status=0
wait "$pid" || status=$?
pid=
test $status = 0 || fail "exit $status after SIGINT"
echo ok

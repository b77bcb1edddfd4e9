#!/bin/sh
# SPDX-License-Identifier: MIT
# test_counted_memory.sh - examples/counted_memory.c: its heap is used, and gets everything back, also after a failure.
set -eu
bide=${BIDE:?} build=${BIDE_BUILD:?}
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

"$bide" serve -p 0 >"$dir/url" 2>&1 &
pid=$!
for _ in $(seq 600); do
    url=$(grep -o 'http://[^ ]*' "$dir/url" || true)
    test -z "$url" || break
    sleep 0.05
done
test -n "$url" || fail "the server did not say where it is: $(cat "$dir/url")"

"$build/examples/counted_memory" "${url%/}/bytes/1000" 20 >"$dir/got" || fail "exit $?"
grep -qx '20 requests, 20000 bytes' "$dir/got" || fail "it said: $(cat "$dir/got")"
grep -qx 'at most [1-9][0-9]* bytes at once, 0 in 0 pieces left' "$dir/got" || fail "it said: $(cat "$dir/got")"

! "$build/examples/counted_memory" http://127.0.0.1:1/ 1 >"$dir/got" 2>"$dir/err" || fail "exit 0 without a server"
grep -qx 'at most [1-9][0-9]* bytes at once, 0 in 0 pieces left' "$dir/got" || fail "after a failure: $(cat "$dir/got")"
echo ok

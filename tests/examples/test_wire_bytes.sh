#!/bin/sh
# SPDX-License-Identifier: MIT
# test_wire_bytes.sh - examples/wire_bytes.c: it counts what the body and its head cost, and each filter is closed.
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


"$build/examples/wire_bytes" "${url%/}/bytes/10000" >"$dir/got" || fail "exit $?"
grep -qx 'body: 10000 bytes' "$dir/got" || fail "it said: $(cat "$dir/got")"
grep -qx 'wire: 10[0-9][0-9][0-9] bytes in, [1-9][0-9][0-9]* out, 0 still open' "$dir/got" || fail "it said: $(cat "$dir/got")"

! "$build/examples/wire_bytes" http://127.0.0.1:1/ >"$dir/got" 2>"$dir/err" || fail "exit 0 without a server"
grep -qx 'wire: 0 bytes in, 0 out, 0 still open' "$dir/got" || fail "after a failure: $(cat "$dir/got")"
echo ok

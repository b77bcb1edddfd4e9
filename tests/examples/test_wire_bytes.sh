#!/bin/sh
# SPDX-License-Identifier: MIT
# test_wire_bytes.sh - examples/wire_bytes.c: it counts what the body and its head cost, and each filter is closed.
set -eu
build=${BIDE_BUILD:?}
# shellcheck source=tests/examples/serve.sh
. "${0%/*}/serve.sh"


"$build/examples/wire_bytes" "$url/bytes/10000" >"$dir/got" || fail "exit $?"
grep -qx 'body: 10000 bytes' "$dir/got" || fail "it said: $(cat "$dir/got")"
grep -qx 'wire: 10[0-9][0-9][0-9] bytes in, [1-9][0-9][0-9]* out, 0 still open' "$dir/got" || fail "it said: $(cat "$dir/got")"

! "$build/examples/wire_bytes" http://127.0.0.1:1/ >"$dir/got" 2>"$dir/err" || fail "exit 0 without a server"
grep -qx 'wire: 0 bytes in, 0 out, 0 still open' "$dir/got" || fail "after a failure: $(cat "$dir/got")"
echo ok

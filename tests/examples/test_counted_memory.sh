#!/bin/sh
# SPDX-License-Identifier: MIT
# test_counted_memory.sh - examples/counted_memory.c: its heap is used, and gets everything back, also after a failure.
set -eu
build=${BIDE_BUILD:?}
# shellcheck source=tests/examples/serve.sh
. "${0%/*}/serve.sh"

"$build/examples/counted_memory" "$url/bytes/1000" 20 >"$dir/got" || fail "exit $?"
grep -qx '20 requests, 20000 bytes' "$dir/got" || fail "it said: $(cat "$dir/got")"
grep -qx 'at most [1-9][0-9]* bytes at once, 0 in 0 pieces left' "$dir/got" || fail "it said: $(cat "$dir/got")"

! "$build/examples/counted_memory" http://127.0.0.1:1/ 1 >"$dir/got" 2>"$dir/err" || fail "exit 0 without a server"
grep -qx 'at most [1-9][0-9]* bytes at once, 0 in 0 pieces left' "$dir/got" || fail "after a failure: $(cat "$dir/got")"
echo ok

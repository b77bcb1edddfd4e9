#!/bin/sh
# SPDX-License-Identifier: MIT
# test_rate_limited_poller.sh - examples/rate_limited_poller.c: each round asks for each URL; one that nobody answers is said.
set -eu
program=${BIDE_BUILD:?}/examples/rate_limited_poller
# shellcheck source=tests/examples/serve.sh
. "${0%/*}/serve.sh"
"$program" 2 "$url/bytes/1" "$url/status/404" http://127.0.0.1:1/ >"$dir/got" || fail "exit $?"
test "$(grep -c "^200 $url/bytes/1$" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"
test "$(grep -c "^404 $url/status/404$" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"
test "$(grep -c "127.0.0.1:1" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"

"$program" 2>"$dir/err" && fail "exit 0 without arguments"
grep -q usage "$dir/err" || fail "no usage: $(cat "$dir/err")"
echo ok

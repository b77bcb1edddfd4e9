#!/bin/sh
# SPDX-License-Identifier: MIT
# test_rate_limited_poller.sh - examples/rate_limited_poller.c: each round asks for each URL; one that nobody answers is said.
set -eu
program=${BIDE_BUILD:?}/examples/rate_limited_poller
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

"${BIDE:?}" serve --port 0 >"$dir/url" 2>&1 &
pid=$!
for _ in $(seq 600); do
    url=$(grep -o 'http://[0-9.:]*' "$dir/url" | head -n 1) || true
    test -z "$url" || break
    sleep 0.05
done
test -n "$url" || fail "no server: $(cat "$dir/url")"
"$program" 2 "$url/bytes/1" "$url/status/404" http://127.0.0.1:1/ >"$dir/got" || fail "exit $?"
test "$(grep -c "^200 $url/bytes/1$" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"
test "$(grep -c "^404 $url/status/404$" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"
test "$(grep -c "127.0.0.1:1" "$dir/got")" = 2 || fail "it said: $(cat "$dir/got")"

"$program" 2>"$dir/err" && fail "exit 0 without arguments"
grep -q usage "$dir/err" || fail "no usage: $(cat "$dir/err")"
echo ok

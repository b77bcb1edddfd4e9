#!/bin/sh
# SPDX-License-Identifier: MIT
# test_names_from_a_table.sh - examples/names_from_a_table.c: a name of the table leads to its address; others are none.
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

port=${url##*:} port=${port%%/*}
program=$build/examples/names_from_a_table

got=$("$program" "http://front.invalid:$port/" other.invalid=127.0.0.9 front.invalid=127.0.0.1) || fail "exit $?"
test "$got" = "200 from 127.0.0.1" || fail "it said: $got"

! "$program" "http://front.invalid:$port/" other.invalid=127.0.0.1 >"$dir/got" 2>"$dir/err" || fail "exit 0 without an address"
grep -q "front.invalid:$port: .resolve gave no address" "$dir/err" || fail "the error: $(cat "$dir/err")"
! "$program" "http://front.invalid:$port/" front.invalid=nowhere >"$dir/got" 2>"$dir/err" || fail "exit 0 with no address"
grep -q '"nowhere" is no address' "$dir/err" || fail "the error: $(cat "$dir/err")"
echo ok

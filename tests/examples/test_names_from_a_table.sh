#!/bin/sh
# SPDX-License-Identifier: MIT
# test_names_from_a_table.sh - examples/names_from_a_table.c: a name of the table leads to its address; others are none.
set -eu
build=${BIDE_BUILD:?}
# shellcheck source=tests/examples/serve.sh
. "${0%/*}/serve.sh"

port=${url##*:}
program=$build/examples/names_from_a_table

got=$("$program" "http://front.invalid:$port/" other.invalid=127.0.0.9 front.invalid=127.0.0.1) || fail "exit $?"
test "$got" = "200 from 127.0.0.1" || fail "it said: $got"

! "$program" "http://front.invalid:$port/" other.invalid=127.0.0.1 >"$dir/got" 2>"$dir/err" || fail "exit 0 without an address"
grep -q "front.invalid:$port: .resolve gave no address" "$dir/err" || fail "the error: $(cat "$dir/err")"
! "$program" "http://front.invalid:$port/" front.invalid=nowhere >"$dir/got" 2>"$dir/err" || fail "exit 0 with no address"
grep -q '"nowhere" is no address' "$dir/err" || fail "the error: $(cat "$dir/err")"
echo ok

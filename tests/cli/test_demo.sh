#!/bin/sh
# SPDX-License-Identifier: MIT
# test_demo.sh - what `make demo` runs: 85 answers, each a file of JSON, in far less than one after the other; then all ways
# compared, none of which failed.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

cp -r "$BIDE_SOURCE/scripts" .
scripts/demo.sh "$bide" >out 2>err || fail "the demo: exit $?"
test "$(count_files demo/test)" = 85 || fail "$(count_files demo/test) files"
grep -q '27960015.json ... 27960099.json: 85 files, each valid JSON' out || fail "it did not look at them"
said "85 urls  85 ok  0 failed"
took=$(sed -n 's/.*together in \([0-9]*\) ms;.*/\1/p' out)
test "$took" -lt 4000 || fail "it took $took ms"
for mode in sequential fake-async unblocked async processes async-processes threads write awaited-write; do
    [ $mode != unblocked ] || ! grep -q __asan_init "$bide" || continue # left out in a program with a sanitizer
    grep -Eq "^$mode .* [0-9.]+ x .* 0 +20\$" out || fail "the comparison of $mode"
done
no_rest demo
echo ok

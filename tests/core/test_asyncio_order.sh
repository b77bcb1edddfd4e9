#!/bin/sh
# SPDX-License-Identifier: MIT
# Is docs/design/asyncio-order.md true?  Every number from 1 to 94 has a line, every test named there exists, and every test
# that carries a number is named there.
set -u
cd "$BIDE_SOURCE" || exit 1
page=docs/design/asyncio-order.md
bad=0

say() {
    echo "$page: $*" >&2
    bad=1
}

for n in $(seq 1 94) 121 122; do
    grep -q "^| $n | " $page || say "number $n is missing"
done
# shellcheck disable=SC2046 # one file per word
tests=$(sed -nE 's/^(TEST|UNIT)\(([a-z0-9_]+).*/\2/p' $(find tests/core -name '*.c'))
# shellcheck disable=SC2016 # backticks, not a command
for name in $(grep -oE '`[a-z0-9_]+_6_[0-9]+_[a-z0-9_]+`' $page | tr -d '`' | sort -u); do
    echo "$tests" | grep -qx "$name" || say "there is no test $name"
done
for name in $(echo "$tests" | grep -E '_6_[0-9]+_no_'); do
    grep -q "\`$name\`" $page || say "the test $name is not in it"
done
exit $bad

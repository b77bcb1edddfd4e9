#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh SHARED LIST - what the shared library exports is what the list says, "NAME VERSION" a line, sorted: a line that
# goes breaks programs that were built before, and one that comes is a promise.  --write makes the list as the library is.
set -eu
export LC_ALL=C
if [ "$1" = --write ]; then
    write=yes
    shift
fi
shared=$1 list=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Defined, and not the name of the version itself.
readelf --dyn-syms -W "$shared" |
    awk '$7 != "UND" && $7 != "ABS" && $5 ~ /GLOBAL|WEAK/ { n = split($8, part, /@+/); print part[1], (n > 1 ? part[2] : "-") }' |
    sort >"$tmp/exported"
if [ "${write:-no}" = yes ]; then
    cp "$tmp/exported" "$list"
    exit 0
fi

sort -c "$list" || { echo "$list is not sorted"; exit 1; }
comm -13 "$list" "$tmp/exported" | sed 's/^/exported, and not on the list: /' >"$tmp/wrong"
comm -23 "$list" "$tmp/exported" | sed 's/^/on the list, and not exported: /' >>"$tmp/wrong"
grep -v ' BIDE_[0-9][0-9]*$' "$tmp/exported" | sed 's/^/without a version: /' >>"$tmp/wrong" || true
grep '^bide__' "$tmp/exported" | sed 's/^/private: /' >>"$tmp/wrong" || true
cat "$tmp/wrong"
[ ! -s "$tmp/wrong" ] && [ -s "$tmp/exported" ]

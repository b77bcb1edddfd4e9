#!/bin/sh
# SPDX-License-Identifier: MIT
# sources.sh SOURCE - scripts/sources.sh finds files in folders of any depth, but in none that Meson reads by itself.  TAP.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
status=0

# The list that it should give for the arguments, one word a file.
lists() { # WHAT EXPECTED ARGUMENT...
    n=$((n + 1))
    what=$1 expected=$2
    shift 2
    found=$("$tmp/scripts/sources.sh" "$@" | tr '\n' ' ')
    if [ "$found" = "$expected" ]; then
        echo "ok $n - $what"
    else
        echo "not ok $n - $what"
        echo "# found: $found"
        status=1
    fi
}

mkdir -p "$tmp/scripts" "$tmp/src/room/wing/closet" "$tmp/src/room/arch" "$tmp/src/room/own"
cp "$source/scripts/sources.sh" "$tmp/scripts"
for file in b.c a.c a.h wing/c.c wing/closet/d.c arch/e.c own/f.c own/meson.build meson.build; do
    : >"$tmp/src/room/$file"
done

lists 'files in folders below are found' 'src/room/a.c src/room/b.c src/room/wing/c.c src/room/wing/closet/d.c ' src/room
lists 'a suffix chooses' 'src/room/a.h ' src/room .h
lists 'a folder with a meson.build is left to it' 'src/room/own/f.c ' src/room/own
lists 'a folder that is not there has no files' '' src/nowhere
echo "1..$n"
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# configure.sh BUILD [MESON OPTION...] - have BUILD configured: set up if it is new, anew if files have come or gone.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift

files=$(find include src tests examples bench docs -type f \( -name '*.[chS]' -o -name 'test_*.sh' -o -name 'test_*.py' -o -name 'meson.build' \) 2>/dev/null |
    LC_ALL=C sort)
if [ ! -f "$build/build.ninja" ]; then
    set -- setup "$build" "$@"
elif [ "$files" != "$(cat "$build/files.list" 2>/dev/null)" ]; then
    set -- setup --reconfigure "$build" "$@"
else
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! meson "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
printf '%s\n' "$files" >"$build/files.list"

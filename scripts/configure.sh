#!/bin/sh
# SPDX-License-Identifier: MIT
# configure.sh BUILD [MESON OPTION...] - have BUILD configured: set up if it is new, anew if files have come or gone or an
# option was not given before.  Silent, unless it fails.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift

# What was given the last times: an option a line.
given=$build/options.list
given_before() {
    for option; do
        grep -qxF -e "$option" "$given" 2>/dev/null || return 1
    done
}
remember() {
    for option; do
        {
            awk -v name="${option%%=*}=" 'index($0, name) != 1' "$given"
            echo "$option"
        } >"$given.new"
        mv "$given.new" "$given"
    done
}

files=$(find include src tests examples bench docs -type f \( -name '*.[chS]' -o -name 'test_*.sh' -o -name 'test_*.py' -o -name 'meson.build' \) 2>/dev/null |
    LC_ALL=C sort)
if [ ! -f "$build/build.ninja" ]; then
    how="setup"
elif [ "$files" != "$(cat "$build/files.list" 2>/dev/null)" ] || ! given_before "$@"; then
    how="setup --reconfigure"
else
    exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # one word or two
if ! meson $how "$build" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
printf '%s\n' "$files" >"$build/files.list"
touch "$given"
remember "$@"

#!/bin/sh
# SPDX-License-Identifier: MIT
# tidy.sh BUILD [FILE...] - clang-tidy over src/ (or the files) with the flags of a configured build; see .clang-tidy.
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
# shellcheck disable=SC2046 # one file per word
[ $# -gt 0 ] || set -- $(find src -name '*.c' ! -name ucontext.c | LC_ALL=C sort)

# gcc's flags are not all clang's, and a file stands twice in the list: once for each library.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" \
    --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unused-command-line-argument >"$log" 2>/dev/null; then
    echo "clang-tidy: $# files, nothing found"
else
    cat "$log"
    exit 1
fi

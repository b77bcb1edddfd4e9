#!/bin/bash
# SPDX-License-Identifier: MIT
# frames.sh SOURCE BUILD - a frame of any size in a task fits, or is reported: no size steps over the guard, in programs
# that are compiled with the flags that bide.pc gives, by gcc and clang, without optimisation and with it.
set -eu
source=$1 build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags=$(sed -n 's/^Cflags: *-I[^ ]*//p' "$build/meson-private/bide.pc")
ulimit -c 0

check() {
    code=0
    timeout 20 "$tmp/frames" "$1" >"$tmp/out" 2>&1 || code=$?
    if [ "$code" = 139 ] && grep -q "^bide: stack overflow in task .*stack 64 KiB)" "$tmp/out"; then
        return 0
    fi
    [ "$code" = 0 ] && [ "$1" -lt 68 ]
}

tried=0
for compiler in gcc clang; do
    command -v "$compiler" >"$tmp/found" || continue
    for level in -O0 -O2; do
        # shellcheck disable=SC2086 # the flags are words
        "$compiler" "$level" -Wall -Wextra -Werror $flags -I"$source/include" -o "$tmp/frames" "$source/tests/public/library/frames.c" \
            -L"$build/src" -lbide "-Wl,-rpath,$build/src"
        for kib in $("$tmp/frames"); do
            tried=$((tried + 1))
            check "$kib" && continue
            echo "$compiler $level: a frame of $kib KiB: exit status $code"
            head -5 "$tmp/out"
            exit 1
        done
    done
done
[ "$tried" -gt 0 ] || exit 77
echo "$tried frames of 60 KiB to 4 MiB fit or were reported"

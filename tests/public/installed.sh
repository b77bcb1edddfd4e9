#!/bin/sh
# SPDX-License-Identifier: MIT
# installed.sh SOURCE BUILD COMPILER... - the program of README.md compiles, links and starts against an installed bide,
# found by pkg-config: with the shared library, then with the static one.
set -eu
source=$1 build=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The first fenced C program that has a main.
readme_program() {
    awk '/^```/ { if (inside) { if (program ~ /int main\(/) { printf "%s", program; exit } inside = 0 }
                  else if ($0 == "```c") { inside = 1; program = "" }
                  next }
         inside { program = program $0 "\n" }' "$source/README.md"
}

[ -f "$source/README.md" ] && readme_program >"$tmp/readme.c"
if [ ! -s "$tmp/readme.c" ]; then
    echo "skipped: README.md has no C program"
    exit 77
fi

meson install -C "$build" --no-rebuild --quiet --destdir "$tmp/root"
pc=$(find "$tmp/root" -name bide.pc)
[ -n "$pc" ] || { echo "bide.pc was not installed"; exit 1; }
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$tmp/root
export PKG_CONFIG_PATH

# Only bide's own paths are in the new root: those of what it needs are the system's.
flags() {
    PKG_CONFIG_SYSROOT_DIR=$PKG_CONFIG_SYSROOT_DIR pkg-config "$@" bide
}

# Without a network it may fail, but it must come to its own main and not die of a signal.
starts() {
    status=0
    LD_LIBRARY_PATH=$libdir timeout 60 "$1" >"$tmp/out" 2>&1 || status=$?
    if [ $status -ge 124 ]; then
        echo "$1: exit status $status"
        cat "$tmp/out"
        exit 1
    fi
}

# shellcheck disable=SC2046 # the flags are words
"$@" -std=gnu11 -Wall -Wextra -Werror -o "$tmp/shared" "$tmp/readme.c" $(flags --cflags --libs)
starts "$tmp/shared"

mkdir "$tmp/static-only"
cp "$libdir/libbide.a" "$tmp/static-only/"
# shellcheck disable=SC2046
"$@" -std=gnu11 -Wall -Wextra -Werror -o "$tmp/static" "$tmp/readme.c" -L"$tmp/static-only" \
    $(flags --static --cflags --libs)
starts "$tmp/static"
if ldd "$tmp/static" | grep -q libbide; then
    echo "the static program uses the shared library"
    exit 1
fi
echo "compiled, linked and started: shared and static"

#!/bin/sh
# SPDX-License-Identifier: MIT
# installed.sh SOURCE BUILD COMPILER... - bide is installed whole, and the program of README.md compiles and links against
# it, found by pkg-config, and does its work with the installed `bide serve`: with the shared library, then the static one.
set -eu
source=$1 build=$2
shift 2
tmp=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid"; rm -rf "$tmp"' EXIT

fail() {
    echo "$*"
    exit 1
}

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
[ -n "$pc" ] || fail "bide.pc was not installed"
libdir=$(dirname "$(dirname "$pc")")
prefix=$(dirname "$(find "$tmp/root" -path '*/bin/bide')")/..

# All that belongs to it is there, and the program finds its library by itself.
for file in include/bide/bide.h share/man/man1/bide.1 share/man/man1/bide-fetch.1 \
    share/bash-completion/completions/bide share/zsh/site-functions/_bide share/fish/vendor_completions.d/bide.fish; do
    [ -s "$prefix/$file" ] || [ -s "$prefix/$file.gz" ] || fail "$file was not installed"
done
for lib in libbide.so libbide.so.0 libbide.a libbide-unblock.so libbide-unblock.so.0 libbide-unblock.a; do
    [ -e "$libdir/$lib" ] || fail "$lib was not installed"
done
bide=$prefix/bin/bide
"$bide" --version >"$tmp/version" || fail "the installed bide does not run"
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$tmp/root
export PKG_CONFIG_PATH

# Only bide's own paths are in the new root: those of what it needs are the system's.
flags() {
    PKG_CONFIG_SYSROOT_DIR=$PKG_CONFIG_SYSROOT_DIR pkg-config "$@" bide
}

serve() {
    : >"$tmp/url" # it is read before the server has begun
    "$bide" serve --port 0 >"$tmp/url" &
    pid=$!
    for _ in $(seq 300); do
        url=$(cat "$tmp/url")
        [ -z "$url" ] || return 0
        sleep 0.1
    done
    fail "the installed bide does not serve"
}

# The program adds up the sizes of two bodies; its servers have names that nobody has, so it gets ours.
serve
sed "s|https://a.example|$url/bytes/1000|; s|https://b.example|$url/bytes/234|" "$tmp/readme.c" >"$tmp/local.c"
cmp -s "$tmp/readme.c" "$tmp/local.c" && fail "the program of README.md asks for other URLs than before"

works() {
    sum=$(LD_LIBRARY_PATH=$libdir timeout 60 "$1" 2>&1) || fail "$1: exit status $?: $sum"
    [ "$sum" = 1234 ] || fail "$1: expected 1234, got $sum"
}

# shellcheck disable=SC2046 # the flags are words
"$@" -std=gnu11 -Wall -Wextra -Werror -o "$tmp/shared" "$tmp/local.c" $(flags --cflags --libs)
works "$tmp/shared"

# Linked with bide-unblock, the calls of all its libraries come there, although the program itself makes none of them.
printf '#include <bide/bide.h>\n#include <bide/unblock.h>\nint main(void) { return bide_unblock_check() < 0; }\n' >"$tmp/unblocked.c"
# shellcheck disable=SC2046 # the flags are words
"$@" -std=gnu11 -Wall -Wextra -Werror -o "$tmp/unblocked" "$tmp/unblocked.c" $(flags --cflags --libs bide-unblock)
LD_LIBRARY_PATH=$libdir "$tmp/unblocked" || fail "a program linked with bide-unblock finds libc before it"

mkdir "$tmp/static-only"
cp "$libdir/libbide.a" "$tmp/static-only/"
# shellcheck disable=SC2046
"$@" -std=gnu11 -Wall -Wextra -Werror -o "$tmp/static" "$tmp/local.c" -L"$tmp/static-only" \
    $(flags --static --cflags --libs)
works "$tmp/static"
if ldd "$tmp/static" | grep -q libbide; then
    fail "the static program uses the shared library"
fi
echo "installed whole; compiled, linked and run: shared and static"

#!/bin/sh
# SPDX-License-Identifier: MIT
# cplusplus.sh SOURCE BUILD - bide in C++17: no warnings, the words do as in C, and exceptions stay with their tasks; also in a
# library that a C program loads into a loop that runs.
set -u
source=$1 build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

try() { # NAME COMMAND...
    name=$1
    shift
    n=$((n + 1))
    if "$@" >"$tmp/out" 2>&1; then
        echo "ok $n - $name"
        return
    fi
    echo "not ok $n - $name"
    sed 's/^/#   /' "$tmp/out" | head -30
}

says_who_came_first() {
    timeout 60 "$tmp/example" >"$tmp/said" || return
    printf '%s\n' 'the book answered' 'the near one answered' 'the far one answered' 'first: the near one answered' |
        diff - "$tmp/said"
}

cat >"$tmp/host.c" <<'EOF'
#include <dlfcn.h>
#include <stdio.h>
#include <bide/bide.h>
static int app(const char *path)
{
    BIDE_TRY(bide_sleep_ms(1));
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin)
        return bide_fail(-2, "%s", dlerror());
    int (*begin)(void) = (int (*)(void))dlsym(plugin, "cplusplus_begin");
    return begin();
}
int main(int argc, char **argv) { return argc == 2 ? bide_main(bide_coro(app, argv[1])) : 2; }
EOF
link="-L$build/src -lbide -Wl,-rpath,$build/src"
flags="-g -Wall -Wextra -Wpedantic -Werror -I$source/include"
# shellcheck disable=SC2086 # the flags are words
for compiler in g++ clang++; do
    command -v $compiler >"$tmp/found" || continue
    for standard in c++17 c++20; do
        try "$compiler $standard compiles without a warning" $compiler -std=$standard $flags -o "$tmp/program" \
            "$source/tests/public/headers/cplusplus.cpp" $link
        try "$compiler $standard does as C" timeout 60 "$tmp/program"
        try "$compiler $standard compiles the example" $compiler -std=$standard $flags -o "$tmp/example" \
            "$source/examples/first_answer.cpp" $link
        try "$compiler $standard: the example says who came first" says_who_came_first
    done
    try "$compiler makes a library" $compiler -std=c++17 -DPLUGIN -fPIC -shared $flags -o "$tmp/plugin.so" \
        "$source/tests/public/headers/cplusplus.cpp" $link
    try "a C program for it" cc $flags -Wno-pedantic -o "$tmp/host" "$tmp/host.c" $link -ldl
    try "$compiler: exceptions of a library that a task loads" timeout 60 "$tmp/host" "$tmp/plugin.so"
done
[ $n -gt 0 ] || { echo "1..0 # SKIP no C++ compiler" && exit 0; }
echo "1..$n"

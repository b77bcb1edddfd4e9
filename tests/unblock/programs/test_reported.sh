#!/bin/sh
# SPDX-License-Identifier: MIT
# test_reported.sh - debug mode names the library whose call blocks a loop, with libbide-unblock preloaded, linked, and absent.
# The program reads the report with the reported call, so that it blocks until the report is there, and prints the line.
set -eu
build=${BIDE_BUILD:?} source=${BIDE_SOURCE:?}
# shellcheck source=tests/unblock/programs/begin.sh
. "${0%/*}/begin.sh"

has_no_sanitizer || skip "a sanitizer's library has to come first"
[ "$(uname -m)" = x86_64 ] || skip "the stack of a system call can be read only on x86_64"
ldconfig -p 2>/dev/null | grep -q 'libdw\.so\.1' || /sbin/ldconfig -p | grep -q 'libdw\.so\.1' || skip "libdw is not installed"

cat >"$dir/foo.c" <<'END'
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
char *foo_line(FILE *f, char *line, int size) { char *s = fgets(line, size, f); __asm__(""); return s; }
long foo_read(FILE *f, char *line, int size) { long n = read(fileno(f), line, size); __asm__(""); return n; }
END
cat >"$dir/main.c" <<'END'
#include <bide/bide.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
char *foo_line(FILE *f, char *line, int size);
long foo_read(FILE *f, char *line, int size);
static FILE *errors;
static int by_line(void)
{
    char line[2000];
    while (foo_line(errors, line, sizeof line))
        if (strstr(line, "bide doctor"))
            return puts(line) < 0;
    return 1;
}
static int by_read(void)
{
    char text[20000] = "", *at;
    for (size_t len = 0; !(at = strstr(text, "bide: with libbide-unblock, ")) || !strchr(at, '\n'); len = strlen(text))
        if (foo_read(errors, text + len, sizeof text - 1 - len) <= 0)
            return 1;
    return puts(at) < 0;
}
int main(int argc, char **argv)
{
    int fds[2];
    if (pipe(fds) < 0 || !(errors = fdopen(fds[0], "r")) || dup2(fds[1], 2) < 0)
        return 1;
    (void)argv;
    return bide_run(argc > 1 ? bide_coro(by_line) : bide_coro(by_read));
}
END
cc=${CC:-cc}
flags="-O1 -g -I$source/include -L$build/src -L$build/src/unblock -L$dir -Wl,-rpath,$build/src:$build/src/unblock:$dir"
$cc -O1 -g -w -shared -fPIC -Wl,-soname,libfoo.so.1 -o "$dir/libfoo.so.1" "$dir/foo.c"
ln -s libfoo.so.1 "$dir/libfoo.so"
# shellcheck disable=SC2086 # several words
$cc $flags -o "$dir/plain" "$dir/main.c" -lbide -lfoo
# shellcheck disable=SC2086
$cc $flags -o "$dir/linked" "$dir/main.c" -lbide -lfoo -Wl,--push-state,--no-as-needed -lbide-unblock -Wl,--pop-state

export BIDE_DEBUG=1 BIDE_SLOW_MS=20
# Its output must begin with these words.
expect()
{
    words=$1
    shift
    timeout 60 "$@" >"$dir/out" || fail "$*: exit $?"
    case $(cat "$dir/out") in "$words"*) ;; *) fail "$*: $(cat "$dir/out")" ;; esac
}
uncovered="bide: libfoo.so.1 calls fgets, which libbide-unblock does not cover (stdio): see \`bide doctor "
expect "$uncovered" env LD_PRELOAD="$build/src/unblock/libbide-unblock.so" "$dir/plain" lines
expect "$uncovered" "$dir/linked" lines
expect "bide: with libbide-unblock, read of libfoo.so.1 would suspend only its task: see \`bide doctor " "$dir/plain"

#!/bin/sh
# SPDX-License-Identifier: MIT
# refused.sh INCLUDE_DIR COMPILER... - what is no object of bide can not be released or retained: it does not compile.
set -u
include=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

# compiles BODY - of a function, with a text, numbers, a struct of its own, and objects in scope
compiles() {
    cat >"$tmp/case.c" <<EOF
#include <bide/bide.h>
struct mine { int a; };
void f(char *text, int *number, struct mine *m, bide_task *t, bide_session *s, void *any);
void f(char *text, int *number, struct mine *m, bide_task *t, bide_session *s, void *any)
{ (void)text; (void)number; (void)m; (void)t; (void)s; (void)any; $1 }
EOF
    shift
    "$@" -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$include" -c -o "$tmp/case.o" "$tmp/case.c" >"$tmp/out" 2>&1
}

result() { # OK NAME
    n=$((n + 1))
    [ "$1" = 0 ] && echo "ok $n - $2" && return
    echo "not ok $n - $2"
    sed 's/^/#   /' "$tmp/out"
}

for object in t s any NULL "(t ? t : NULL)"; do
    compiles "bide_release($object);" "$@"
    result $? "bide_release($object) compiles"
done
compiles "bide_release(bide_retain(t)); bide_task *u = bide_retain(t); bide_release(u);" "$@"
result $? "bide_retain(task) compiles"
for wrong in text '"x"' number m '&t' 7; do
    for verb in bide_release "(void)bide_retain"; do
        compiles "$verb($wrong);" "$@"
        code=$?
        grep -q must_be_an_object_of_bide "$tmp/out" || code=0 # the message names what is wrong
        result $((code == 0)) "$verb($wrong) does not compile"
    done
done
echo "1..$n"

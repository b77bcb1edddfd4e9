#!/bin/bash
# SPDX-License-Identifier: MIT
# released.sh SOURCE BUILD - an ordinary libbide tells who looks of objects that are used after their release: BIDE_DEBUG=1,
# AddressSanitizer in the program alone (gcc, clang), valgrind.  With BIDE_DEBUG=1 also what is released twice, or never.
set -u
source=$1 build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
ulimit -c 0
unset BIDE_DEBUG
n=0

compile() { # OUTPUT COMPILER FLAG...
    out=$1
    shift
    "$@" -g -O1 -Wall -Wextra -Werror -I"$source/include" -o "$out" "$source/tests/public/library/released.c" -L"$build/src" -lbide \
        "-Wl,-rpath,$build/src" || exit 1
}

result() { # OK NAME
    n=$((n + 1))
    [ "$1" = 0 ] && echo "ok $n - $2" && return
    echo "not ok $n - $2"
    sed 's/^/#   /' "$tmp/out" | head -20
}

run() { # what it says is in $tmp/out; returns its status
    timeout 60 "$@" >"$tmp/out" 2>&1
}

says() { # NAME TEXT... - each stands in what it said, in one line
    name=$1
    shift
    cp "$tmp/out" "$tmp/left"
    for text; do
        grep -F -e "$text" "$tmp/left" >"$tmp/next"
        mv "$tmp/next" "$tmp/left"
    done
    [ -s "$tmp/left" ]
    result $? "$name"
}

# Names of places are known where libdw is; a program that is about to die by a fault says addresses.
made="made at $tmp/plain("
{ /sbin/ldconfig -p 2>&1 || ldconfig -p; } | grep -q "libdw.so.1 " && made="(library/released.c:"

types="task future response session file stream url job signals"
lent="body field piece line reply frame"

compile "$tmp/plain" cc
for type in $types; do
    run env BIDE_DEBUG=1 "$tmp/plain" keep "$type"
    code=$?
    [ $code = 0 ] && ! grep -q . "$tmp/out"
    result $? "debug: a $type that is released in time is not spoken of"

    run env BIDE_DEBUG=1 "$tmp/plain" use "$type"
    says "debug: a $type that is used after its release" "use after release: $type" "made at $tmp/plain(" "released by task Task-"

    run env BIDE_DEBUG=1 "$tmp/plain" twice "$type"
    says "debug: a $type that is released twice" "bide_release: it was released before: $type" "released by task Task-" "$made"

    run env BIDE_DEBUG=1 "$tmp/plain" leak "$type"
    says "debug: three of type $type that are not released" "not released: 3 $type" "$made"

    run "$tmp/plain" leak "$type"
    ! grep -q . "$tmp/out"
    result $? "not debug: silence about the type $type"
done
run env BIDE_DEBUG=1 "$tmp/plain" twice task
says "debug: the name of a task that is released twice" "task number one (#"
run env BIDE_DEBUG=1 "$tmp/plain" fail
says "debug: a failed task that was dropped" "task dropped: its error was never retrieved: this one failed"
run env BIDE_DEBUG=1 "$tmp/plain" fail
says "debug: where it was made" "not released: 1 task of fails, made at " "$made"
run env BIDE_DEBUG=1 "$tmp/plain" use task
place=$(sed -n 's/.*use after release: task.*made at [^[]*\[\([^]]*\)\].*/\1/p' "$tmp/out")
if command -v addr2line >"$tmp/found"; then
    addr2line -fe "$tmp/plain" "$place" >"$tmp/out"
    says "debug: the place is that of the function" "make_task"
    says "debug: the place is that of the file" "released.c:"
fi

for compiler in gcc clang; do
    command -v $compiler >"$tmp/found" || continue
    compile "$tmp/asan" $compiler -fsanitize=address
    for type in $types; do
        run "$tmp/asan" keep "$type"
        result $? "$compiler, AddressSanitizer: a $type that is released in time"
        run "$tmp/asan" use "$type"
        says "$compiler, AddressSanitizer: a $type that is used after its release: bide" "use after release: $type"
        says "$compiler, AddressSanitizer: a $type that is used after its release: the report" "ERROR: AddressSanitizer: "
        run "$tmp/asan" leak "$type"
        says "$compiler, AddressSanitizer: three of type $type that are not released" "not released: 3 $type"
    done
    for what in $lent; do
        run "$tmp/asan" look "$what"
        says "$compiler, AddressSanitizer: $what that was lent" "ERROR: AddressSanitizer: " "use-after-"
    done
done

# valgrind 3.19 gives up on the DWARF 5 of clang 14.
valgrind_reads_it() {
    command -v valgrind >"$tmp/found" || return 1
    run valgrind -q "$tmp/plain" keep task
    ! grep -q "debuginfo reader" "$tmp/out"
}

if valgrind_reads_it; then
    for type in task response; do
        run valgrind -q --error-exitcode=9 "$tmp/plain" keep "$type"
        ! grep -q "Invalid\|uninit" "$tmp/out"
        result $? "valgrind: a $type that is released in time"
        run valgrind -q "$tmp/plain" use "$type"
        says "valgrind: a $type that is used after its release" "Invalid read"
    done
    for what in body frame; do
        run valgrind -q "$tmp/plain" look "$what"
        says "valgrind: $what that was lent" "Invalid read"
    done
fi
echo "1..$n"

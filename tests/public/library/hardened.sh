#!/bin/sh
# SPDX-License-Identifier: MIT
# hardened.sh SHARED STATIC PROGRAM MACHINE SWITCH FORTIFIED - what readelf says of the library and of the program, which is also what
# its workers run: no relocation is writable after the start, no stack executable, frames and libc calls are checked.
set -u
shared=$1 static=$2 program=$3 machine=$4 switch=$5 fortified=$6
export LC_ALL=C
n=0

check() { # NAME COMMAND...
    n=$((n + 1))
    name=$1
    shift
    "$@" && echo "ok $n - $name" || echo "not ok $n - $name"
}

# Does it say so?  Each asks readelf about one file.
relro() { readelf -lW "$1" | grep -q GNU_RELRO; }
bound_at_start() { readelf -dW "$1" | grep -qE '\((FLAGS|FLAGS_1)\).*(BIND_NOW|NOW)'; }
stack_not_executable() { readelf -lW "$1" | awk '$1 == "GNU_STACK" { seen = 1; bad = $7 ~ /E/ } END { exit !seen || bad }'; }
text_not_written() { ! readelf -dW "$1" | grep -q TEXTREL; }
checks_frames() { readelf -sW "$1" | grep -q ' UND __stack_chk_fail'; }
checks_calls() { readelf -sW "$1" | grep -qE ' UND __[a-z]+_chk(@|$)'; }
# glibc keeps 1,664 bytes of each thread for libraries that come by dlopen with variables as ours.
fits_into_threads() { readelf -lW "$1" | awk '$1 == "TLS" { size = $6 } END { exit size > "0x000600" }'; }
position_independent() { readelf -dW "$1" | grep -qE '\(FLAGS_1\).* PIE'; }

# One line per object: "NAME FEATURES".  Linked files show less, as the objects of the system's own start files say nothing.
features() {
    readelf -nW "$static" | awk '/^File: /           { if (name) print name, has; name = $2; has = "" }
                                 /x86 feature: /     { sub(/.*x86 feature: /, ""); has = $0 }
                                 END                 { if (name) print name, has }'
}
every_object_marks_its_targets() {
    features | awk '{ n++ } !/IBT/ { print "# " $0; bad = 1 } END { exit n < 10 || bad }'
}
switch_refuses_shadow_stacks() {
    features | grep 'x86_64.S.o' | grep -qvw SHSTK
}

for file in "$shared" "$program"; do
    for property in relro bound_at_start stack_not_executable text_not_written checks_frames; do
        check "${file##*/}: $property" "$property" "$file"
    done
    [ "$fortified" = no ] || check "${file##*/}: checks_calls" checks_calls "$file"
done
check "${shared##*/}: fits_into_threads" fits_into_threads "$shared"
check "${program##*/}: position_independent" position_independent "$program"
if [ "$machine" = x86_64 ]; then
    check "${static##*/}: every_object_marks_its_targets" every_object_marks_its_targets
    [ "$switch" = ucontext ] || check "${static##*/}: switch_refuses_shadow_stacks" switch_refuses_shadow_stacks
fi
echo "1..$n"

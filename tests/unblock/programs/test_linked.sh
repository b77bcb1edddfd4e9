#!/bin/sh
# SPDX-License-Identifier: MIT
# test_linked.sh - the library as programs get it: examples/seed/fake_async.c, not one line changed, with LD_PRELOAD, linked with
# the shared library, and with the static one.  100 requests that each take 100 ms take about 0.1 s; without it, 10.
set -eu
bide=${BIDE:?} build=${BIDE_BUILD:?} source=${BIDE_SOURCE:?}
# shellcheck source=tests/unblock/programs/begin.sh
. "${0%/*}/begin.sh"

# It exports exactly the symbols of the list: names of libc, and a few of ours.
export LC_ALL=C
readelf --dyn-syms -W "$build/src/unblock/libbide-unblock.so" |
    awk '$7 != "UND" && $7 != "ABS" && $5 ~ /GLOBAL|WEAK/ { print $8 }' | grep -v '^__asan_\|^__tsan_\|^__odr_asan\|^__ubsan_' |
    sort >"$dir/exported"
diff -u "$source/tests/unblock/symbols.txt" "$dir/exported" || fail "its exported symbols differ from symbols.txt"

"$bide" serve --port 0 --delay 100 >"$dir/url" &
pid=$!
url=
for _ in $(seq 300); do
    url=$(cat "$dir/url")
    [ -z "$url" ] || break
    sleep 0.1
done
[ -n "$url" ] || fail "the server does not say where it is"

# 20 requests one after the other would take 2 s; together they take 0.1 s, and 1.5 s are allowed for slow machines.
is_fast()
{
    "$@" "$url" 20 >"$dir/out" 2>&1 || fail "$*: exit $?: $(cat "$dir/out")"
    [ "$(grep -c 'Status 200' "$dir/out")" = 20 ] || fail "$*: $(cat "$dir/out")"
    time=$(sed -n 's/^Async Cost time: //p' "$dir/out")
    awk "BEGIN { exit !($time < 1.5) }" || fail "$*: $time s"
}

has_no_sanitizer || skip "a sanitizer's library has to come first"
is_fast env LD_PRELOAD="$build/src/unblock/libbide-unblock.so" "$build/examples/seed/fake_async"

cc=${CC:-cc}
$cc -I"$source/include" -o "$dir/shared" "$source/examples/seed/fake_async.c" -L"$build/src" -L"$build/src/unblock" -lbide \
    -Wl,--push-state,--no-as-needed -lbide-unblock -Wl,--pop-state -Wl,-rpath,"$build/src:$build/src/unblock"
is_fast "$dir/shared"
# The program itself calls none of the interposed functions; calls of its libraries must be interposed all the same.
$cc -I"$source/include" -o "$dir/static" "$source/examples/seed/fake_async.c" -L"$build/src" \
    -Wl,--whole-archive "$build/src/unblock/libbide-unblock.a" -Wl,--no-whole-archive -lbide -Wl,-rpath,"$build/src"
is_fast "$dir/static"

# A program that has libbide.a has its own tasks, and the shared library finds another bide: that is said, and seen by doctor.
needed=$(readelf -d "$build/src/libbide.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/-l:\1/p')
# shellcheck disable=SC2086 # several words
$cc -I"$source/include" -o "$dir/apart" "$source/examples/seed/fake_async.c" "$build/src/libbide.a" $needed
LD_PRELOAD="$build/src/unblock/libbide-unblock.so" "$dir/apart" "$url" 1 >"$dir/out" 2>&1 || fail "apart: $(cat "$dir/out")"
grep -q 'linked with libbide.a.*no call is changed' "$dir/out" || fail "nothing is said of two bides: $(cat "$dir/out")"
# shellcheck disable=SC2086
$cc -I"$source/include" -o "$dir/archives" "$source/examples/seed/fake_async.c" -Wl,--whole-archive \
    "$build/src/unblock/libbide-unblock.a" -Wl,--no-whole-archive "$build/src/libbide.a" $needed
is_fast "$dir/archives"

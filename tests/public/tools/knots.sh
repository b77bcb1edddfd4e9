#!/bin/sh
# SPDX-License-Identifier: MIT
# knots.sh SOURCE BUILD CC... - this build keeps to the table of rooms and to the list of circles; and scripts/rooms.py sees
# calls against the table, circles, and lines of the list that are not needed, scripts/unused.py what nothing needs, in small
# trees that are made here.  TAP.
set -eu
source=$1 build=$2
shift 2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree
n=0
status=0

outcome() { # ok|"not ok" NAME
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || { status=1; sed 's/^/# /' "$tmp/out"; }
}
rooms() { # of the small tree
    python3 "$tree/scripts/rooms.py" --build "$tree/build" "$@" >"$tmp/out" 2>&1
}
# shellcheck disable=SC2317 # by $check
unused() {
    python3 "$tree/scripts/unused.py" "$tree/build" "$tree" >"$tmp/out" 2>&1
}
check=rooms
passes() { # NAME
    if $check; then outcome ok "$1"; else outcome "not ok" "$1"; fi
}
fails() { # NAME WORDS
    if ! $check && grep -qF "$2" "$tmp/out"; then outcome ok "$1"; else outcome "not ok" "$1"; fi
}
# A new tree from lines of "FILE CALLED..."; the file defines a function of its name that calls the others.
plant() {
    rm -rf "$tree"
    mkdir -p "$tree/scripts" "$tree/build" "$tree/include" "$tree/tests"
    cp "$source"/scripts/*.py "$tree/scripts"
    : >"$tree/build/entries"
    while read -r file called; do
        mkdir -p "$tree/src/${file%/*}"
        name=${file##*/}
        {
            for other in $called; do echo "void $other(void);"; done
            echo "void $name(void);"
            echo "void $name(void) {"
            for other in $called; do echo "    $other();"; done
            echo "}"
        } >"$tree/src/$file.c"
        "$@" -c -o "$tree/build/$name.o" "$tree/src/$file.c"
        echo "{\"directory\": \"$tree/build\", \"file\": \"../src/$file.c\", \"output\": \"$name.o\"}," >>"$tree/build/entries"
        readme=$tree/src/${file%%/*}/README.md
        echo "\`$name.c\`" >>"$readme"
    done
    { echo '['; sed '$s/,$//' "$tree/build/entries"; echo ']'; } >"$tree/build/compile_commands.json"
}
list() {
    cat >"$tree/scripts/rooms-allowed.txt"
}

if python3 "$source/scripts/rooms.py" --build "$build" "$source" >"$tmp/out" 2>&1; then
    outcome ok 'this build keeps to the table and to the list'
else
    outcome "not ok" 'this build keeps to the table and to the list'
fi

if python3 "$source/scripts/unused.py" "$build" "$source" >"$tmp/out" 2>&1; then
    outcome ok 'everything in this build is needed'
else
    outcome "not ok" 'everything in this build is needed'
fi

three='base/a b
base/b c
base/c a'
echo "$three" | plant "$@"
passes 'a circle of three files'

four='base/a b
base/b c
base/c d
base/d a
base/e a'
echo "$four" | plant "$@"
fails 'a circle of four files' \
    'src/base/a.c: in a circle of 4 files that call each other: src/base/a.c src/base/b.c src/base/c.c src/base/d.c (new in it'

knot='knot
    src/base/a.c
    src/base/b.c
    src/base/c.c
    src/base/d.c'
echo "$knot" | list
passes 'a circle that is on the list'

rooms --write
cp "$tree/scripts/rooms-allowed.txt" "$tmp/written"
if echo "$knot" | diff - "$tmp/written" >"$tmp/out" 2>&1 || [ "$(grep -c '^[<>] [^#]' "$tmp/out")" -eq 0 ]; then
    outcome ok '--write writes the list as it is'
else
    outcome "not ok" '--write writes the list as it is'
fi

printf '%s\n    src/base/e.c\n' "$knot" | list
fails 'a file that is no longer in its circle' 'rooms-allowed.txt: knot: no longer in it: src/base/e.c: shrink the list'

echo "$three" | plant "$@"
echo "$knot" | list
fails 'a circle that is no longer too large' 'knot: no longer in it: src/base/a.c src/base/b.c src/base/c.c src/base/d.c: shrink'

printf '%s\n' "$four" 'base/f g' 'base/g h' 'base/h i' 'base/i f' | plant "$@"
{ echo "$knot"; for name in f g h i; do echo "    src/base/$name.c"; done; } | list
fails 'a circle that has become two' 'knot: src/base/a.c ...: now 2 smaller ones: shrink the list'

printf '%s\n' 'base/a b' 'base/b c' 'base/c d' 'base/d e' 'base/e a' | plant "$@"
echo "$knot" | list
fails 'a circle that has grown' 'src/base/e.c: in a circle of 5 files'

# Calls, which no include shows.
echo 'base/low high
core/high' | plant "$@"
fails 'a call against the table' 'src/base/low.c: calls high of src/core/high.c: base may not know core'
echo 'calls src/base/low.c src/core/high.c' | list
passes 'a call that is on the list'
echo 'knows base core' | list
passes 'a room that is on the list'
echo 'core/high low
base/low' | plant "$@"
passes 'a call by the table'
echo 'calls src/base/low.c src/core/high.c' | list
fails 'a call that is on the list in vain' 'calls src/base/low.c src/core/high.c: no longer so: shrink the list'
echo 'http/url/parse wait
http/connect/wait' | plant "$@"
fails 'a call against the order of rooms in rooms' \
    'src/http/url/parse.c: calls wait of src/http/connect/wait.c: http/url may not know http/connect'

# What nothing needs; public names are those of symbols.txt.
check=unused
echo 'base/low
core/high low' | plant "$@"
echo 'high BIDE_0' >"$tree/tests/symbols.txt"
: >"$tree/scripts/unused-allowed.txt"
passes 'what another file needs, and what is public'
: >"$tree/tests/symbols.txt"
fails 'what nothing needs' 'src/core/high.c: nothing needs high'
echo 'void high(void);' >"$tree/tests/test_high.c"
fails 'what tests alone need' 'src/core/high.c: nothing needs high, but tests'
echo 'high a knob for tests' >"$tree/scripts/unused-allowed.txt"
passes 'what tests alone need, and is on the list'
printf 'high a knob\nlow another\n' >"$tree/scripts/unused-allowed.txt"
fails 'a name on the list that is needed' 'low is needed, or gone: take it off the list'
echo 'base/low
core/high low
core/self self' | plant "$@"
: >"$tree/scripts/unused-allowed.txt"
echo 'high BIDE_0' >"$tree/tests/symbols.txt"
fails 'what its own file alone needs' 'src/core/self.c: self is needed by this file alone: make it static'

# What has no symbol: macros, and static inline functions.
echo 'base/low
core/high low' | plant "$@"
echo 'high BIDE_0' >"$tree/tests/symbols.txt"
: >"$tree/scripts/unused-allowed.txt"
cat >"$tree/src/base/low.h" <<'EOF'
#ifndef BIDE_LOW_H
#define BIDE_LOW_H
#define LOW_MAX 3
static inline int low_max(void)
{
    return LOW_MAX;
}
#endif
EOF
echo 'int tested = LOW_MAX; /* low_max() */' >"$tree/tests/test_low.c"
fails 'an inline function that nothing needs' 'src/base/low.h: nothing needs low_max'
echo 'int high_most = 0; /* low_max() */ const char *low_named = "low_max";' >"$tree/src/core/most.c"
fails 'an inline function that comments and strings name' 'src/base/low.h: nothing needs low_max'
echo 'static int most(void) { return low_max(); }' >"$tree/src/core/most.c"
passes 'an inline function that another file needs'
echo '#define LOW_MIN(x) (x)' >>"$tree/src/base/low.h"
echo '#undef LOW_MIN' >>"$tree/src/base/low.h"
echo 'int tested = LOW_MIN(1);' >"$tree/tests/test_low.c"
fails 'a macro that tests alone need' 'src/base/low.h: nothing needs LOW_MIN, but tests'
echo 'LOW_MIN a bound for tests' >"$tree/scripts/unused-allowed.txt"
passes 'a macro that tests alone need, and is on the list'
: >"$tree/scripts/unused-allowed.txt"
sed -i '/LOW_MIN/d' "$tree/src/base/low.h"
cp "$tree/src/core/most.c" "$tmp/most.c"
printf '%s\n' '#define FEW 2' >>"$tree/src/core/most.c"
echo 'static int few = FEW;' >"$tree/src/base/few.c"
fails 'a macro that only another source names' 'src/core/most.c: nothing needs FEW'
{ cat "$tmp/most.c"; printf 'static inline int\nof_few(int n)\n{\n    return n;\n}\n'; } >"$tree/src/core/most.c"
fails 'an inline function of a source that nothing needs' 'src/core/most.c: nothing needs of_few'
check=rooms

echo 'http/url/parse wait
http/connect/wait' | plant "$@"
rm "$tree/build/wait.o"
fails 'a build folder without objects' 'is not built'
echo nonsense | list
fails 'a list that cannot be read' 'not understood: nonsense'
echo "1..$n"
exit $status

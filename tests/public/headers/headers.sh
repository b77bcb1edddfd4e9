#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh INCLUDE_DIR LANGUAGE STANDARD COMPILER... - every public header compiles alone, twice over, without a warning.
set -u
include=$1 language=$2 standard=$3
shift 3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

compiles() {
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\nint not_empty;\n' "$header" "$header" >"$tmp/alone"
    "$@" -x "$language" "-std=$standard" -Wall -Wextra -Wpedantic -Werror -I"$include" -c -o "$tmp/alone.o" "$tmp/alone" \
        >"$tmp/out" 2>&1
}

n=1
# Who wraps the headers, or writes a binding, needs no other library's.
if [ "$(grep -lE 'json_t|jansson' "$include"/bide/*.h)" = "$include/bide/json.h" ]; then
    echo "ok 1 - jansson is named by bide/json.h alone"
else
    echo "not ok 1 - jansson is named by bide/json.h alone"
fi
for path in "$include"/bide/*.h; do
    n=$((n + 1))
    header=bide/${path##*/}
    if compiles "$header" "$@"; then
        echo "ok $n - $header as $standard"
    else
        echo "not ok $n - $header as $standard"
        sed 's/^/#   /' "$tmp/out"
    fi
done
echo "1..$n"

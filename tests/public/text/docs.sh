#!/bin/sh
# SPDX-License-Identifier: MIT
# docs.sh SOURCE COMPILER... - the documents do not lie: every link leads to a file, both READMEs show the same program,
# which compiles as it stands, and the same figures and names.  TAP.
set -eu
source=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
status=0

result() { # OUTCOME NAME: ok if the outcome file is empty
    n=$((n + 1))
    if [ -s "$1" ]; then
        echo "not ok $n - $2"
        sed 's/^/# /' "$1"
        status=1
    else
        echo "ok $n - $2"
    fi
}

documents() {
    find "$source" -maxdepth 1 -name '*.md'
    find "$source/docs" "$source/examples" "$source/src" "$source/bench" -name '*.md'
}

# names.py looks for the names; here, they are only compared.
words() {
    cat "$@" | grep -aoE '\b(bide|BIDE)_[A-Za-z0-9_]*[A-Za-z0-9]' | sort -u
}

# ---- links ----

documents | while read -r document; do
    folder=$(dirname "$document")
    grep -oE '\]\([^)# ]+' "$document" | cut -c3- | grep -vE '^[a-z]+:' | while read -r link; do
        [ -e "$folder/$link" ] || echo "${document#"$source/"}: leads nowhere: $link"
    done || true
done >"$tmp/links"
result "$tmp/links" "every link leads somewhere"

# ---- the program of the READMEs ----

first_c_block() {
    awk '/^```/ { if (inside) exit; if ($0 == "```c") { inside = 1; next } } inside' "$1"
}
first_c_block "$source/README.md" >"$tmp/program.c"
[ -s "$tmp/program.c" ] || echo "README.md has no C program" >"$tmp/compiled"
"$@" -std=c11 -Wall -Wextra -Werror -I"$source/include" -c -o "$tmp/program.o" "$tmp/program.c" >>"$tmp/compiled" 2>&1 ||
    echo "it does not compile" >>"$tmp/compiled"
result "$tmp/compiled" "the program of README.md compiles"

first_c_block "$source/README.zh-CN.md" | diff "$tmp/program.c" - >"$tmp/same" 2>&1 || true
result "$tmp/same" "README.zh-CN.md shows the same program"

# The figures are the same in both: every number from the machine's name to the next heading.
costs() {
    awk '/^## / { inside = 0 } /AMD|Intel|ARM/ { inside = 1 } inside' "$1" | grep -oE '[0-9]+([.,][0-9]+)*' | sort
}
costs "$source/README.md" >"$tmp/costs"
[ -s "$tmp/costs" ] || echo "README.md has no figures" >"$tmp/figures"
costs "$source/README.zh-CN.md" | diff "$tmp/costs" - >>"$tmp/figures" || true
result "$tmp/figures" "both READMEs give the same figures"

# Same commands, same names: what differs is the language.
for readme in README README.zh-CN; do
    words "$source/$readme.md" >"$tmp/$readme.words"
done
diff "$tmp/README.words" "$tmp/README.zh-CN.words" >"$tmp/words" || true
result "$tmp/words" "both READMEs speak of the same names"

# ---- licence ----

(cd "$source" && find . -maxdepth 1 -name 'meson*' -o -maxdepth 1 -name Makefile &&
    find include src tests scripts bench examples docs cross .ci -name '*.[chS]' -o -name '*.sh' -o -name '*.py' -o -name meson.build) |
    while read -r file; do
        head -n 3 "$source/$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file: no SPDX line"
    done >"$tmp/licence"
head -n 1 "$source/LICENSE" | grep -q '^MIT License$' || echo "LICENSE: is not MIT's" >>"$tmp/licence"
result "$tmp/licence" "every source file says its licence"

echo "1..$n"
exit $status

#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh SOURCE - scripts/deps.sh where there is no apt-get: it installs nothing, fails, and lists what to install.
set -eu
source=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A system with a shell and a few tools, and nothing of what bide needs.
mkdir "$tmp/bin"
for tool in sh mktemp rm id tail dirname; do
    ln -s "$(command -v "$tool")" "$tmp/bin/$tool"
done

for option in "" --dry-run --test; do
    # shellcheck disable=SC2086 # no word is no argument
    if PATH=$tmp/bin "$source/scripts/deps.sh" $option >"$tmp/out" 2>"$tmp/list"; then
        echo "deps.sh $option: exit 0 although nothing can be installed"
        exit 1
    fi
    for wanted in '    meson ' '    libssl-dev .*openssl' '    gcc .*program cc'; do
        grep -q "^$wanted" "$tmp/list" || { echo "deps.sh $option: '$wanted' is not in the list:"; cat "$tmp/list"; exit 1; }
    done
    [ ! -s "$tmp/out" ] || { echo "deps.sh $option: claims to have done something:"; cat "$tmp/out"; exit 1; }
done
echo "without apt-get: a list of $(grep -c '^    ' "$tmp/list"), and a failure"

#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch.sh COUNT COMMAND... - run a command that saves COUNT files into the current folder, an empty one on tmpfs.
#
# Prints {"ops","secs","cpu_s","bytes"}: the time of the whole command, start-up included.  Fails if a file is missing.
set -eu
count=$1
shift
tmpfs=/dev/shm
[ -w $tmpfs ] || tmpfs=${TMPDIR:-/tmp}
dir=$(mktemp -d "$tmpfs/bide-fetch.XXXXXX")
trap 'cd /; rm -rf "$dir" "$dir.times"' EXIT
cd "$dir"

begin=$(date +%s%N)
"$@" >&2
end=$(date +%s%N)
times >"$dir.times" # line 2: user and system time of what was waited for, each as 0m0.000000s
cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); sum += t[1] * 60 + t[2] } print sum }' "$dir.times")

found=$(find . -type f -size +0 | wc -l)
[ "$found" -eq "$count" ] || {
    echo "fetch.sh: $found files instead of $count" >&2
    exit 1
}
bytes=$(find . -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
awk -v n="$count" -v ns=$((end - begin)) -v cpu="$cpu" -v bytes="$bytes" \
    'BEGIN { printf "{\"ops\":%d,\"secs\":%.4f,\"cpu_s\":%.3f,\"bytes\":%d}\n", n, ns / 1e9, cpu, bytes }'

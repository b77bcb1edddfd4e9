#!/bin/sh
# SPDX-License-Identifier: MIT
# files.sh BUILD DIR [N] - CPU and wall time of each call to the file system in DIR, in microseconds: the figures of
# docs/design/files.md.  Medians of five runs, the ways in turn.  Every run gets an empty directory; they are removed at
# the end, all at once, because ext4 is slow to create files while it remembers others that have just been deleted.
set -eu
build=$1
base=$(mktemp -d "$2/bide-files-XXXXXX")
n=${3:-3000}
trap 'rm -rf "$base"' EXIT

one() { # WAY WHAT DEPTH: a line "WAY CPU WALL"
    dir=$(mktemp -d "$base/XXXXXX")
    if [ "$1" = chain ]; then
        "$build/bench/bench-save_chain" "$n" "$3" "$dir"
    else
        BIDE_FILES=$1 "$build/bench/bench-files" "$2" "$n" "$3" "$dir"
    fi | awk -v way="$1" -F'[:,}]' '{printf "%s %.1f %.1f\n", way, $6 / $2 * 1e6, $4 / $2 * 1e6}'
}

median() { # WAY: of the lines in the file
    grep "^$1 " "$base/lines" | sort -n -k2 | awk '{cpu[NR] = $2; wall[NR] = $3} END {m = int((NR + 1) / 2); printf "%8.1f /%8.1f", cpu[m], wall[m]}'
}

row() { # WHAT DEPTH WAY...
    what=$1 depth=$2
    shift 2
    : >"$base/lines"
    for _ in 1 2 3 4 5; do
        for way; do one "$way" "$what" "$depth" >>"$base/lines"; done
    done
    printf '%-10s %3d' "$what" "$depth"
    for way; do printf '  %s %s' "$way" "$(median "$way")"; done
    echo
}

echo "microseconds each, CPU / wall; $n times in $2"
for what in save save-named save-plain; do
    row "$what" 0 threads
    for depth in 1 64; do row "$what" $depth threads; done
done
for depth in 1 64; do row save $depth chain; done
for what in load read write create rename unlink; do
    row "$what" 0 threads
    for depth in 1 64; do row "$what" $depth threads uring; done
done

#!/bin/sh
# SPDX-License-Identifier: MIT
# test_log_tailer.sh - examples/log_tailer.c: what is there, what is appended, and what is written after a rotation; then the folder goes.
set -eu
program=${BIDE_BUILD:?}/examples/log_tailer
# shellcheck source=tests/folder.sh
. "${BIDE_SOURCE:?}/tests/folder.sh"

wait_for()
{
    for _ in $(seq 600); do
        grep -q "$1" "$dir/got" && return
        sleep 0.05
    done
    fail "no line $1 in: $(cat "$dir/got")"
}

mkdir "$dir/logs"
echo one >"$dir/logs/app.log"
"$program" "$dir/logs" app.log >"$dir/got" &
pid=$!
wait_for one
echo two >>"$dir/logs/app.log"
wait_for two
echo other >"$dir/logs/other.log"
echo three >>"$dir/logs/app.log"
mv "$dir/logs/app.log" "$dir/logs/app.log.1"
echo four >"$dir/logs/app.log"
wait_for four
rm -r "$dir/logs"
wait "$pid" || fail "exit $?"
pid=
test "$(tr '\n' ' ' <"$dir/got")" = "one two three four " || fail "it said: $(cat "$dir/got")"

! "$program" "$dir/none" app.log 2>"$dir/err" || fail "exit 0 without a folder"
grep -q "$dir/none" "$dir/err" || fail "the error does not name the folder: $(cat "$dir/err")"
echo ok

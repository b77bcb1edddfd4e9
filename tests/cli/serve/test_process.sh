#!/bin/sh
# SPDX-License-Identifier: MIT
# test_process.sh - `bide serve` as a process: its first line, its signals, its exit codes.
set -eu
bide=${BIDE:?}
# shellcheck source=tests/folder.sh
. "${BIDE_SOURCE:?}/tests/folder.sh"

# Start it with these options; sets pid and url.
start()
{
    : >"$dir/out"
    "$bide" serve "$@" >"$dir/out" 2>"$dir/err" &
    pid=$!
    for _ in $(seq 600); do
        url=$(head -n 1 "$dir/out")
        test -z "$url" || return 0
        kill -0 "$pid" 2>/dev/null || fail "serve $* ended: $(cat "$dir/err")"
        sleep 0.05
    done
    fail "no URL on the first line"
}

# Send a signal; sets code.
stop()
{
    kill "-$1" "$pid"
    code=0
    wait "$pid" || code=$?
    pid=
}

start --port 0
case $url in
http://127.0.0.1:[1-9]*) ;;
*) fail "the first line is $url" ;;
esac
test "$(curl -sS "$url/x/player/pagelist?aid=1" | head -c 33)" = '{"code":0,"message":"0","ttl":1,"' || fail "pagelist"

port=${url##*:}
code=0
timeout 30 "$bide" serve --port "$port" >"$dir/out2" 2>"$dir/err2" || code=$?
test "$code" = 3 || fail "port in use: exit $code"
grep -q "127.0.0.1:$port" "$dir/err2" || fail "port in use: $(cat "$dir/err2")"
test ! -s "$dir/out2" || fail "port in use, but a URL was printed"

stop INT
test "$code" = 130 || fail "SIGINT: exit $code"
! curl -sS "$url/json" >/dev/null 2>&1 || fail "it still answers"

# A request that runs is answered before the end.
start --port 0 --delay 1500
curl -sS "$url/json" >"$dir/answer" &
asking=$!
sleep 0.7
stop TERM
test "$code" = 143 || fail "SIGTERM: exit $code"
wait "$asking" || fail "the running request was dropped"
grep -q '"title"' "$dir/answer" || fail "the running request was not answered"

echo hello >"$dir/file.txt"
start --port 0 --root "$dir"
test "$(curl -sS "$url/file.txt")" = hello || fail "--root"
stop INT

code=0
"$bide" serve --port 0 --root "$dir/none" >"$dir/out2" 2>"$dir/err2" || code=$?
test "$code" != 0 || fail "--root without a directory"
grep -q "$dir/none" "$dir/err2" || fail "--root without a directory: $(cat "$dir/err2")"
echo ok

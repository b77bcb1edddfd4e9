#!/bin/sh
# SPDX-License-Identifier: MIT
# test_stop.sh - `bide fetch` and signals: the first lets requests end, the second drops them; kill -9; a reader
# who goes.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$here/faults.py"
base=$url

# Start bide in the background; sets pid.
begin()
{
    "$bide" "$@" >out 2>err &
    pid=$!
    pids="$pids $pid"
}

# Wait until the server has seen so many requests that begin so.
seen()
{
    for _ in $(seq 200); do
        n=$(curl -sS "$base/log" | grep -o ", \"/$2" | wc -l)
        test "$n" -lt "$1" || return 0
        sleep 0.05
    done
    fail "the server has seen $n requests for /$2 in place of $1"
}

ended()
{
    code=0
    wait "$pid" || code=$?
    test "$code" = "$1" || fail "exit $code in place of $1"
}

# Wait until it has said this.
until_said()
{
    for _ in $(seq 400); do
        ! grep -qF -- "$1" err || return 0
        sleep 0.05
    done
    fail "it does not say: $1"
}

# Interrupt it until it ends: on a busy machine it may not listen yet, and two signals that it has not seen are one.
interrupt()
{
    for _ in $(seq 100); do
        kill -INT "$pid" 2>/dev/null || break
        sleep 0.2
    done
    kill -KILL "$pid" 2>/dev/null || true
    ended 130
}

# The first: those that run are finished and kept, others are not begun, and it is said.
begin fetch "$base/gate/drain?[1-1000]" -o 'drain/{1}' -c 4 --grace 60s --jsonl drain.jsonl
seen 4 gate/drain
kill -INT "$pid"
until_said "stopping: 4 in flight, 60 s grace, press Ctrl-C again to drop them"
curl -sS "$base/open/drain" >opened
ended 130
test "$(find drain -type f | wc -l)" = 4 || fail "drained: $(find drain)"
no_rest drain
test "$(grep -c '"ok":true' drain.jsonl)" = 4 || fail "records: $(cat drain.jsonl)"
said "4 ok  0 failed  996 skipped"
said "$((1000 - $(wc -l <drain.jsonl))) of 1000 URLs have no line in drain.jsonl"

# What is not done, and how to go on.
said "stopped before these were done: 996 URLs"
said "to go on, give the same command with --skip-existing"

# The second: cut.
begin fetch "$base/trickle/{300000,300001,300002}" -o 'cut/{1}'
seen 3 trickle
sleep 0.3
kill -INT "$pid"
until_said "stopping: 3 in flight, 10 s grace"
kill -INT "$pid"
ended 130
test -z "$(find cut -type f)" || fail "left behind: $(find cut)"

said "stopped before these were done: 3 URLs"
seq 20000 | sed "s|^|$base/gate/pipe?|" >list
mkfifo pipe
cat list >pipe &
begin fetch -i pipe --jsonl list.jsonl -c 4
seen 4 gate/pipe
kill -INT "$pid"
until_said "stopping: 4 in flight"
curl -sS "$base/open/pipe" >opened
ended 130
grep -Eq 'stopped before these were done: [0-9]+ URLs, and all behind pipe:[0-9]+$' err || fail "what is not done of a list"
said "the same command begins with the first URL again"

# SIGTERM, and a grace that runs out.
begin fetch "$base/hang" -o term --grace 200ms
seen 1 hang
kill -TERM "$pid"
ended 143
test ! -e term || fail "a file"
grep -qF "1 in flight, 200 ms grace, press" err || fail "the grace that was given"

# While it waits for its next attempt, for the rate, for standard input: it ends at once.
begin fetch "$base/flaky/x/9/503" -o no --backoff 60s
seen 1 flaky
kill -INT "$pid"
ended 130
mkfifo fifo
begin fetch -i fifo -o 'no{i}' --jsonl fifo.jsonl
exec 9>fifo
echo "$base/bytes/1?fifo" >&9
seen 1 'bytes/1?fifo'
for _ in $(seq 100); do test ! -s no0 || break; sleep 0.02; done
test -s no0 || fail "the first line of a pipe was not fetched"
kill -INT "$pid"
ended 130
said "URLs behind the first 1 were not read and have no line in fifo.jsonl"
exec 9>&-
begin fetch "$base/bytes/[1-9]?rate" -o 'rate/{1}' --rate 1/h
seen 1 'bytes/1?rate'
kill -INT "$pid"
ended 130

# SIGUSR1: a line of status.
begin fetch "$base/gate/usr?1" -o usr
seen 1 gate/usr
kill -USR1 "$pid"
until_said "bide fetch: 0/1 (0.0%) done"
curl -sS "$base/open/usr" >opened
ended 0

# A list that is a FIFO, which nobody has opened for writing.
mkfifo unwritten
begin fetch -i unwritten -o 'no{i}'
sleep 0.3
interrupt

# Nobody reads the records, and the pipe is full: the second still ends it.
mkfifo asleep
# shellcheck disable=SC2217 # it holds the pipe open
sleep 30 <asleep &
pids="$pids $!"
"$bide" fetch -q "$base/bytes/1?[1-3000]" --jsonl - >asleep 2>err &
pid=$!
pids="$pids $pid"
sleep 1
interrupt

# kill -9: every file that has its name is whole.
for _ in 1 2 3; do
    rm -rf killed
    begin fetch -q "$base/bytes/[20000-29999]" -o 'killed/{1}' -c 16 --per-host 0
    for _ in $(seq 100); do
        test "$(find killed -type f 2>/dev/null | wc -l)" -lt 50 || break
        sleep 0.02
    done
    kill -KILL "$pid"
    ended 137
    for f in killed/*; do
        test "$(wc -c <"$f")" = "${f#killed/}" || fail "$f is not whole"
    done
done

# The reader of standard output goes: no message, dead of SIGPIPE.
{ code=0; "$bide" fetch -q "$base/bytes/1?[1-3000]" --jsonl - 2>err || code=$?; echo $code >code; } | head -n 1 >out
test "$(cat code)" = 141 || fail "SIGPIPE: exit $(cat code)"
test ! -s err || fail "it complained"
{ code=0; "$bide" fetch -q "$base/bytes/3000000" -o - 2>err || code=$?; echo $code >code; } | head -c 10 >out
test "$(cat code)" = 141 || fail "SIGPIPE: exit $(cat code)"
echo ok

#!/bin/sh
# SPDX-License-Identifier: MIT
# test_summary.sh - what `bide fetch` says at the end: little of a few URLs, more of many, and what limited the run.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$bide" serve --port 0
good=$url

# N [OPTION]...: the summary of so many URLs, in err.
summary()
{
    n=$1
    shift
    must 0 fetch "$@" "$good/delay/20?[1-$n]" --jsonl /dev/null
}

lines()
{
    test "$(wc -l <err)" = "$1" || fail "not $1 lines"
}

# ---- the more URLs, the more is said ----
summary 1
grep -Eq '^1 url  1 ok  0 failed  16 B in [0-9.]+ s$' err || fail "one URL"
lines 1
summary 3
grep -Eq '^3 urls  3 ok  0 failed  48 B in [0-9.]+ s$' err || fail "three URLs"
lines 1
summary 19
said "19 urls  19 ok  0 failed  0 skipped  0 retries"
said "slowest"
if grep -Eq 'p50|medians' err; then fail "percentiles of 19 URLs"; fi
summary 20
said "p50 "
said "p99 "
said "(medians)"
must 4 fetch "$good/status/503" --jsonl /dev/null --retries 1 --backoff 1ms
said "1 url  0 ok  1 failed (http_503 1)  1 retry  0 B in "

# ---- what limited it ----
summary 120 --per-host 8
grep -Eq '^limited by: 8 at once to one host \(--per-host\)  [0-9.]+ s of [0-9.]+ s$' err || fail "--per-host 8"
summary 120 -c 8
grep -Eq '^limited by: 8 at once \(--concurrency\)  [0-9.]+ s of [0-9.]+ s$' err || fail "-c 8"
summary 60 --rate 100/s
grep -Eq '^limited by: --rate  [0-9.]+ s of [0-9.]+ s$' err || fail "--rate"
summary 600 -c 1000
grep -Eq "^limited by: one host's window, which had grown to [0-9]+ \\(--no-adaptive\\)  [0-9.]+ s of [0-9.]+ s$" err || fail "a window that grows"
(
    # shellcheck disable=SC3045 # dash has it, too
    ulimit -n 40
    "$bide" fetch "$good/delay/20?[1-200]" --jsonl /dev/null --no-adaptive 2>err
)
grep -Eq '^limited by: [0-9]+ at once, for lack of descriptors \(ulimit -n\)' err || fail "descriptors"
{
    for i in $(seq 25); do echo "$good/delay/1?$i"; sleep 0.03; done
} | "$bide" fetch -i - --jsonl /dev/null 2>err
said "limited by: the list of URLs, which came slowly"
must 0 fetch "$good/delay/1?[1-30]" --jsonl /dev/null
if grep -q limited err; then fail "a run that is over at once was limited"; fi
start "$here/dead.py"
# shellcheck disable=SC2086 # several words
set -- ${url##*:}
must 1 fetch "http://127.0.0.1:$2/[1-20]" "$good/delay/1?[1-30]" --jsonl /dev/null --backoff 100ms
said "limited by: hosts that do not answer (--host-errors)"
start "$here/faults.py"
must 0 fetch "$url/flaky/[1-2]/1/429/1" "$good/delay/1?[1-30]" --jsonl /dev/null
said "limited by: hosts that asked to wait (Retry-After)"
echo ok

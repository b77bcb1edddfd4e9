#!/bin/sh
# SPDX-License-Identifier: MIT
# test_faults.sh - `bide fetch` and servers, disks and limits that fail: one clear line each, no half-written file.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$here/faults.py"
base=$url

# One URL that fails: exit 4, one line with the URL and the cause, no file.
fails()
{
    cause=$1
    shift
    rm -rf saved
    must 4 fetch -q --retries 0 "$@" -o saved/file
    said_only "$cause"
    for u in "$@"; do
        case $u in http*) said "$u" ;; esac
    done
    test -z "$(find saved -type f)" || fail "a file was written: $(find saved -type f)"
}

# ---- wrong answers ----
fails "malformed answer" "$base/garbage"
fails "without an answer" "$base/early"
fails "the body ended after 10 of 100 bytes" "$base/short"
fails "the head of the answer is larger" "$base/bighead"
fails "the body ended early" "$base/chunked-cut"
fails "malformed body" "$base/badchunk"
fails "timed out" "$base/hang" --timeout 300ms
fails "timed out" "$base/trickle/1000000" --timeout 300ms
fails "404" "$base/status/404"

# What has gone to standard output is not sent twice.
must 4 fetch -q "$base/short" --retries 3 --backoff 1ms
test "$(cat out)" = 0123456789 || fail "standard output: $(cat out)"

# ---- no connection ----
free=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
fails "refused" "http://127.0.0.1:$free/"
fails "no such host name" "http://no-such-host.invalid/"
fails "" "http://127.0.0.1:$free/" --connect-timeout 1s

# ---- TLS ----
subject='-subj /CN=localhost -addext subjectAltName=DNS:localhost'
# shellcheck disable=SC2086 # several words
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out good.pem -days 2 $subject 2>/dev/null
# shellcheck disable=SC2086
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key2.pem -out other.pem -days 2 -subj /CN=other.example \
    -addext subjectAltName=DNS:other.example 2>/dev/null
start "$bide" serve --port 0 --cert good.pem --key key.pem
tls=https://localhost:${url##*:}
fails "certificate" "$tls/json"
rm -rf saved
must 0 fetch -q --cacert good.pem "$tls/json" -o saved/file
must 0 fetch -k "$tls/json" -o saved/file
said "WARNING: --insecure"
fails "127.0.0.1" --cacert good.pem "https://127.0.0.1:${url##*:}/json"
start "$bide" serve --port 0 --cert other.pem --key key2.pem
fails "certificate" --cacert other.pem "https://localhost:${url##*:}/json"
must 2 fetch -q --cacert no-such.pem "$tls/json" -o x
said "no-such.pem"
must 0 fetch -q --cacert other.pem --connect-to "other.example:443:127.0.0.1:${url##*:}" https://other.example/json -o x
fails "" --connect-timeout 1s "https://127.0.0.1:${base##*:}/json" # no TLS at all

# ---- some fail, some do not ----
must 1 fetch "$base/{bytes/3,short,bytes/4,status/500}" -o 'mixed/{i}' --retries 0
test "$(find mixed -type f | sort | tr '\n' ' ')" = "mixed/0 mixed/2 " || fail "mixed: $(find mixed)"
said "4 urls  2 ok  2 failed (http_500 1, reset 1)"

# Of many failures not all are shown.
must 4 fetch "$base/status/404?[1-100]" --jsonl many.jsonl --per-host 0
test "$(grep -c 'status/404?' err)" = 20 || fail "20 messages"
said "more failures are counted"
test "$(wc -l <many.jsonl)" = 100 || fail "100 records"

# ---- new attempts ----
must 0 fetch -q "$base/flaky/a/2/503" -o retried --backoff 10ms --jsonl r.jsonl --jsonl-mode=replace
grep -q '"attempts":3' r.jsonl || fail "$(cat r.jsonl)"
must 4 fetch -q "$base/flaky/b/9/500" -o no --retries 2 --backoff 1ms --jsonl r.jsonl --jsonl-mode=replace
grep -q '"attempts":3' r.jsonl || fail "$(cat r.jsonl)"
must 4 fetch -q "$base/flaky/c/1/404" -o no --backoff 1ms --jsonl r.jsonl --jsonl-mode=replace
grep -q '"attempts":1' r.jsonl || fail "404 was tried again"
must 4 fetch -q -d x "$base/flaky/d/1/503" -o no --backoff 1ms
test ! -e no || fail "the body of a failure was saved"
must 4 fetch -q "$base/short" -o no --retries 3 --backoff 1ms --jsonl r.jsonl --jsonl-mode=replace
grep -q '"attempts":4' r.jsonl || fail "a broken connection: $(cat r.jsonl)"
must 0 fetch "$base/flaky/[1-40]/1/503" -o 'flaky/{1}' --backoff 50ms -c 8
test "$(count_files flaky)" = 40 || fail "40 files"
said "40 urls  40 ok  0 failed  0 skipped  40 retries"

# A body that was cut off: the next attempt may save under the same name, also one that -O made.
must 0 fetch -q "$base/torn/ta" "$base/torn/tb" -O torn --backoff 1ms
{ test "$(cat torn/*/torn/ta@.bin)" = whole && test "$(cat torn/*/torn/tb@.bin)" = whole; } || fail "torn: $(find torn)"
must 0 fetch -q "$base/torn/{tc,td}" -i /dev/null -o 'torn/{name}' --backoff 1ms
test "$(cat torn/tc torn/td)" = "$(printf 'whole\nwhole')" || fail "torn: $(find torn)"

# --max-size counts what comes, whatever length was announced.
must 4 fetch -q "$base/both/100000" -o both --max-size 1000 --retries 0
test ! -e both || fail "--max-size: $(wc -c <both) bytes"

# A name that no file system has is cut, and two that begin alike stay two; a literal one is refused.
long=$(printf 'x%.0s' $(seq 300))
must 0 fetch -q "$base/flaky/$long/0/{200,201}" "$base/flaky/$long.json/0/200" -o 'long/{path}'
test "$(find long -type f | wc -l)" = 3 || fail "long names: $(find long)"
test "$(find long -name '*~????????????????.json' | wc -l)" = 1 || fail "long names: $(find long)"
must 2 fetch -q "$base/bytes/1" -o "$long"

# Retry-After: the whole host is left alone, for as long as it says; a date is compared with ours.
must 0 fetch -q "$base/flaky/e/1/429/1" "$base/bytes/[1-5]" -o 'after/{i}' -c 1
date=$(python3 -c 'import email.utils, time, urllib.parse
print(urllib.parse.quote(email.utils.formatdate(time.time() + 2, usegmt=True)))')
must 0 fetch -q "$base/flaky/f/1/503/$date" -o after/date --backoff 1ms
curl -sS "$base/log" | python3 -c '
import json, sys
log = json.load(sys.stdin)
e = [t for t, p in log if p.startswith("/flaky/e/")]
f = [t for t, p in log if p.startswith("/flaky/f/")]
assert len(e) == 2 and 0.99 <= e[1] - e[0] < 2.5, e
assert not [p for t, p in log if e[0] < t < e[0] + 0.99], "the host was not left alone"
assert len(f) == 2 and 0.9 <= f[1] - f[0] < 4, f' || fail "Retry-After"
must 0 fetch -q -v "$base/flaky/h/1/503/1.2" -o after/fraction --backoff 1ms
grep -q 'attempt 2 of 5 in 1\.[123]' err || fail "Retry-After: 1.2: $(cat err)"
must 4 fetch -q "$base/flaky/g/1/503/100000" -o no
grep -q '503 .*; it asks to wait [0-9]* s, more than --retry-after-max' err || fail "a Retry-After beyond --retry-after-max"

# ---- this machine ----
echo file >plain
must 3 fetch "$base/bytes/[1-3]" -o 'plain/{1}'
said_only "plain"
must 3 fetch "$base/bytes/[1-3]" -O /proc/no-such-directory
said_only "/proc/no-such-directory"
must 3 fetch -q "$base/bytes/[1-30]" --jsonl /dev/full
said "No space left on device"
said "30 of 30 URLs have no line in /dev/full"
must 3 fetch -q "$base/bytes/[3-3]" -o /dev/full
said "No space left on device"
code=0
"$bide" fetch -q "$base/bytes/9" -o - >/dev/full 2>err || code=$?
test "$code" = 3 || fail "standard output full: exit $code"
said "No space left on device"
must 3 fetch "$base/bytes/1" --jsonl no-such-directory/log
said_only "no-such-directory/log"

# A disk that becomes full: it stops, with one line, and nothing half-written or temporary is left.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=300k none small 2>/dev/null; then
    mounted=$dir/small
    must 3 fetch -q "$base/bytes/[5001-5200]" -o 'small/{1}'
    said "No space left on device; stopping"
    no_rest small
    for f in small/*; do
        test "$(wc -c <"$f")" = "${f#small/}" || fail "$f is not whole"
    done
    rm -f small/*
    must 3 fetch -q "$base/bytes/1000000" -o small/large
    test -z "$(ls -A small)" || fail "left behind: $(ls -A small)"
    # Records: whole lines, as many as it does not say are missing.
    must 3 fetch -q "$base/bytes/1?[1-3000]" --jsonl small/log
    python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <small/log || fail "a torn record"
    test "$(wc -l <small/log)" -gt 100 || fail "hardly a record: $(wc -l <small/log)"
    said "$((3000 - $(wc -l <small/log))) of 3000 URLs have no line in small/log"
    rm small/log
    umount small
    mounted=
else
    echo "not tested: a full disk (needs root and mount)"
fi

# A directory that cannot be written to.
if [ "$(id -u)" != 0 ]; then
    mkdir locked && chmod 555 locked
    must 3 fetch -q "$base/bytes/[1-3]" -o 'locked/{1}'
    said_only "locked"
fi

# No free descriptors: it waits, and does not fail.
(
    # shellcheck disable=SC3045 # not in POSIX, but in every shell that is /bin/sh
    ulimit -n 24
    "$bide" fetch -q "$base/bytes/[1-300]" -o 'few/{1}' -c 64 --per-host 0 --retries 0 2>err
) || fail "few descriptors: exit $?: $(cat err)"
test "$(count_files few)" = 300 || fail "few descriptors: $(count_files few) files"

# So few that not one file could be saved: it says so at once.
code=0
(
    # shellcheck disable=SC3045
    ulimit -n 8
    exec "$bide" fetch -q "$base/bytes/1" -o 'fewer/{i}'
) 2>err || code=$?
test "$code" = 3 || fail "8 descriptors: exit $code"
said_only "8 open files are too few, 10 are needed"
(
    # shellcheck disable=SC3045
    ulimit -n 10
    exec "$bide" fetch -q "$base/bytes/[1-3]" -o 'fewer/{i}' --retries 0
) 2>err || fail "10 descriptors: exit $?: $(cat err)"
test "$(count_files fewer)" = 3 || fail "10 descriptors: $(count_files fewer) files"
(
    # shellcheck disable=SC3045
    ulimit -n 10
    exec "$bide" fetch -q "$base/bytes/[200001-200003]" -o 'fewer/deep/{n}/{i}' --retries 0
) 2>err || fail "10 descriptors, deeper: exit $?: $(cat err)"

# An odd list of descriptors.
must 0 fetch -q "$base/bytes/1" -o closed <&-
echo ok

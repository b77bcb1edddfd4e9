#!/bin/sh
# SPDX-License-Identifier: MIT
# test_hosts.sh - `bide fetch` and hosts that do not answer: the others go on, and the URLs of the dead ones end together.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$bide" serve --port 0
good=$url
start "$here/dead.py"
# shellcheck disable=SC2086 # several words
set -- ${url##*:}
full=$1 refused=$2 silent=$3 reset=$4

# Milliseconds that a command takes; sets took.
timed()
{
    begin=$(date +%s%N)
    "$@"
    took=$((($(date +%s%N) - begin) / 1000000))
}

# What the records in FILE say: an expression in r, a list of them.
records()
{
    python3 - "$1" "$2" <<'PY' || fail "$2: $(grep -v '"ok":true' "$1" | head -n 3)"
import collections, json, sys
r = [json.loads(line) for line in open(sys.argv[1])]
bad = [x for x in r if not x["ok"]]
asked = [x for x in r if x["error"] != "cancelled"]
sys.exit(0 if eval(sys.argv[2]) else 1)
PY
}

# ---- dead hosts in front of good ones ----
# A place that one of them has is lost for --connect-timeout: they are 16, and there are 16 places.
for h in $(seq 16); do
    seq 10 | sed "s|^|http://dead$h.test/|"
    echo "dead$h.test::127.0.0.1:$full" >>to
done >list
seq 2000 | sed "s|^|$good/bytes/|" >>list
# shellcheck disable=SC2046 # several words
timed must 1 fetch -q -i list --jsonl dead.jsonl -c 16 --connect-timeout 1s --backoff 100ms $(sed 's/^/--connect-to /' to)
records dead.jsonl 'len(r) == 2160 and len(bad) == 160 and all(x["error"] == "timeout" for x in bad)'
records dead.jsonl 'sum(x["ok"] for x in r[:2000]) >= 1990'
test "$took" -lt 20000 || fail "16 dead hosts take $took ms"

# ---- one dead host: its URLs fail together, with the cause ----
for kind in "connect $refused" "reset $reset" "timeout $silent" "timeout $full"; do
    port=${kind#* }
    timed must 4 fetch "http://127.0.0.1:$port/[1-3000]" --jsonl one.jsonl --jsonl-mode=replace --backoff 20ms --connect-timeout 200ms --stall 200ms
    records one.jsonl "len(r) == 3000 and all(x['error'] == '${kind% *}' for x in r)"
    records one.jsonl 'sum(x["attempts"] for x in r) < 40 and sum("its host is given up: GET http" in x["error_msg"] for x in r) > 2900'
    said "127.0.0.1:$port is given up after 5 failures in a row"
    test "$took" -lt 8000 || fail "3000 URLs of a dead host (${kind% *}) take $took ms"
done
# As often as it was said; and a URL that may be tried more often is.
must 4 fetch "http://127.0.0.1:$refused/[1-100]" --jsonl one.jsonl --jsonl-mode=replace --backoff 1ms --per-host 1 --host-errors 2
records one.jsonl 'sum(x["attempts"] for x in r) == 2'
must 4 fetch "http://127.0.0.1:$refused/" --jsonl one.jsonl --jsonl-mode=replace --backoff 1ms --retries 9
records one.jsonl 'r[0]["attempts"] == 10'

# ---- a name that does not resolve is looked up once ----
timed must 1 fetch "http://no-such-host.invalid/[1-500]" "$good/bytes/[1-50]" --jsonl name.jsonl
records name.jsonl 'len(bad) == 500 and all(x["error"] == "dns" for x in bad) and sum(x["attempts"] for x in bad) <= 16'
test "$took" -lt 5000 || fail "a name that does not resolve: $took ms"

# ---- a host that comes back is asked as before ----
"$bide" fetch -q "http://127.0.0.1:$refused/bytes/[1-300]" --jsonl back.jsonl --backoff 200ms --host-errors 20 &
fetch=$!
sleep 0.7
start "$bide" serve --port "$refused"
wait $fetch || fail "it does not go on when the host is back"
records back.jsonl 'len(r) == 300 and not bad'

# ---- who redirects to a dead host is not dead ----
start "$here/faults.py"
must 1 fetch "$url/away/$reset?[1-30]" "$url/bytes/[1-30]" --jsonl away.jsonl --retries 0 -c 1 --backoff 10ms
records away.jsonl 'len(bad) == 30 and all(x["error"] == "reset" for x in bad) and all(x["attempts"] == 1 for x in r if x["ok"])'
records away.jsonl 'sum(x["attempts"] for x in bad) == 5' # and that one is: the others end with it

# ---- --fail-fast and --max-errors ----
must 5 fetch "$good/status/404?[1-500]" --jsonl stop.jsonl --jsonl-mode=replace --fail-fast -c 4
said "1 of 1 URLs failed; stopping (--fail-fast)"
records stop.jsonl 'len(asked) < 20'
must 5 fetch "$good/status/404?[1-500]" "$good/bytes/[1-500]" --jsonl stop.jsonl --jsonl-mode=replace --max-errors 20 -c 4
said "21 of 21 URLs failed; stopping (--max-errors)"
records stop.jsonl '21 <= len(asked) < 40'
must 1 fetch "$good/status/404?[1-20]" "$good/bytes/[1-500]" --jsonl stop.jsonl --jsonl-mode=replace --max-errors 20 -c 4
for i in $(seq 400); do echo "$good/bytes/$i"; test "$i" -le 200 || echo "$good/status/404?$i"; done >mixed
must 5 fetch -i mixed --jsonl stop.jsonl --jsonl-mode=replace --max-errors 10% -c 4
records stop.jsonl '10 < sum(not x["ok"] for x in asked) * 100 / len(asked) < 15'
must 1 fetch -i mixed --jsonl stop.jsonl --jsonl-mode=replace --max-errors 40% -c 4
for wrong in x -1 1.5 101% 5%% ''; do
    must 2 fetch "$good/" --jsonl /dev/null --max-errors="$wrong"
    said "--max-errors: expected a number of URLs"
done
must 2 fetch "$good/" --jsonl /dev/null --max-errors 1 --fail-fast

# ---- what waits is named ----
"$bide" fetch --progress none "http://127.0.0.1:$reset/[1-30]" --jsonl /dev/null --backoff 30s 2>err &
fetch=$!
sleep 1
named='waiting [0-9]+ s for 127.0.0.1:[0-9]+ \(reset, 30 urls\)'
for _ in $(seq 100); do
    kill -USR1 $fetch
    sleep 0.1
    ! grep -Eq "$named" err || break
done
kill -9 $fetch
grep -Eq "$named" err || fail "what waits is not named"
echo ok

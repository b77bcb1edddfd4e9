#!/bin/sh
# SPDX-License-Identifier: MIT
# test_order.sh - `bide fetch` looks ahead over hosts: however many URLs of one stand in front, the others go on.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$bide" serve --port 0
good=$url
start "$here/dead.py"
# shellcheck disable=SC2086 # several words
set -- ${url##*:}
refused=$2 silent=$3

# LIST RECORDS [first]: every URL of the list is recorded once, with its number; first: those of $good come before the
# last 90 % of the dead host.
check()
{
    python3 - "$1" "$2" "$good" "${3:-}" <<'PY' || fail "$1"
import json, sys
text = open(sys.argv[1], encoding="utf-8-sig").read().replace("\r", "")
urls = [u.strip() for u in text.split("\n") if u.strip() and not u.strip().startswith("#")]
r = [json.loads(line) for line in open(sys.argv[2])]
assert len(r) == len(urls), (len(r), len(urls))
by_number = {x["i"]: x["url"] for x in r}
for i, u in enumerate(urls):
    assert by_number[i] == u, (i, u, by_number[i])
ok = [k for k, x in enumerate(r) if x["ok"]]
assert all(x["ok"] == x["url"].startswith(sys.argv[3]) for x in r)
dead = len(r) - len(ok)
assert not sys.argv[4] or ok[-1] < len(ok) + dead / 10, (ok[-1], len(ok), dead)
PY
}

# ---- a dead host in front of the others, more of its URLs than are kept in memory ----
seq 8000 | sed "s|^|http://127.0.0.1:$refused/|" >dead
seq 1500 | sed "s|^|$good/bytes/|" >alive
{
    printf '\357\273\277'
    sed '100~7s/^/\t  /; 200~11s/$/\r/; 300~50s/$/\n\n# a comment\n/' dead
    cat alive
    printf '%s' "$good/bytes/last?no-line-end" | sed 's|last?|1?|'
} >list
must 1 fetch -q -i list --jsonl records --jsonl-mode=replace --backoff 300ms
check list records first
# Of a list that cannot be read again less is seen, and none is lost.
must 1 fetch -q -i - --jsonl records --jsonl-mode=replace --backoff 20ms <list
test "$(wc -l <records)" = 9501 || fail "$(wc -l <records) records"
head -n 3000 dead >list
cat alive >>list
must 1 fetch -q -i - --jsonl records --jsonl-mode=replace --backoff 300ms <list
check list records first
cat dead alive >list
must 1 fetch -q "http://127.0.0.1:$refused/[1-8000]" "$good/bytes/[1-1500]" --jsonl records --jsonl-mode=replace --backoff 300ms
check list records first

# ---- URLs of both by turns ----
paste -d '\n' dead alive | grep . >list
must 1 fetch -q -i list --jsonl records --jsonl-mode=replace --backoff 50ms
check list records

# ---- in several lists ----
split -l 1000 --additional-suffix=.part list
set --
for part in *.part; do
    set -- "$@" -i "$part"
done
must 1 fetch -q "$@" --jsonl records --jsonl-mode=replace --backoff 50ms
check list records

# ---- long lines ----
long=$(printf '%020000d' 0)
for i in $(seq 300); do echo "http://127.0.0.1:$refused/$i?$long" && echo && echo "# a comment"; done >list
cat alive >>list
must 1 fetch -q -i list --jsonl records --jsonl-mode=replace --backoff 50ms
check list records

# ---- a list that is changed meanwhile: what is gone fails, nothing else is asked for ----
cat dead alive >list
rm -f records
touch records
"$bide" fetch -q -i list --jsonl records --jsonl-mode=replace --backoff 4s --host-errors 2 2>err &
fetch=$!
# The list has been read once when all that answer have; the rest wait for their host.
for _ in $(seq 600); do
    test "$(grep -c '"ok":true' records || true)" = 1500 && break
    sleep 0.05
done
printf 'http://127.0.0.1:%s/other\n%.0s' "$silent" $(seq 20) >list
code=0
wait $fetch || code=$?
test $code = 1 || fail "exit $code"
test "$(wc -l <records)" = 9500 || fail "$(wc -l <records) records of a list that was changed"
test "$(grep -c '"ok":true' records)" = 1500 || fail "a list that was changed"
grep -q '"error":"url","error_msg":"the list has been changed since it was read first"' records || fail "it does not say what is wrong: $(grep -v "\"ok\":true" records | tail -n 2)"
echo ok

#!/bin/sh
# SPDX-License-Identifier: MIT
# test_queue.sh - `bide fetch`: limits, one slow host among others, and memory that does not grow.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$here/faults.py"
slow=$url
start "$bide" serve --port 0
fast=$url

# Milliseconds that a command takes; sets took.
timed()
{
    begin=$(date +%s%N)
    "$@"
    took=$((($(date +%s%N) - begin) / 1000000))
}

# ---- a slow host does not hold up the others, although its URLs come first ----
{
    for i in $(seq 20); do echo "$slow/slow/300?$i"; done
    for i in $(seq 200); do echo "$fast/bytes/$i"; done
} >mixed
must 0 fetch -q -i mixed --jsonl - -c 8 --per-host 4
python3 - <<'PY' || fail "the slow host holds up the fast one"
import json
urls = [json.loads(line)["url"] for line in open("out")]
assert len(urls) == 220, len(urls)
first_slow = min(i for i, u in enumerate(urls) if "/slow/" in u)
assert first_slow >= 150, f"only {first_slow} of 200 fast ones came before the first slow one"
PY

# ---- no more at once than allowed ----
timed must 0 fetch -q "$slow/slow/100?[1-20]" --jsonl /dev/null -c 100 --per-host 5
test "$took" -ge 390 || fail "--per-host 5: 20 answers of 100 ms in $took ms"
timed must 0 fetch -q "$slow/slow/100?[1-20]" --jsonl /dev/null -c 5 --per-host 0
test "$took" -ge 390 || fail "-c 5: 20 answers of 100 ms in $took ms"
timed must 0 fetch -q "$slow/slow/200?[1-50]" --jsonl /dev/null -c 50 --no-adaptive
test "$took" -lt 2500 || fail "50 at once: $took ms for 50 answers of 200 ms"

# ---- --rate ----
timed must 0 fetch -q "$fast/bytes/[1-40]" --jsonl /dev/null --rate 50/s
test "$took" -ge 740 || fail "--rate 50/s: 40 requests in $took ms"
test "$took" -lt 4000 || fail "--rate 50/s: 40 requests took $took ms"
timed must 0 fetch -q "$fast/bytes/[1-600]" --jsonl /dev/null --rate 1000
test "$took" -ge 550 || fail "--rate 1000: 600 requests in $took ms"

# ---- retries that wait do not take the places of others ----
timed must 0 fetch -q "$slow/flaky/[1-60]/1/503" "$fast/bytes/[1-500]" --jsonl - -c 4 --per-host 4 --backoff 1500ms
python3 - <<'PY' || fail "waiting retries hold up others"
import json
r = [json.loads(line) for line in open("out")]
assert len(r) == 560 and sum(x["attempts"] for x in r) == 620, len(r)
PY

# ---- flat: however many URLs, memory is the same ----
cat >rss.py <<'PY'
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
PY
count=20000
python3 rss.py "$bide" fetch -q "$fast/bytes/1?[1-100]" --jsonl few.jsonl >few.rss
python3 rss.py "$bide" fetch -q "$fast/bytes/1?[1-$count]" --jsonl many.jsonl >many.rss
seq $count | sed "s|^|$fast/bytes/1?|" | python3 rss.py "$bide" fetch -q -i - --jsonl stdin.jsonl >stdin.rss
test "$(wc -l <many.jsonl)" = $count || fail "records: $(wc -l <many.jsonl)"
test "$(wc -l <stdin.jsonl)" = $count || fail "records: $(wc -l <stdin.jsonl)"
test "$(python3 -c 'import json; print(len({json.loads(line)["i"] for line in open("stdin.jsonl")}))')" = $count ||
    fail "not every URL once"
more=6000
case $(nm -D "$bide" 2>/dev/null) in *asan*) more=200000 ;; esac
for f in many stdin; do
    test "$(cat $f.rss)" -lt $(($(cat few.rss) + more)) || fail "$f: $(cat $f.rss) KiB, with 100 URLs $(cat few.rss) KiB"
done

# A plan of very many URLs takes no time and no memory.
timed must 0 fetch -n "$fast/[1-1000000000000]" -o 'x/{1}'
grep -q '^1000000000000 urls$' out || fail "$(cat out)"
test "$took" -lt 2000 || fail "planning takes $took ms"
timed must 0 fetch -n "$fast/[1-100000000]?[1-2]" -O x
test "$took" -lt 2000 || fail "planning takes $took ms"
must 2 fetch -n "$fast/[1-100000000]?[1-20]" -o 'x/{1}{2}'
said "does not keep apart"

# ---- list of many hosts: what is not needed any more is given back ----
port=${fast##*:}
seq 3000 | sed "s|.*|http://h&.example/bytes/1|" >hosts
must 0 fetch -q -i hosts --jsonl hosts.jsonl --connect-to "::127.0.0.1:$port"
test "$(grep -c '"ok":true' hosts.jsonl)" = 3000 || fail "many hosts"
echo ok

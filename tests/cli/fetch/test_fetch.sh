#!/bin/sh
# SPDX-License-Identifier: MIT
# test_fetch.sh - `bide fetch`: many URLs into files.
set -eu
. "${BIDE_SOURCE:?}/tests/cli/lib.sh"

start "$bide" serve --port 0
base=$url
requests()
{
    curl -sS "$base/stats" | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])'
}

# ---- globs and templates ----
must 0 fetch -q "$base/x/player/pagelist?aid=[27960015-27960019]" -o 'test/{1}.json'
test "$(count_files test)" = 5 || fail "five files"
python3 -c 'import json; [json.load(open(f"test/{i}.json"))["data"] for i in range(27960015, 27960020)]' || fail "JSON"
no_rest test

must 0 fetch -q "$base/bytes/[08-10]" "$base/{json,echo}" -o 'deep/{i:03}/{name}'
test "$(find deep -type f | sort | tr '\n' ' ')" = "deep/000/08 deep/001/09 deep/002/10 deep/003/json deep/004/echo " ||
    fail "names: $(find deep -type f)"
test "$(wc -c <deep/001/09)" = 9 || fail "size"

must 0 fetch -q "$base/bytes/[<size>5-1:2]" -o 'named/{size}-{n}.bin'
test "$(names_in named)" = "1-3.bin 3-2.bin 5-1.bin " || fail "names: $(ls named)"
must 0 fetch -q -g "$base/echo?a[]={1}" -o literal.json
grep -q 'a\[\]={1}' literal.json || fail "--no-glob: $(cat literal.json)"
must 0 fetch -q "$base/echo?a\\[\\]=1" -o literal.json

# ---- standard output ----
must 0 fetch -q "$base/bytes/7"
test "$(wc -c <out)" = 7 || fail "one body goes to standard output"
must 0 fetch -q "$base/bytes/300000" -o -
test "$(wc -c <out)" = 300000 || fail "a long body to standard output"
must 2 fetch -O '' "$base/bytes/5"
said "an empty name"
must 2 fetch "$base/bytes/[1-3]"
said_only "say where they go"
must 2 fetch "$base/bytes/1" -o - --jsonl -
must 2 fetch "$base/bytes/1" -o a -O b

# ---- dry run ----
before=$(requests)
must 0 fetch -n "$base/bytes/[1-1000]" -o 'dry/{1}.bin'
grep -q '^1000 urls$' out || fail "count"
grep -q '1000  ->  dry/1000.bin$' out || fail "last"
test ! -e dry || fail "a dry run made a directory"

# ---- clashes: found before the first request ----
must 2 fetch "$base/bytes/[1-27]" -o 'test/x.json'
said_only "27 URLs would be saved as test/x.json; add {1} or {i}"
must 2 fetch "$base/bytes/[1-27]/{a,b}" -o 'clash/{1}.json'
said "would both be saved as clash/1.json"
must 2 fetch "$base/bytes/[1-200]?[1-200]" -o 'clash/{1}{2}'
printf '%s\n' "$base/json?1" "$base/gzip" "$base/json?2" >list
must 2 fetch -i list -o 'clash/{name}'
said "list:3: $base/json?1 and $base/json?2 would both be saved as clash/json; add {i}"
must 2 fetch -i list -o 'clash'
must 2 fetch "$base/json?{a,a/b}" -o 'clash/{1}'
said_only "clash/a cannot be a file and a directory"
must 2 fetch "$base/json?{a/b,c,a}" -o 'clash/{1}'
said_only "clash/a cannot be a file and a directory"
must 2 fetch "$base/json?{a,}" -o 'clash/{1}'
said_only "a file name is missing"
must 2 fetch "$base/json?{a,b,..,c}" -o 'clash/{i}/{1}'
said_only "leads out of its directory"
test ! -e clash || fail "a clash made a directory"
test "$(requests)" = "$((before + 1))" || fail "a request was made before a clash was found"
must 0 fetch -q "$base/bytes/[1-20]?[1-20]" -o 'noclash/{1}-{2}' -c 64 --per-host 0
test "$(count_files noclash)" = 400 || fail "400 files"

# Standard input cannot be known before: the later of two fails, and replaces nothing.
code=0
"$bide" fetch -q -i - -o 'stdin/{name}' <list >out 2>err || code=$?
test "$code" = 1 || fail "a clash in a stream: exit $code"
said "standard input:3: $base/json?2: stdin/json: an earlier URL has this file name"
test "$(count_files stdin)" = 2 || fail "two files"

# ---- lists ----
{
    printf '# a comment\n\n  %s/bytes/1  \r\n' "$base"
    printf '%s/bytes/\0002\n' "$base"
    head -c 70000 /dev/zero | tr '\0' x
    printf '\nno-url-at-all\n%s/bytes/3' "$base"
} >list
must 1 fetch -i list -o 'lines/{i}' --jsonl lines.jsonl --retries 0
said "list:4: the line has a NUL byte"
said "list:5: the line is longer than 65535 bytes"
said "no-url-at-all"
test "$(names_in lines)" = "0 4 " || fail "lines: $(ls lines)"
test "$(wc -l <lines.jsonl)" = 5 || fail "five records"
python3 - <<'PY' || fail "records"
import json
r = [json.loads(line) for line in open("lines.jsonl")]
r.sort(key=lambda x: x["i"])
assert [x["ok"] for x in r] == [True, False, False, False, True], r
assert r[1]["line"] == 4 and r[1]["error"] == "url", r[1]
assert r[0]["file"] == "lines/0" and r[0]["bytes"] == 1 and r[0]["status"] == 200 and r[0]["attempts"] == 1, r[0]
PY
must 2 fetch -i no-such-file -O x
said_only "no-such-file"
must 2 fetch -i list -o '{1}'
said_only "a list of URLs has none"

# A pipe that gives its lines late: what has come is fetched at once.
mkfifo slow
"$bide" fetch -q -i - -o 'late/{i}' <slow &
late=$!
exec 9>slow
echo "$base/bytes/1" >&9
for _ in $(seq 200); do test ! -s late/0 || break; sleep 0.05; done
test -s late/0 || fail "the first line of a pipe waits for the second"
echo "$base/bytes/2" >&9
exec 9>&-
wait $late || fail "a slow pipe"
test -s late/1 || fail "the second line"

# ---- names that bide makes ----
host=127.0.0.1+${base##*:}
must 0 fetch -q "$base/json" "$base/bytes/9?a=b&c=/d" "$base/" "$base/x/player/pagelist?aid=7" -O made
test -s "made/$host/json@.json" || fail "$(find made)"
test -s "made/$host/bytes/9@a=b&c=%2Fd.bin" || fail "$(find made)"
test -s "made/$host/index.html" || fail "$(find made)"
test -s "made/$host/x/player/pagelist@aid=7.json" || fail "$(find made)"

# ---- nothing leads out ----
must 2 fetch "$base/bytes/1" -o 'o/{name}/../../x'
must 2 fetch -q "$base/bytes/[1-1]?{ok,..}" -o 'inside/{2}/f'
said_only "leads out"
test ! -e inside || fail "it was found too late"
mkdir outside
mkdir linked
ln -s ../outside linked/a
must 3 fetch -q "$base/bytes/[1-1]?{a,b}" -o 'linked/{2}/f'
said "leads out of linked/"
test ! -e outside/f || fail "a link led out"
test -s linked/b/f || fail "the good one: $(find .)"

# A link that has the name of a file is replaced, whatever the size; what it points to stays as it is.
mkdir aim last
echo keep >aim/f
for i in 0 1 2; do ln -s ../aim/f last/$i; done
ln -s ../aim/none last/3
must 0 fetch -q "$base/bytes/{3,200000}" "$base/stream/2" "$base/bytes/4" -o 'last/{i}'
{ test "$(cat aim/f)" = keep && test ! -e aim/none; } || fail "a link was followed"
{ test "$(wc -c <last/0)" = 3 && test "$(wc -c <last/1)" = 200000 && test "$(wc -c <last/3)" = 4; } || fail "last"
test -z "$(find last -type l)" || fail "a link is left: $(find last -type l)"
no_rest last
"$bide" fetch -q "$base/bytes/5" -o /dev/stdout >copied || fail "-o /dev/stdout"
{ test "$(wc -c <copied)" = 5 && test -L /dev/stdout; } || fail "-o /dev/stdout"

# Descriptors, pipes and devices by name: written to where they are, never replaced, and what is there already stays.
for name in /dev/stdout /dev/fd/1 /proc/self/fd/1 -; do
    { echo before; "$bide" fetch -q "$base/bytes/5" -o "$name"; echo after; } >copied 2>err || fail "-o $name"
    test "$(wc -c <copied)" = 18 || fail "-o $name: $(cat copied)"
    { tail -n 1 copied | grep -q 'after$' && grep -q before copied; } || fail "-o $name: $(cat copied)"
    test "$("$bide" fetch -q "$base/bytes/5" -o "$name" | wc -c)" = 5 || fail "-o $name into a pipe"
    { echo before; "$bide" fetch -q "$base/json?[1-3]" --jsonl "$name"; echo after; } >copied 2>err || fail "--jsonl $name"
    test "$(wc -l <copied)" = 5 || fail "--jsonl $name: $(cat copied)"
    must 2 fetch -q "$base/bytes/5" -o "$name" --jsonl -
done
for name in /dev/fd/3 /proc/self/fd/3; do
    echo before >copied
    "$bide" fetch -q "$base/bytes/200000" -o "$name" 3>>copied || fail "-o $name"
    test "$(wc -c <copied)" = 200007 || fail "-o $name"
done
"$bide" fetch -q "$base/bytes/5" -o /dev/stderr 2>copied || fail "-o /dev/stderr"
test "$(wc -c <copied)" = 5 || fail "-o /dev/stderr"
mkfifo pipe
cat pipe >copied &
"$bide" fetch -q "$base/bytes/200000" -o pipe || fail "-o pipe"
wait $!
{ test "$(wc -c <copied)" = 200000 && test -p pipe; } || fail "-o pipe"
ln -s /dev/null null
must 0 fetch -q "$base/bytes/5" -o null
{ test -L null && test ! -s null; } || fail "a link to a device"

# ---- records ----
must 1 fetch -q "$base/bytes/[1-3]" "$base/status/404" --jsonl - --retries 0
python3 - <<'PY' || fail "records"
import json
r = sorted((json.loads(line) for line in open("out")), key=lambda x: x["i"])
assert len(r) == 4, r
assert r[3]["status"] == 404 and r[3]["error"] == "http_4xx" and "404" in r[3]["error_msg"] and not r[3]["ok"], r[3]
assert all(x["ok"] and x["error"] is None and x["file"] is None and x["time"] > 0 for x in r[:3]), r
assert [x["vars"] for x in r[:3]] == [{"1": "1"}, {"1": "2"}, {"1": "3"}] and "vars" not in r[3], r
assert sum(x["reused"] for x in r) in range(4) and type(r[0]["reused"]) is bool, r
assert all(x["method"] == "GET" and "final_url" not in x for x in r), r
for x in r:
    t = x["t"]
    assert list(t) == ["queue", "dns", "connect", "tls", "ttfb", "body", "total"], t
    assert x["proto"] == "http/1.1" and x["ip"] == "127.0.0.1" and x["mime"], x
    assert t["tls"] is None and 0 < t["ttfb"] <= t["total"] <= x["time"], x
PY
must 0 fetch -q "$base/redirect/2" --jsonl -
python3 -c 'import json; r = json.load(open("out")); assert r["redirects"] == 2 and r["final_url"].endswith("/json") or exit(r)' ||
    fail "final_url"
must 0 fetch -q "$base/bytes/[1-3]" --jsonl - -c 1
python3 -c 'import sys, json; r = [json.loads(x) for x in open("out")]; [x["reused"] for x in r] == [False, True, True] or exit(r)' ||
    fail "reused"
must 1 fetch -q "$base/status/404" "$base/bytes/1" --jsonl - --retries 0
test "$(wc -l <err)" = 1 || fail "one line for one failure"

# ---- what is said ----
must 0 fetch "$base/bytes/[1-3]" -o 'say/{1}'
grep -Eq '^3 urls  3 ok  0 failed  6 B in [0-9.]+ s     say/\{1\} \(3 files\)$' err || fail "what is said of 3 URLs"
test "$(wc -l <err)" = 1 || fail "more than a line for 3 URLs"
must 0 fetch -v "$base/bytes/[1-3]" -o 'say/{1}' --progress none
said "200 $base/bytes/2 -> say/2, 2 B in "
must 0 fetch -q "$base/bytes/[1-3]" -o 'say/{1}'
test ! -s err || fail "-q says something"
must 1 fetch "$base/{json,status/404}" -o 'say/{i}'
said "(http_404 1)"

# Passwords are not shown.
secret=http://me:secret@${base#http://}
run fetch -v "$secret/{json,status/404}" -o 'say/{i}' --jsonl say.jsonl
run fetch -n "$secret/{json,status/404}" -o 'say/{i}'
cp out plan
must 2 fetch "$secret/[1-2]" -o 'say/x'
must 2 fetch "$secret/[1-2]/[1-2]" -o 'say/{1}'
! grep -q secret err out plan say.jsonl || fail "a password was shown"

must 2 fetch "${secret#http://}" -o say/x
! grep -q secret err || fail "a password was shown"

# ---- wrong usage ----
echo "$base/json" >list
code=0
"$bide" fetch -i - -d @- -o '{i}' <list >out 2>err || code=$?
test "$code" = 2 || fail "a list and a body in standard input: exit $code"
said_only "standard input can be read once"
must 2 fetch "$base/json" -o x -d @- -H @-
said_only "standard input can be read once"
must 2 get "$base/json" -d @- -H @-
must 2 fetch "$base/[1-99999999999999999999]" -o '{i}'
said_only "too large"
must 2 fetch "$base/[1-9:99999999999999999999]" -o '{i}'
said_only "too large"
must 2 fetch "$base/[1-2]" -o 'a/{1'
said_only "column 3: the } of this brace is missing"
must 2 fetch "$base/bytes/[1-1]?{./a,b}" -o 'inside/{2}'
said_only "'.' is the directory itself"
echo file >isfile
must 3 fetch "$base/bytes/1" -o isfile/b
said_only "isfile is a file, not a directory"
must 3 fetch "$base/bytes/1" -O isfile
said_only "isfile is a file, not a directory"
mkdir within
echo file >within/f
must 3 fetch -q "$base/bytes/1?[1-1]" -o 'within/f/{1}/x'
said "within/f is a file, not a directory"
must 2 fetch
said_only "expected a URL"
must 2 fetch --concurency 3 "$base/json"
said_only "did you mean --concurrency?"
must 2 fetch -c 0 "$base/json"
must 2 fetch "$base/[1-" -o x
said_only "column "
must 2 fetch "$base/{" -o x
must 2 fetch "$base/[9-]{a" -o x
must 2 fetch "$base/a]" -o x
must 2 fetch "$base/[1-2]" -o '{2}'
said_only "a URL has only 1 glob"
must 2 fetch "$base/[1-2]" -o '{nonsense}'
must 2 fetch "$base/[1-2]" -o '{'
must 2 fetch "$base/[1-2]" -o 'dir/{1}/'
said_only "-O takes a directory"
must 2 fetch example.com -o x
said_only "did you mean http://example.com?"
must 2 fetch ftp://example.com/ -o x

# ---- methods and bodies ----
must 0 fetch -q -X PUT -d hello -H 'X-A: b' "$base/echo" -o echo.json
grep -q hello echo.json || fail "$(cat echo.json)"
must 0 fetch -q -X HEAD "$base/bytes/200000" -o head.bin
test "$(stat -c %s head.bin)" = 0 || fail "a HEAD has no body"

# ---- sizes: short, long, of unknown length ----
must 0 fetch -q "$base/bytes/{0,1,131072,131073,5000000}" "$base/stream/{1,20000}" -o 'sizes/{i}'
for n in "0 0" "1 1" "2 131072" "3 131073" "4 5000000"; do
    test "$(wc -c <"sizes/${n% *}")" = "${n#* }" || fail "size of $n"
done
test "$(wc -l <sizes/6)" = 20000 || fail "a long chunked body"
curl -sS "$base/bytes/5000000" | cmp - sizes/4 || fail "a long body has changed"
must 1 fetch -q "$base/bytes/{10,2000}" "$base/stream/100000" --max-size 1000 -o 'max/{i}'
test "$(names_in max)" = "0 " || fail "--max-size: $(ls max)"
test "$(grep -c 'larger than --max-size' err)" = 2 || fail "--max-size"
no_rest .

# ---- what is there already ----
echo old >there
must 0 fetch -q "$base/bytes/3" -o there
test "$(wc -c <there)" = 3 || fail "a file is replaced"
must 0 fetch -q "$base/bytes/[1-1]" -o /dev/null
test -c /dev/null || fail "/dev/null was replaced"
mkdir there.d
must 3 fetch -q "$base/bytes/[1-1]" -o there.d
said "there.d"
echo ok

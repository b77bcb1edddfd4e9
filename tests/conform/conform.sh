#!/bin/sh
# SPDX-License-Identifier: MIT
# conform.sh BIDE BIDE_CONFORM [SUITE...] - run the public suites of ../shared/conformance and count passes per level.
#
# Suites: url idna cookie jar psl date retry-after json mime disposition http1 coding desync tls digest netrc proxy.  A required case that fails and is not in tests/conform/exceptions.txt makes the exit
# status 1, and so does an exception that passes: the list stays true.  Of idna, names that must be refused and are not
# fail, or are taken for another; that more are refused (docs/conformance.md) is counted.  Without the folder there is
# nothing to run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cases=${CONF:-$here/../../../shared/conformance}

if [ $# -lt 2 ]; then
    echo "usage: conform.sh BIDE BIDE_CONFORM [url|idna|cookie|jar|psl|date|retry-after|json|mime|disposition|http1|coding|desync|tls|digest|netrc|proxy ...]" >&2
    exit 2
fi
bide=$1
adapter=$2
shift 2
[ $# -gt 0 ] || set -- url idna cookie jar psl date retry-after json mime disposition http1 coding desync tls digest netrc proxy

if [ ! -d "$cases" ]; then
    echo "conform: skipped, there is no $cases"
    exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# The cases of the schemes we have, and the others: a case is ours if its answer is, or if it has none.
split_url_cases() {
    python3 - "$cases/url-whatwg/parse.jsonl" "$tmp/url-web.jsonl" "$tmp/url-other.jsonl" <<'PY'
import json, sys
web, other = open(sys.argv[2], "w"), open(sys.argv[3], "w")
for line in open(sys.argv[1]):
    protocol = (json.loads(line).get("expect") or {}).get("protocol")
    (web if protocol in (None, "http:", "https:", "ws:", "wss:") else other).write(line)
PY
}

# Names alone: how many are as they should be, how many are refused beyond that, and those that are wrong.
judge_idna() {
    python3 - "$cases" "$adapter" <<'PY'
import json, subprocess, sys
wrong = 0
for name in "toascii", "IdnaTestV2":
    lines = open(f"{sys.argv[1]}/idna/{name}.jsonl").read().splitlines()
    answers = subprocess.run([sys.argv[2], "idna"], input="\n".join(lines) + "\n", capture_output=True, text=True).stdout.splitlines()
    assert len(answers) == len(lines)
    right = refused = 0
    for line, answer in zip(lines, answers):
        case, got = json.loads(line), json.loads(answer).get("expect")
        right += got == case["expect"]
        refused += got is None and case["expect"] is not None
        if got is not None and got != case["expect"]:
            print(f"  WRONG: {case['id']} is {got!r}, not {case['expect']!r}")
            wrong += 1
    print(f"  {name}: {right} of {len(lines)}, {refused} more are refused")
sys.exit(wrong > 0)
PY
}

# The answers that a script of a jar wants, as one list; and the dates of which it only matters that they are some.
prepare_cookies() {
    python3 - "$cases" "$tmp" <<'PY'
import json, sys
cases, tmp = sys.argv[1:]
with open(f"{tmp}/scripts.jsonl", "w") as out:
    for line in open(f"{cases}/cookies-jar/jar-scripts.jsonl"):
        case = json.loads(line)
        case["got"] = [step.get("want", step.get("want_sorted")) for step in case["steps"] if step["op"] != "set"]
        out.write(json.dumps(case) + "\n")
exact, any_date = open(f"{tmp}/date-exact.jsonl", "w"), open(f"{tmp}/date-any.jsonl", "w")
for name in "cookie-date-rfc6265", "http-date":
    for line in open(f"{cases}/dates/{name}.jsonl"):
        (any_date if "expect_valid" in json.loads(line) else exact).write(line)
PY
}

# Those that the suite's own client takes: of the others any sane answer will do, and no crash.
prepare_disposition() {
    python3 - "$cases/content-disposition/parse.jsonl" "$tmp/disposition-good.jsonl" "$tmp/disposition-odd.jsonl" <<'PY'
import json, sys
good, odd = open(sys.argv[2], "w"), open(sys.argv[3], "w")
for line in open(sys.argv[1]):
    (odd if json.loads(line)["upstream_warns"] else good).write(line)
PY
}

# Where there is one answer; of the others any will do, as long as there is one.
split_strict() { # FILE WANT VERB
    python3 - "$@" "$tmp/strict.jsonl" "$tmp/loose.jsonl" <<'PY'
import json, sys
strict, loose = open(sys.argv[4], "w"), open(sys.argv[5], "w")
for line in open(sys.argv[1]):
    want = json.loads(line)[sys.argv[2]]
    (loose if isinstance(want, str) and want not in ("accept", "reject") else strict).write(line)
PY
    answered=$("$adapter" "$3" <"$tmp/loose.jsonl" | wc -l)
    echo "$3: either way: $answered of $(wc -l <"$tmp/loose.jsonl")"
    [ "$answered" -eq "$(wc -l <"$tmp/loose.jsonl")" ] || failed=1
}

# Some date is all that these want.
judge_any_date() {
    missed=$("$adapter" date <"$tmp/date-any.jsonl" | grep -c '"expect_unix":null')
    echo "  some date: $(($(wc -l <"$tmp/date-any.jsonl") - missed)) of $(wc -l <"$tmp/date-any.jsonl")"
    [ "$missed" -eq 0 ] || failed=1
}

# lines FILE KEYS WANT VERB: a suite of lines, judged under the folder's name.
lines() {
    name=$(basename "$1" .jsonl)
    run_suite jsonl "$1" "$2" "$3" "$adapter $4" >"$tmp/$name-$3" 2>&1
    judge "$4, $name, $3" "${5:-$(basename "$(dirname "$1")")/$name}/" "$tmp/$name-$3"
}

# run.py prints "FAIL level id ...", then a count for each level.
run_suite() {
    python3 "$cases/run.py" "$@"
}

# The failed ids against the exceptions with the suite's prefix; prints what is new.
judge() {
    name=$1 prefix=$2 out=$3
    echo "$name:"
    grep -E '^[a-z]+: [0-9]+ of [0-9]+$' "$out" | sed 's/^/  /'
    if ! grep -qE '^[a-z]+: [0-9]+ of [0-9]+$' "$out"; then
        echo "  the suite did not run:"
        sed 's/^/    /' "$out"
        failed=1
    fi
    sed -n 's/^FAIL required \([^ ]*\) .*/\1/p' "$out" | sort -u >"$tmp/failed"
    sed -n 's/^FAIL [a-z]* \([^ ]*\) .*/\1/p' "$out" | sort -u >"$tmp/failed-any"
    grep "^$prefix" "$here/exceptions.txt" | cut -d' ' -f1 | sort -u >"$tmp/excepted"
    comm -23 "$tmp/failed" "$tmp/excepted" >"$tmp/new"
    comm -13 "$tmp/failed-any" "$tmp/excepted" >"$tmp/gone"
    echo "  exceptions: $(comm -12 "$tmp/failed-any" "$tmp/excepted" | wc -l) (docs/conformance.md)"
    while read -r id; do
        echo "  NOT EXPECTED: $(grep -F "$id" "$out" | head -n 1)"
        failed=1
    done <"$tmp/new"
    while read -r id; do
        echo "  PASSES, BUT IS LISTED AS AN EXCEPTION: $id"
        failed=1
    done <"$tmp/gone"
    if grep '^CRASH' "$out"; then
        failed=1
    fi
}

for suite in "$@"; do
    case $suite in
    url)
        split_url_cases
        run_suite jsonl "$tmp/url-web.jsonl" input,base expect "$adapter url" >"$tmp/url" 2>&1
        judge "url, schemes http https ws wss" url-whatwg/ "$tmp/url"
        echo "  (other schemes, all refused: $(wc -l <"$tmp/url-other.jsonl") cases)"
        ;;
    idna)
        echo "idna:"
        judge_idna || failed=1
        ;;
    cookie)
        for name in parser wpt-6265bis; do
            lines "$cases/cookies-http-state/$name.jsonl" request_url,set_cookie,next_url expect_cookie_header cookie
        done
        ;;
    jar)
        prepare_cookies
        lines "$tmp/scripts.jsonl" now,psl,steps got jar cookies-jar/jar-scripts
        lines "$cases/cookies-jar/domain-match.jsonl" host,cookie_domain match domain-match
        for want in accept want_domain host_only; do
            lines "$cases/cookies-jar/domain-attribute.jsonl" host,domain_attr,psl "$want" domain-attribute
        done
        lines "$cases/cookies-jar/path-match.jsonl" request_path,cookie_path match path-match
        lines "$cases/cookies-jar/default-path.jsonl" path want default-path
        ;;
    psl)
        lines "$cases/psl/checkPublicSuffix.jsonl" input registrable psl
        ;;
    date)
        prepare_cookies
        lines "$tmp/date-exact.jsonl" input expect_unix date dates
        judge_any_date
        ;;
    retry-after)
        split_strict "$cases/dates/retry-after.jsonl" want_seconds retry-after
        lines "$tmp/strict.jsonl" input,now want_seconds retry-after dates/retry-after
        ;;
    json)
        split_strict "$cases/json/parsing.jsonl" expect json
        lines "$tmp/strict.jsonl" input_b64 expect json json/parsing
        ;;
    mime)
        lines "$cases/mime-type/parse.jsonl" input serialized mime
        ;;
    disposition)
        prepare_disposition
        lines "$tmp/disposition-good.jsonl" input type content-disposition content-disposition
        lines "$tmp/disposition-good.jsonl" input params content-disposition content-disposition
        answered=$("$adapter" content-disposition <"$tmp/disposition-odd.jsonl" | wc -l)
        echo "  odd ones answered: $answered of $(wc -l <"$tmp/disposition-odd.jsonl")"
        [ "$answered" -eq "$(wc -l <"$tmp/disposition-odd.jsonl")" ] || failed=1
        ;;
    http1)
        run_suite http1 "$bide get {url}" >"$tmp/http1" 2>&1
        judge "http1" http1-response/ "$tmp/http1"
        ;;
    coding)
        run_suite coding "$bide get {url}" >"$tmp/coding" 2>&1
        judge "coding" content-encoding/ "$tmp/coding"
        ;;
    desync)
        # One after the other: the second may use the first's connection.
        run_suite desync "$bide get -c 1 {url1} {url2}" >"$tmp/desync" 2>&1
        judge "desync" http1-desync/ "$tmp/desync"
        ;;
    tls)
        run_suite tls "$bide get --cacert {ca} --connect-to ::{addr} {url}" >"$tmp/tls" 2>&1
        judge "tls" tls-certs/ "$tmp/tls"
        ;;
    digest)
        run_suite jsonl "$cases/auth-digest/vectors.jsonl" www_authenticate,method,uri,user,password,cnonce,nc,body want_response \
            "$adapter digest" >"$tmp/digest" 2>&1
        judge "digest" auth-digest/ "$tmp/digest"
        ;;
    netrc)
        run_suite jsonl "$cases/proxy-env/netrc.jsonl" netrc expect "$adapter netrc" >"$tmp/netrc" 2>&1
        judge "netrc" proxy-env/netrc/ "$tmp/netrc"
        ;;
    proxy)
        # Go's cases say "<nil>" where the others say null.
        sed 's/"want_proxy": "<nil>"/"want_proxy": null/' "$cases/proxy-env/no-proxy.jsonl" >"$tmp/proxy.jsonl"
        run_suite jsonl "$tmp/proxy.jsonl" env,url want_proxy "$adapter proxy" >"$tmp/proxy" 2>&1
        judge "proxy" proxy-env/no-proxy/ "$tmp/proxy"
        ;;
    *)
        echo "conform: no suite named $suite" >&2
        exit 2
        ;;
    esac
done
exit $failed

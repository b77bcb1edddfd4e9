#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh BUILD [SECONDS [NAME...]] - run the libFuzzer targets of tests/fuzz, each for so many seconds (default 60).
#
# Seeds are tests/cases/NAME/ and the public cases beside the project, if they are there; tests/fuzz/*/NAME.dict has
# words of its language.  What makes a target fail is left in BUILD/fuzz/NAME/; add it to tests/cases/NAME/ when it is fixed.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=${2:-60}
[ $# -lt 2 ] || shift
shift
shared=../shared/conformance
failed=0

# Public cases as files, one for each; they are JSON lines with the bytes in base64.  All but url take a byte of options first.
public_seeds() { # FOLDER PREFIX FILE...
    python3 - "$@" <<'PY'
import base64, hashlib, json, os, sys
folder, prefix, *names = sys.argv[1:]
for name in names:
    if not os.path.exists(name):
        continue
    for line in open(name):
        case = json.loads(line)
        coded = case.get("replies_b64") or [case.get("input_b64") or case.get("bytes_b64")]
        texts = [base64.b64decode(text) for text in coded if text] or [str(case.get("input", "")).encode()]
        if "set_cookie" in case:
            texts = ["\n".join(case["set_cookie"]).encode()]
        for text in texts:
            data = prefix.encode() + text
            with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as out:
                out.write(data)
PY
}

collect_seeds() { # NAME FOLDER
    mkdir -p "$2"
    [ ! -d "tests/cases/$1" ] || find "tests/cases/$1" -type f -exec cp -t "$2" {} +
    case $1 in
    h1_response | exchange) public_seeds "$2" "@" $shared/http1-response/*.jsonl $shared/crash-corpora/http1-*.jsonl ;;
    server) public_seeds "$2" "@" $shared/http1-request/*.jsonl $shared/crash-corpora/http1-*.jsonl ;;
    values)
        public_seeds "$2" "A" $shared/dates/http-date.jsonl
        public_seeds "$2" "B" $shared/dates/cookie-date-rfc6265.jsonl
        public_seeds "$2" "C" $shared/dates/retry-after.jsonl
        ;;
    cookie) public_seeds "$2" "C" $shared/cookies-http-state/*.jsonl $shared/cookies-jar/set-cookie-parse.jsonl ;;
    parameters)
        public_seeds "$2" "A" $shared/mime-type/parse.jsonl
        public_seeds "$2" "B" $shared/content-disposition/parse.jsonl
        ;;
    h1_chunked) public_seeds "$2" "@" $shared/crash-corpora/http1-*.jsonl ;;
    url) public_seeds "$2" "" $shared/url-whatwg/parse.jsonl $shared/crash-corpora/urls.jsonl ;;
    esac
}

for program in "$build"/tests/fuzz/fuzz-*; do
    [ -f "$program" ] || continue
    name=${program##*/fuzz-}
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    collect_seeds "$name" "$build/fuzz/$name/seeds"
    mkdir -p "$build/fuzz/$name/corpus"
    log=$build/fuzz/$name/log
    dict=$(find tests/fuzz -name "$name.dict")
    if "$program" ${dict:+-dict="$dict"} -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$build/fuzz/$name/" "$build/fuzz/$name/corpus" "$build/fuzz/$name/seeds" >"$log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs, nothing found"
    else
        echo "$name: FAILED"
        tail -n 60 "$log"
        failed=1
    fi
done
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh BIDE - the crawler: 85 answers of an API that takes 100 ms for each, fetched at once, each saved as a file.
#
# The API is `bide serve`, on a free port of this machine.  Then the same requests in different ways: `bide compare`.
set -eu
cd "$(dirname "$0")/.."
bide=$1
first=27960015 last=27960099 count=85
tmp=$(mktemp -d)
server=

end() {
    if [ -n "$server" ]; then
        # A signal that comes before the shell's child has become bide is lost: so until it has ended.
        while kill "$server" 2>/dev/null; do sleep 0.05; done
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$tmp"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "\$ bide serve --port 0 --delay 100 &"
: >"$tmp/url"
"$bide" serve --port 0 --delay 100 >"$tmp/url" 2>"$tmp/server.log" &
server=$!
tries=0
while [ "$(wc -l <"$tmp/url")" -eq 0 ]; do
    tries=$((tries + 1))
    if [ $tries -gt 200 ] || ! kill -0 "$server" 2>/dev/null; then
        cat "$tmp/server.log" >&2
        echo "demo: the server did not start" >&2
        exit 1
    fi
    sleep 0.05
done
url=$(head -n 1 "$tmp/url")
url=${url%/}
echo "$url"

rm -rf demo/test
pattern="$url/x/player/pagelist?aid=[$first-$last]"
echo "\$ bide fetch '$pattern' -o 'demo/test/{1}.json' -c $count --no-adaptive"
begin=$(date +%s%N)
"$bide" fetch "$pattern" -o 'demo/test/{1}.json' -c $count --no-adaptive
took=$((($(date +%s%N) - begin) / 1000000))

python3 - $first $last <<'PY'
import json, os, sys
first, last = int(sys.argv[1]), int(sys.argv[2])
names = [f"{i}.json" for i in range(first, last + 1)]
for name in names:
    with open(os.path.join("demo/test", name)) as f:
        answer = json.load(f)
    if answer["code"] != 0 or not answer["data"]:
        sys.exit(f"demo: {name}: not an answer of the API: {answer}")
more = set(os.listdir("demo/test")) - set(names)
if more:
    sys.exit(f"demo: files that should not be there: {sorted(more)}")
print(f"demo/test/{names[0]} ... {names[-1]}: {len(names)} files, each valid JSON")
PY
echo "$count answers that take 100 ms each, together in $took ms; one after the other it would be $((count * 100)) ms"

echo
echo "\$ bide compare -n 20 --delay 50 --repeat 3 --budget 500ms"
"$bide" compare -n 20 --delay 50 --repeat 3 --budget 500ms

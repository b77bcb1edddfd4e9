# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# serve.sh - for tests that ask a server: `. "${0%/*}/serve.sh"` makes a folder, $dir, which goes at the end, and starts `bide serve`,
# which ends then, too; $url is where it answers, without a slash at its end.
# shellcheck source=tests/folder.sh
. "${BIDE_SOURCE:?}/tests/folder.sh"

"${BIDE:?}" serve --port 0 >"$dir/url" 2>&1 &
pid=$!
for _ in $(seq 600); do
    url=$(grep -o 'http://[0-9.:]*' "$dir/url" | head -n 1) || true
    test -z "$url" || break
    sleep 0.05
done
test -n "$url" || fail "the server did not say where it is: $(cat "$dir/url")"

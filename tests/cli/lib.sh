# SPDX-License-Identifier: MIT
# lib.sh - for the tests of `bide fetch` as a process: a folder, servers, running a command.  Sourced.
# shellcheck shell=sh
# shellcheck disable=SC2034 # what is set here is used there
bide=${BIDE:?}
here=${BIDE_SOURCE:?}/tests/cli
dir=$(mktemp -d)
pids=

end()
{
    for p in $pids; do
        kill "$p" 2>/dev/null || true
    done
    test -z "$mounted" || umount "$mounted" 2>/dev/null || true
    rm -rf "$dir"
}
mounted=
trap end EXIT
cd "$dir" || exit 1

fail()
{
    echo "FAILED: $*" >&2
    for f in out err; do
        test ! -s "$dir/$f" || { echo "--- $f"; head -n 30 "$dir/$f"; } >&2
    done
    exit 1
}

# Run a server whose first line is its URL; sets url.
start()
{
    : >"$dir/url"
    "$@" >"$dir/url" 2>"$dir/server.log" &
    pids="$pids $!"
    server=$!
    for _ in $(seq 200); do
        url=$(head -n 1 "$dir/url")
        test -z "$url" || { url=${url%/}; return 0; }
        sleep 0.05
    done
    fail "$* does not start: $(cat "$dir/server.log")"
}

# Run bide with these arguments; sets code, and leaves out and err.
run()
{
    code=0
    "$bide" "$@" >"$dir/out" 2>"$dir/err" || code=$?
}

# ... which must end with this code.
must()
{
    want=$1
    shift
    run "$@"
    test "$code" = "$want" || fail "exit $code in place of $want: bide $*"
}

# The last run said this on standard error.
said()
{
    grep -qF -- "$1" "$dir/err" || fail "it did not say: $1"
}

# ... in one line, all in all.
said_only()
{
    said "$1"
    test "$(wc -l <"$dir/err")" = 1 || fail "it said more than: $1"
}

# No temporary file is below this directory.
no_rest()
{
    rest=$(find "$1" -name '.bide*' 2>/dev/null)
    test -z "$rest" || fail "left behind: $rest"
}

count_files()
{
    find "$1" -type f | wc -l
}

# The names of the files in it, each followed by a space.
names_in()
{
    find "$1" -mindepth 1 -printf '%P\n' | LC_ALL=C sort | tr '\n' ' '
}

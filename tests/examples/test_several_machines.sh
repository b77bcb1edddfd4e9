#!/bin/sh
# SPDX-License-Identifier: MIT
# test_several_machines.sh - examples/several_machines.c: three hosts count primes, one of them is killed meanwhile.
set -eu
bide=${BIDE:?} program=${BIDE_BUILD:?}/examples/several_machines
server=$(command -v redis-server || command -v redis-check-rdb) || {
    echo "there is no redis-server, and no redis-check-rdb"
    exit 77
}
dir=$(mktemp -d)
ln -s "$server" "$dir/redis-server" # the two are one program, which looks at the name that it is called by
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=redis://127.0.0.1:$port/0/primes
pids=
end()
{
    for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$dir"
}
trap end EXIT

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

"$dir/redis-server" --port "$port" --bind 127.0.0.1 --save "" --appendonly yes --dir "$dir" >/dev/null &
pids=$!
tries=0
until "$bide" worker "$url" true 2>"$dir/why"; do
    ! grep "6.2 or newer is needed" "$dir/why" || exit 77
    tries=$((tries + 1))
    test $tries -lt 200 || fail "$(cat "$dir/why")"
    sleep 0.05
done

"$bide" worker -w 1 "$url" -- "$program" host &
first=$!
"$bide" worker -w 1 "$url" -- "$program" host &
second=$!
"$bide" worker -w 1 "$url" -- "$program" host &
third=$!
pids="$pids $first $second $third"

got=$("$program" "$url") || fail "exit $?"
test "$got" = "78498 primes below 1000000" || fail "it said: $got"

kill -9 "$first"
got=$("$program" "$url") || fail "exit $?"
test "$got" = "78498 primes below 1000000" || fail "with two hosts it said: $got"

kill -TERM "$second" "$third"
wait "$second" || fail "a host that was asked to stop ended with $?"
wait "$third" || fail "a host that was asked to stop ended with $?"
pids=${pids%% *}
echo ok

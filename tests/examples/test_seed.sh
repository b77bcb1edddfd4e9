#!/bin/sh
# SPDX-License-Identifier: MIT
# test_seed.sh - the programs of examples/seed: they run, and say what they should.  Those that fetch ask a server of
# ours that answers after 20 ms.
set -eu
bide=${BIDE:?} examples=${BIDE_BUILD:?}/examples/seed
# shellcheck source=tests/folder.sh
. "${BIDE_SOURCE:?}/tests/folder.sh"

# Run a program and compare all that it prints with standard input.
expect()
{
    cat >"$dir/expected"
    "$examples/$1" >"$dir/got" 2>&1 || fail "$1: exit $?: $(cat "$dir/got")"
    diff -u "$dir/expected" "$dir/got" || fail "$1"
}

expect event_loop <<'END'
registered, not called
soon
after 10 ms
stop
the loop has ended
END

expect coroutine <<'END'
测试函数还没有运行，仅仅是返回了协程对象
此时协程对象注册到事件循环中
x :  1
此时函数运行完毕
END

expect task_create <<'END'
first done: no
x :  1
first done: yes
result: 2
END

expect task_ensure_future <<'END'
a task stays itself: yes
x :  1
result: 2
END

expect task_list_wait <<'END'
begin 0
begin 1
begin 2
begin 3
begin 4
end 0
end 1
end 2
end 3
end 4
done: 5, sum of the results: 10
END

expect task_callback <<'END'
x :  1
任务结果: 10
END

expect await_three_kinds <<'END'
native coroutine: 7
countdown: 3
countdown: 2
countdown: 1
generator: 1
object: 42
END

# ---- those that fetch ----

"$bide" serve --port 0 --delay 20 >"$dir/url" &
pid=$!
for _ in $(seq 600); do
    test -s "$dir/url" && break
    sleep 0.05
done
url=$(head -n 1 "$dir/url")
test -n "$url" || fail "bide serve did not start"

# Milliseconds of the line "Async Cost time: S.SSS" in the last output.
cost()
{
    sed -n 's/^Async Cost time: \([0-9]*\)\.\([0-9]*\)$/\1\2/p' "$dir/got" | sed 's/^0*\([0-9]\)/\1/'
}

# How many requests, a program, its arguments: each asks and each is answered.
fetch()
{
    n=$1
    shift
    "$@" >"$dir/got" 2>"$dir/err" || fail "$1: exit $?: $(cat "$dir/err")"
    test "$(grep -c '^Waiting for ' "$dir/got")" = "$n" || fail "$1: $(cat "$dir/got")"
    test "$(grep -c "^Get response from $url" "$dir/got")" = "$n" || fail "$1: $(cat "$dir/got")"
}

fetch 10 "$examples/fake_async" "$url" 10
fake=$(cost)
test "$fake" -ge 200 || fail "fake_async took $fake ms"
grep -q ' Status 200$' "$dir/got" || fail "fake_async: no status"

fetch 10 "$examples/true_async" "$url" 10
true=$(cost)
test "$true" -ge 20 || fail "true_async took $true ms"
test "$true" -lt "$fake" || fail "true_async took $true ms, fake_async $fake"
# All of them wait before the first is answered.
test "$(head -n 10 "$dir/got" | grep -c '^Waiting for ')" = 10 || fail "true_async does not wait for all at once"

# The crawler goes twice over ten ids: with awaited writes, then with unawaited ones.
cd "$dir"
fetch 20 "$examples/crawler" "$url" 10
for how in awaited unawaited; do
    grep -q "^Async Cost time: [0-9.]* ($how writes)\$" "$dir/got" || fail "crawler: no cost of $how writes"
done
test "$(find test -type f | wc -l)" = 10 || fail "crawler: $(ls test)"
for i in $(seq 15 24); do
    python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1]))["code"])' "test/279600$i.json" ||
        fail "crawler: test/279600$i.json: $(cat "test/279600$i.json")"
done

# Processes: as many blocking requests at a time as there are workers; then all at once, in each worker's own loop.
export BIDE_WORKERS=2
"$examples/process_pool" "$url" 10 >"$dir/got" 2>"$dir/err" || fail "process_pool: exit $?: $(cat "$dir/err")"
test "$(grep -c '^Waiting for ' "$dir/got")" = 10 || fail "process_pool: $(cat "$dir/got")"
test "$(grep -c "^Get response from $url Result: 200\$" "$dir/got")" = 10 || fail "process_pool: $(cat "$dir/got")"
grep -q '^Cpu count: 2$' "$dir/got" || fail "process_pool: $(cat "$dir/got")"
multi=$(sed -n 's/^Multi Cost time: \([0-9]*\)\.\([0-9]*\)$/\1\2/p' "$dir/got" | sed 's/^0*\([0-9]\)/\1/')
test "$multi" -ge 100 || fail "process_pool took $multi ms for 10 requests of 20 ms by 2 workers"

"$examples/async_process_pool" "$url" 10 >"$dir/got" 2>"$dir/err" || fail "async_process_pool: exit $?: $(cat "$dir/err")"
grep -q '^10 answers, [1-9][0-9]* bytes$' "$dir/got" || fail "async_process_pool: $(cat "$dir/got")"
grep -q '^Cost time: [0-9.]*$' "$dir/got" || fail "async_process_pool: $(cat "$dir/got")"

# An error has a story and an exit status.
kill -INT "$pid"
wait "$pid" || true
pid=
! "$examples/true_async" "$url" 2 >"$dir/got" 2>"$dir/err" || fail "true_async without a server: exit 0"
grep -qi 'refused' "$dir/err" || fail "true_async without a server: $(cat "$dir/err")"
! "$examples/process_pool" "$url" 2 >"$dir/got" 2>"$dir/err" || fail "process_pool without a server: exit 0"
grep -qi 'request1: .*refused' "$dir/err" || fail "process_pool without a server: $(cat "$dir/err")"
echo ok

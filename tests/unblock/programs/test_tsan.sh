#!/bin/sh
# SPDX-License-Identifier: MIT
# test_tsan.sh - a program that is built with ThreadSanitizer, against libraries that are not: linked with libbide-unblock.a its
# tasks wait as ever, and its races are found, no more; with the shared library no call is changed, which is reported.
set -eu
build=${BIDE_BUILD:?} source=${BIDE_SOURCE:?}
# shellcheck source=tests/unblock/programs/begin.sh
. "${0%/*}/begin.sh"

has_no_sanitizer || skip "the library has a sanitizer of its own"
[ -z "${BIDE_TEST_EMULATED:-}" ] || skip "ThreadSanitizer does not run under an emulator"

# Two threads of eight tasks, which hold a mutex while they are suspended, wait for each other with a condition, and begin with a
# pthread_once.  With an argument they count without the mutex: the race is between the threads.
cat >"$dir/count.c" <<'C'
#include <bide/bide.h>
#include <bide/unblock.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { TASKS = 8, TIMES = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int counter, done;
static bool races;

static void begin(void)
{
    usleep(2000);
}

static void count_up(void)
{
    counter++;
    usleep(100);
}

static int count(void)
{
    pthread_once(&once, begin);
    for (int i = 0; i < TIMES; i++) {
        if (races) {
            count_up();
            continue;
        }
        pthread_mutex_lock(&lock);
        count_up();
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_lock(&lock);
    done++;
    pthread_cond_broadcast(&changed);
    while (done < 2 * TASKS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return 0;
}

static int app(void)
{
    bide_awaitable all[TASKS];

    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(count));
    return bide_gather_n(all, TASKS);
}

static void *run(void *unused)
{
    (void)unused;
    return bide_run(bide_coro(app)) < 0 ? &lock : NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argv;
    races = argc > 1;
    if (bide_unblock_check() < 0) {
        printf("%s\n", bide_error_text());
        return 3;
    }
    pthread_create(&thread, NULL, run, NULL);
    run(NULL);
    pthread_join(thread, NULL);
    printf("%d\n", counter);
    return 0;
}
C

# check COMPILER: gcc's sanitizer is a shared library, clang's is part of the program.
check()
{
    $1 -fsanitize=thread -g -I"$source/include" -c -o "$dir/count.o" "$dir/count.c"
    $1 -fsanitize=thread -o "$dir/static" "$dir/count.o" -L"$build/src" -Wl,--whole-archive "$build/src/unblock/libbide-unblock.a" \
        -Wl,--no-whole-archive -lbide -Wl,-rpath,"$build/src"
    out=$(timeout 100 "$dir/static" 2>&1) || fail "$1: exit $?: $out"
    [ "$out" = 160 ] || fail "$1: $out"
    code=0
    out=$(timeout 100 "$dir/static" races 2>&1) || code=$?
    [ $code = 66 ] || fail "$1: a race: exit $code: $out"
    echo "$out" | grep -q 'data race .*count\.c.* in count_up' || fail "$1: a race: $out"

    $1 -fsanitize=thread -o "$dir/shared" "$dir/count.o" -L"$build/src" -L"$build/src/unblock" -lbide -Wl,--push-state,--no-as-needed \
        -lbide-unblock -Wl,--pop-state -Wl,-rpath,"$build/src:$build/src/unblock"
    code=0
    out=$("$dir/shared" 2>&1) || code=$?
    [ $code = 3 ] || fail "$1: the shared library: exit $code: $out"
    echo "$out" | grep -q '^bide-unblock: ThreadSanitizer comes before libbide-unblock.so: no call is changed' || fail "$1: $out"
    echo "$out" | grep -q 'link the program with libbide-unblock.a' || fail "$1: $out"
}

some=false
for cc in gcc clang; do
    echo 'int main(void) { return 0; }' >"$dir/none.c"
    if ! { $cc -fsanitize=thread -o "$dir/none" "$dir/none.c" && "$dir/none"; } >/dev/null 2>&1; then
        echo "$cc: no ThreadSanitizer"
        continue
    fi
    some=true
    check $cc
done
$some || skip "there is no ThreadSanitizer"

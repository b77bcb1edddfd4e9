#!/bin/bash
# SPDX-License-Identifier: MIT
# misuse.sh ROOT COMPILER... - what the compiler says of a mistake, and that it is silent where there is none.
# Each case is a program of one function body; it names the words that must be in the compiler's output.
set -u
root=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

compile() { # compile BODY OPTION...: output in $tmp/out
    cat >"$tmp/case.c" <<END
#include <bide/bide.h>
#include <stdlib.h>
static int f(int64_t a) { return (int)a; }
static int text(const char *t) { return t[0]; }
static double real(void) { return 1; }
static int seven(int a, int b, int c, int d, int e, int g, int h) { return a + b + c + d + e + g + h; }
struct url { int n; };
BIDE_QUEUE_TYPE(urls, struct url);
int queues(urls *u, long *wrong, const struct url *url);
int queues(urls *u, long *wrong, const struct url *url) { (void)wrong; (void)url; return (int)bide_queue_len(u); }
struct q { int len; char *item; };
static int get(struct q *q, char **out)
{
    while (!q->len)
        BIDE_TRY(bide_sleep_ms(1));
    if (q->len < 0)
        return bide_fail(-EINVAL, "%d items", q->len);
    *out = q->item;
    return 0;
}
int app(struct q *q, bide_session *s, bide_future *x);
int app(struct q *q, bide_session *s, bide_future *x)
{
    (void)q, (void)s, (void)x;
    $1
    return 0;
}
END
    shift
    "${cc[@]}" -std=gnu11 -Wall -Wextra -Wno-unused-function -I"$root/include" -c "$@" -o "$tmp/case.o" "$tmp/case.c" >"$tmp/out" 2>&1
}
report() { # report STATUS WHAT
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
        sed 's/^/#   /' "$tmp/out"
    fi
}
# warns WORDS BODY: it compiles, with a warning that has the words
warns() {
    compile "$2" -O1 && grep -q "warning: .*$1" "$tmp/out"
    report $? "warning: $2"
}
# refuses WORDS BODY
refuses() {
    ! compile "$2" && grep -q "error: .*$1" "$tmp/out"
    report $? "error: $2"
}
# silent BODY: no warning at any level of optimisation
silent() {
    local status=0
    for level in -O0 -Og -O1 -O2 -O3 -Os; do
        compile "$1" "$level" -Wpedantic -Wshadow -Werror || status=1
    done
    report $status "silent: $1"
}

cc=("$@")
warns "ignoring return value" 'bide_sleep_ms(1);'
warns "ignoring return value" 'bide_coro(f, 1);'
warns "ignoring return value" 'bide_await(bide_coro(f, 1));'
warns "ignoring return value" 'bide_create_task(bide_coro(f, 1));'
warns "ignoring return value" 'bide_get(s, "http://x/");'
warns "ignoring return value" 'bide_gather(x, x);'
warns "ignoring return value" 'bide_future_new();'
warns "" 'bide_auto bide_session *t = bide_session_new(8); (void)t;'
warns "" 'bide_auto bide_pool *p = bide_pool_new(8); (void)p;'
warns "" 'bide_auto bide_tls *t = bide_tls_new(8); (void)t;'
warns "" 'bide_auto bide_response *r = bide_get(s, "http://x/", 5000); (void)r;'
warns "" 'bide_auto bide_task *t = bide_create_task(bide_coro(f, 1), "name"); (void)t;'
refuses "more than 32 awaitables" 'return bide_gather(x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x);'
refuses "more than 32 awaitables" 'return bide_select(NULL, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x);'
refuses "more than 32 awaitables" 'int codes[33]; return bide_gather_all(codes, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x);'
refuses "more than six arguments" 'return bide_await(bide_coro(seven, 1, 2, 3, 4, 5, 6, 7));'
refuses "more than six arguments" 'return bide_await(bide_coro(seven, 1, 2, 3, 4, 5, 6, 7, 8, 9));'
refuses "floating point by pointer" 'return bide_await(bide_coro(f, 1.5));'
refuses "" 'return bide_await(bide_coro(text, 3));'
refuses "" 'return bide_await(bide_coro(text, q));'
refuses "" 'return bide_await(bide_coro(text));'
refuses "" 'return bide_await(bide_coro(f, 1, 2));'
refuses "" 'return bide_await(bide_coro(real));'
refuses "" 'return bide_await(3);'
refuses "" 'bide_job j = bide_job(text, 3); (void)j;'
refuses "not of the type that the queue" 'urls *u = NULL; long n; return bide_queue_get(u, &n);'
refuses "not of the type that the queue" 'urls *u = NULL; return bide_queue_put(u, &(struct q){0});'
refuses "incomplete" 'return bide_queue_put(x, x);'
silent 'bide_auto urls *u = bide_queue_new(urls, 9, .order = BIDE_LIFO); const struct url o = {1}; struct url i; BIDE_TRY(bide_queue_put(u, &o)); return bide_queue_get(u, &i);'
silent 'static bide_lock l; int code; bide_lock_hold(&l, &code) code = 1; bide_semaphore two = BIDE_SEMAPHORE(2); bide_semaphore_hold(&two, &code) { code = 1; } return code;'
silent 'for (;;) { char *item; BIDE_TRY(get(q, &item)); free(item); }'
silent 'int n = BIDE_TRY(bide_await(bide_coro(f, 1))); ssize_t m = BIDE_TRY((ssize_t)n); return (int)m;'
silent 'bide_auto bide_response *r = BIDE_TRY_PTR(bide_get(s, "http://x/", .timeout_ms = 5)); return bide_status(r);'
silent 'BIDE_TRY(bide_gather(x, x, x, x, x, x, x, x)); BIDE_IGNORE(bide_sleep_ms(1));'
silent 'bide_auto bide_task *t = bide_create_task(bide_coro(text, "x"), .name = "y"); return bide_await(t);'
echo "1..$n"

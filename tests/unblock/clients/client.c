/* SPDX-License-Identifier: MIT */
/*
 * client.c - PROGRAM ADDRESS [SLOW]: what must hold of each library.
 *
 *   1. A hundred calls at once, on one thread, take at most twice as long as one, and each gets its own answer.
 *   2. A task that is cancelled in a call ends within 30 ms, and the call has failed.
 *   3. So does one in a bide_timeout block whose time is over.
 *   4. Then the library works as before.
 *
 * SLOW times as much is right under a sanitizer.  A machine that does other things gets three tries for 1.  With BIDE_TEST_STACK
 * set it says how much stack a call has used at most.
 */
#include "client.h"

#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#define TASKS     100
#define SECONDS   1.0 /* what the server takes for an answer */
#define LONG      60.0
#define TRIES     3
#define INTERRUPTED 15 /* tasks that are cancelled, and as many that run out of time */
#define LIMIT_MS  200
#define LATE_MS   30

const char *address;

static double slow = 1;
static char complaint[400];
static void *connections[TASKS];
static int failures;
static pid_t thread;
static size_t stack_most;

void complain(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(complaint, sizeof complaint, format, list);
    va_end(list);
}

#define FAIL(...) (printf("FAILED: " __VA_ARGS__), printf("\n"), exit(1))

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- how much stack a call uses: what it overwrites of a pattern below it ---- */

#define PATTERN 0xa5
#define PAINTED (56 * 1024) /* of the 64 KiB that a task has */

static bool measures_stack;

__attribute__((noinline, no_sanitize("address"))) static unsigned char *paint(void)
{
    volatile unsigned char *low = (unsigned char *)__builtin_frame_address(0) - PAINTED;

    for (size_t i = 0; i < PAINTED - 512; i++)
        low[i] = PATTERN;
    return (unsigned char *)low;
}

__attribute__((noinline, no_sanitize("address"))) static void look(const unsigned char *low)
{
    size_t i = 0;

    while (i < PAINTED - 512 && ((volatile const unsigned char *)low)[i] == PATTERN)
        i++;
    if (PAINTED - i > stack_most)
        stack_most = PAINTED - i;
}

/* ---- calls in tasks ---- */

static int open_one(int i)
{
    unsigned char *low = measures_stack ? paint() : NULL;

    connections[i] = client.open(i);
    if (low)
        look(low);
    failures += !connections[i];
    return 0;
}

static int ask_one(int i, const double *seconds)
{
    unsigned char *low = measures_stack ? paint() : NULL;
    int code = client.ask(connections[i], i, *seconds);

    if (low)
        look(low);
    failures += code < 0;
    if (gettid() != thread)
        FAIL("a call in another thread");
    return 0;
}

static void close_all(void)
{
    for (int i = 0; i < TASKS; i++) {
        if (connections[i])
            client.close(connections[i]);
        connections[i] = NULL;
    }
}

static double ask_all(double seconds)
{
    bide_awaitable all[TASKS];
    double start = now();

    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(ask_one, i, &seconds));
    failures = 0;
    if (bide_gather_n(all, TASKS) < 0 || failures > 0)
        FAIL("%d of %d calls: %s", failures, TASKS, complaint);
    return now() - start;
}

static void open_all(void)
{
    bide_awaitable all[TASKS];
    double start = now();

    for (int i = 0; i < TASKS; i++)
        all[i] = BIDE_AW(bide_coro(open_one, i));
    failures = 0;
    if (bide_gather_n(all, TASKS) < 0 || failures > 0)
        FAIL("%d of %d connections: %s", failures, TASKS, complaint);
    printf("%d opened in %.3f s\n", TASKS, now() - start);
}

static void check_time(void)
{
    double one, all = 0;

    for (int i = 0; i < TRIES; i++) {
        double start = now();
        if (client.ask(connections[0], 0, SECONDS) < 0)
            FAIL("one call: %s", complaint);
        one = now() - start;
        all = ask_all(SECONDS);
        printf("one call %.3f s, %d at once %.3f s\n", one, TASKS, all);
        if (all <= one * 2 * slow)
            return;
    }
    FAIL("that is more than twice as long");
}

/* ---- interrupted ---- */

struct call {
    int i;
    int code; /* of ask() */
    double ms; /* until it had ended, after it was to end */
};

static int ask_long(struct call *c)
{
    c->code = client.ask(connections[c->i], c->i, LONG);
    return 0;
}

static int ask_until_time_is_over(struct call *c)
{
    double start = now();

    bide_timeout(LIMIT_MS)
        c->code = client.ask(connections[c->i], c->i, LONG);
    if (!bide_timeout_expired())
        FAIL("call %d ended before its time: %d, %s", c->i, c->code, complaint);
    c->ms = (now() - start) * 1000 - LIMIT_MS;
    return 0;
}

static int by_ms(const void *a, const void *b)
{
    double x = ((const struct call *)a)->ms, y = ((const struct call *)b)->ms;

    return (x > y) - (x < y);
}

/* The middle one counts: nobody can promise it of each on a machine that does other things. */
static void check_late(const char *what, struct call *calls)
{
    for (int k = 0; k < INTERRUPTED; k++)
        if (calls[k].code != -1)
            FAIL("%s: call %d has not failed", what, calls[k].i);
    qsort(calls, INTERRUPTED, sizeof *calls, by_ms);
    printf("%s: ended after %.1f ms, the last after %.1f (%s)\n", what, calls[INTERRUPTED / 2].ms, calls[INTERRUPTED - 1].ms, complaint);
    if (calls[INTERRUPTED / 2].ms > LATE_MS * slow)
        FAIL("that is too late");
}

static void check_cancel(void)
{
    struct call calls[INTERRUPTED];
    bide_task *tasks[INTERRUPTED];

    for (int k = 0; k < INTERRUPTED; k++) {
        calls[k] = (struct call){.i = k, .code = 1};
        tasks[k] = bide_create_task(bide_coro(ask_long, &calls[k]));
    }
    BIDE_IGNORE(bide_sleep_ms(LIMIT_MS));
    for (int k = 0; k < INTERRUPTED; k++) {
        double start = now();
        if (calls[k].code != 1)
            FAIL("call %d has not waited: %s", k, complaint);
        bide_task_cancel(tasks[k]);
        if (bide_await(tasks[k]) != BIDE_ECANCELED)
            FAIL("a cancelled task has ended otherwise");
        calls[k].ms = (now() - start) * 1000;
        bide_release(tasks[k]);
    }
    check_late("cancelled", calls);
}

static void check_timeout(void)
{
    struct call calls[INTERRUPTED];
    bide_awaitable all[INTERRUPTED];

    for (int k = 0; k < INTERRUPTED; k++) {
        calls[k] = (struct call){.i = TASKS - 1 - k, .code = 1};
        all[k] = BIDE_AW(bide_coro(ask_until_time_is_over, &calls[k]));
    }
    if (bide_gather_n(all, INTERRUPTED) < 0)
        FAIL("a task that ran out of time");
    check_late("out of time", calls);
}

static int app(void)
{
    thread = gettid();
    open_all();
    check_time();
    check_cancel();
    check_timeout();
    close_all(); /* what was interrupted may be of no more use */
    open_all();
    ask_all(0);
    close_all();
    if (measures_stack)
        printf("stack: %zu bytes\n", stack_most);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    address = argv[1];
    slow = argc > 2 ? atof(argv[2]) : 1;
    measures_stack = getenv("BIDE_TEST_STACK");
    return bide_main(bide_coro(app));
}

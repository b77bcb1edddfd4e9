/* SPDX-License-Identifier: MIT */
/*
 * modes.c - the ways that need one thread: one after the other, the fake async, the same made true, the true one.
 *
 * The fake and the true one are the same crowd of coroutines; only the call that fetches differs.  The blocking call
 * makes a connection for each request, as requests.get does; coroutines share a session, as in aiohttp.
 */
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <stdlib.h>

#include <bide/loop.h>
#include <bide/task.h>

#define FETCH "sequential", NULL
#define SAVE  "write", "each answer saved as a file; speed-up against write"

static compare_way run_sequential, run_fake_async, run_unblocked, run_async;

/* A thread of the pool has a loop, a bell, two sockets to it, its connection, perhaps one to a name server. */
const struct compare_mode compare_modes[] = {
    {"sequential", "blocking requests, one after the other", FETCH, run_sequential, false, false, false, false, 1},
    {"fake-async", "blocking requests inside coroutines: each stops all", FETCH,
     run_fake_async, false, false, false, false, 1},
    {"unblocked", "the same, with libbide-unblock: each stops only itself", FETCH, run_unblocked, true, false, false, true, 2},
    {"async", "coroutines that await: one thread, all requests at once", FETCH, run_async, true, false, false, false, 1},
    {"processes", "a process pool of blocking requests", FETCH, compare_processes, false, true, true, false, 1},
    {"async-processes", "a process pool with an event loop in each worker", FETCH,
     compare_async_processes, true, true, true, false, 1},
    {"threads", "a thread pool of blocking requests, a thread for each", FETCH, compare_threads, true, true, false, false, 9},
    {"write", "async; each answer written with stdio; nothing else runs", SAVE, compare_write, true, false, false, false, 1},
    {"awaited-write", "async; each answer's writing awaited", SAVE, compare_awaited_write, true, false, false, false, 2},
    {NULL, NULL, NULL, NULL, NULL, false, false, false, false, 0},
};

/* ---- blocking ---- */

static int get_blocking(struct compare *c, bide_session *unused, int i)
{
    (void)unused;
    bide_auto bide_response *r = bide_get_blocking(c->urls[i], .timeout_ms = c->options->timeout_ms);

    return r ? compare_take(c, r, &c->answers[i]) : bide_raise();
}

static int run_sequential(struct compare *c)
{
    for (int i = 0; i < c->n; i++) {
        int code = get_blocking(c, NULL, i);
        if (code < 0)
            compare_fail(c, i, code, bide_error_text());
    }
    return 0;
}

static int fake_async(struct compare *c)
{
    return compare_crowd(c, NULL, get_blocking);
}

static int run_fake_async(struct compare *c)
{
    return bide_run(bide_coro(fake_async, c));
}

/* Not a line of it is different. */
static int run_unblocked(struct compare *c)
{
    return c->is_preloaded ? run_fake_async(c) : compare_start_preloaded(c);
}

/* ---- awaited ---- */

static int get_awaited(struct compare *c, bide_session *s, int i)
{
    bide_auto bide_response *r = bide_get(s, c->urls[i], .timeout_ms = c->options->timeout_ms);

    return r ? compare_take(c, r, &c->answers[i]) : bide_raise();
}

static int true_async(struct compare *c)
{
    bide_auto bide_session *s = compare_session(c->at_once);
    if (!s)
        return bide_raise();
    return compare_crowd(c, s, get_awaited);
}

static int run_async(struct compare *c)
{
    return bide_run(bide_coro(true_async, c));
}

/* ---- one run ---- */

void compare_run_mode(struct compare *c, const void *arg)
{
    const struct compare_mode *mode = arg;
    struct compare_shared *s = c->shared;
    c->at_once = mode->is_wide ? compare_width(c, mode) : c->at_once;
    int64_t begin = clock_us();
    int code = mode->way(c);

    s->wall_us = clock_us() - begin - s->own_wall_us;
    if (code < 0) {
        if (!s->error[0])
            snprintf(s->error, sizeof s->error, "%s", bide_error_text());
        s->failed = (uint64_t)c->n;
    } else {
        compare_sum_up(c);
    }
    if (s->memory_kb == 0)
        compare_measure_memory(c);
    s->has_ended = true;
}

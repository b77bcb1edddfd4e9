/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the lowest layer of a connection that lies in memory: what comes is there at once, so nothing ever waits.
 *
 * A target has its own try_recv, try_send and may_recv, and takes the rest from here: MEMORY_LAYER.
 */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include <stdlib.h>

#include "io/io.h"

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static int memory_shutdown(struct filter *f)
{
    (void)f;
    return 0;
}

static void memory_close(struct filter *f)
{
    (void)f;
}

__attribute__((unused)) static int memory_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    (void)f, (void)sides, (void)flow;
    abort();
}

static int memory_yield(struct filter *f)
{
    (void)f;
    return 0;
}

static void memory_watch(struct filter *f, struct clause *c)
{
    (void)f, (void)c;
}

static bool memory_is_alive(const struct filter *f, bool probe)
{
    (void)f, (void)probe;
    return true;
}

static size_t memory_queued(const struct filter *f)
{
    (void)f;
    return 0;
}

#define MEMORY_LAYER(recv_op, send_op, may_recv_op)                                                              \
    {.try_recv = recv_op, .try_send = send_op, .may_recv = may_recv_op, .shutdown = memory_shutdown,              \
     .close = memory_close, .wait = memory_wait, .yield = memory_yield, .watch = memory_watch,                    \
     .is_alive = memory_is_alive, .queued = memory_queued, .abort = memory_close}

#endif

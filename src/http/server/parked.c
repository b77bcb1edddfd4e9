/* SPDX-License-Identifier: MIT */
/*
 * parked.c - a connection that is silent: without a task, and without memory that the next request brings again.
 *
 * A task that waits has a page of stack, and three after the handshake of TLS; buffers and what OpenSSL keeps come on top.
 * So the task of a connection that says nothing for a while ends, and leaves it to a clause of its stream and a timer.
 * The next byte makes a new task, which goes on with receiving a head.
 *
 * The stacks of those tasks are hot in the loop's pool, which keeps thousands; all but as many as are in use, or a few,
 * give their memory back.
 *
 * Invariant: a parked connection is idle, has no task, and has a place in the ready queue reserved.
 */
#include "http/server/server.h"

#define STACKS_KEPT 256
#define STACKS_BATCH 64 /* so many give their memory back at once: it is a system call */

static void trim_stacks(bide_loop *loop)
{
    size_t live = loop->stacks.live, keep = live > STACKS_KEPT ? live : STACKS_KEPT;

    if (bide__stack_pool_cached(&loop->stacks) >= keep + STACKS_BATCH)
        bide__stack_pool_trim(&loop->stacks, keep);
}

static void something_came(struct ready *ready)
{
    struct connection *c = container_of(ready, struct connection, parked.ready);
    bide_server *s = c->server;

    bide__connection_unpark(c);
    if (bide__connection_resume(c) == 0)
        return;
    bide__loop_report(s->loop, "%s: %s", s->url, bide_error_text());
    bide__connection_free(c);
}

static void time_is_over(struct timer *timer)
{
    struct connection *c = container_of(timer, struct connection, parked.timer);

    bide__connection_unpark(c);
    bide__connection_free(c);
}

bool bide__connection_park(struct connection *c)
{
    bide_loop *loop = c->server->loop;
    struct parked *p = &c->parked;
    if (bide__ring_reserve(&loop->ring, 1) < 0)
        return false;

    c->is_silent = false;
    c->is_parked = true;
    bide_detach(c->task);
    c->task = NULL;
    bide__buf_free(&c->in);
    bide__buf_free(&c->out);
    bide__stream_rest(c->stream);
    *p = (struct parked){.ready.run = something_came};
    bide__clause_init(&p->clause, &p->ready);
    bide__stream_watch(c->stream, &p->clause);
    bide__timer_init(&p->timer, time_is_over);
    if (c->silence_left_ms != BIDE_FOREVER)
        bide__timer_arm(loop, &p->timer, c->silence_left_ms);
    trim_stacks(loop);
    return true;
}

void bide__connection_unpark(struct connection *c)
{
    bide_loop *loop = c->server->loop;
    struct parked *p = &c->parked;

    c->is_parked = false;
    bide__list_remove(&p->clause.node);
    bide__unpush(loop, &p->ready);
    bide__timer_disarm(loop, &p->timer);
    bide__ring_unreserve(&loop->ring, 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * gone.c - a handler learns that its client has gone.
 *
 * Nothing is read for that: the poller remembers that the peer will send no more (EPOLLRDHUP), also behind bytes that wait for the
 * handler or belong to the next request.  A clause of the stream is triggered by each event, and looks whether this was one.
 * Who does not ask pays a test of a pointer for each request.
 */
#include <poll.h>

#include "http/server/server.h"

struct gone {
    struct clause clause; /* in the stream's list until the client has gone */
    struct ready ready;
    bide_exchange *exchange;
    bide_future *future; /* owned */
    bool cancels;        /* the handler */
};

/* A reset, or a time-out of the kernel's, is an error of the socket; asking for it would take it from who reads. */
static enum bide_client_gone how(const bide_stream *stream)
{
    struct pollfd p = {.fd = stream->socket.fd.fd};

    return poll(&p, 1, 0) == 1 && p.revents & (POLLERR | POLLHUP | POLLNVAL) ? BIDE_CLIENT_LOST : BIDE_CLIENT_CLOSED;
}

static void look(struct gone *g)
{
    struct connection *c = g->exchange->connection;

    if (!bide__stream_hung_up(c->stream)) {
        bide__stream_watch(c->stream, &g->clause);
        return;
    }
    if (!bide_future_done(g->future))
        bide__future_settle(g->future, DONE, how(c->stream));
    if (g->cancels)
        bide_task_cancel(c->task);
}

static void something_came(struct ready *ready)
{
    look(container_of(ready, struct gone, ready));
}

static struct gone *gone_new(bide_exchange *x)
{
    bide_loop *loop = x->connection->server->loop;
    struct gone *g = bide__calloc(1, sizeof *g);
    if (!g) {
        bide__fail_nomem("bide_exchange_gone");
        return NULL;
    }
    g->future = bide__future_new(loop);
    if (!g->future || bide__ring_reserve(&loop->ring, 1) < 0) {
        bide_release(g->future);
        bide__free(g);
        return NULL;
    }
    g->exchange = x;
    g->ready.run = something_came;
    bide__clause_init(&g->clause, &g->ready);
    return g;
}

int bide__gone_watch(bide_exchange *x, bool cancels)
{
    if (x->gone)
        return 0;
    x->gone = gone_new(x);
    if (!x->gone)
        return bide_error_code();
    x->gone->cancels = cancels;
    look(x->gone);
    return 0;
}

void bide__gone_end(bide_exchange *x)
{
    struct gone *g = x->gone;
    bide_loop *loop = x->connection->server->loop;

    x->gone = NULL;
    bide__list_remove(&g->clause.node);
    bide__unpush(loop, &g->ready);
    bide__ring_unreserve(&loop->ring, 1);
    if (!bide_future_done(g->future))
        bide__future_settle(g->future, CANCELLED, BIDE_ECANCELED);
    bide_release(g->future);
    bide__free(g);
}

bide_future *bide_exchange_gone(bide_exchange *x)
{
    if (bide__is_null(x, __func__, "the exchange") || bide__loop_check(x->connection->server->loop, __func__) < 0)
        return NULL;
    return bide__gone_watch(x, false) < 0 ? NULL : x->gone->future;
}

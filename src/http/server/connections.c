/* SPDX-License-Identifier: MIT */
/*
 * connections.c - the connections of a server: each begins with a task, and removes itself from the list when it ends.
 *
 * A connection that was silent for a while is parked (parked.c): then it has no task, until something comes.  The last one frees a
 * server that was released where nobody could wait for it, or in its own handler.
 *
 * Invariants:
 *   S1  `open` is the length of `connections`; each of them has a task that is not done, or never began, or is parked.
 *   S2  the server's memory outlives its connections.
 */
#include "http/server/server.h"

void bide__server_free(bide_server *s)
{
    bide_release(s->listener);
    bide__object_unref(s->loop);
    bide__object_free(s);
}

void bide__server_free_if_orphaned(bide_server *s)
{
    if (s->orphaned && s->open == 0 && !s->accepting)
        bide__server_free(s);
}

static void count_open(bide_server *s, int by)
{
    s->open += by;
    atomic_store_explicit(&s->counts->open, s->open, memory_order_relaxed);
}

bool bide__server_take_place(void *server)
{
    bide_server *s = server;
    int n = atomic_load(&s->shared->open);

    do
        if (n >= s->args.max_connections)
            return false;
    while (!atomic_compare_exchange_weak(&s->shared->open, &n, n + 1));
    return true;
}

void bide__server_give_place(void *server)
{
    bide_server *s = server;

    atomic_fetch_sub(&s->shared->open, 1);
    bide__wake_one(s->loop, &s->has_room);
    if (s->group && atomic_load(&s->shared->waiting) > 0)
        bide__shards_has_room(s->group, s->loop);
}

void bide__connection_free(struct connection *c)
{
    bide_server *s = c->server;

    if (c->is_parked)
        bide__connection_unpark(c);
    bide__connection_count_bytes(c);
    count_open(s, -1);
    s->giving_way -= c->giving_way;
    bide_release(c->stream);
    bide__buf_free(&c->in);
    bide__buf_free(&c->out);
    bide__list_remove(&c->node);
    if (c->task)
        bide_detach(c->task);
    bide__free(c);
    bide__server_give_place(s);
    if (s->open > 1)
        return;
    bide__wake_all(s->loop, &s->emptied); /* the last may be that of who waits */
    bide__server_free_if_orphaned(s);
}

static int connection_task(struct connection *c)
{
    int code = bide__connection_run(c);

    if (!c->is_silent || !bide__connection_park(c))
        bide__connection_free(c);
    return code;
}

int bide__connection_resume(struct connection *c)
{
    c->task = bide_create_task(bide_coro(connection_task, c));
    return c->task ? 0 : bide_error_code();
}

int bide__connection_start(bide_server *s, bide_stream *stream)
{
    struct connection *c = bide__malloc(sizeof *c);
    if (!c)
        return bide__fail_nomem("a connection");

    c->server = s;
    c->stream = stream;
    c->sent_before = c->counted_in = c->counted_out = 0;
    c->idle = false; /* its task has not begun: cancelling it now would leave all this behind */
    c->giving_way = c->is_silent = c->is_parked = false;
    bide__buf_init(&c->in, s->args.max_head_bytes + 2 * SERVER_SCRATCH);
    bide__buf_init(&c->out, 2 * ANSWER_HEAD_MAX);
    if (bide__connection_resume(c) < 0) {
        bide__free(c);
        return bide_error_code();
    }
    bide__list_append(&s->connections, &c->node);
    count_open(s, 1);
    bide__count(&s->counts->connections, 1);
    return 0;
}

bool bide__server_end_idle(void *arg)
{
    bide_server *s = arg;
    if (s->giving_way > 0)
        return true; /* one is on its way */

    for (struct list_node *n = s->connections.next; n != &s->connections; n = n->next) {
        struct connection *c = container_of(n, struct connection, node);
        if (c->is_parked) {
            bide__connection_free(c);
            return true;
        }
        if (c->idle) {
            c->idle = false;
            c->giving_way = true;
            s->giving_way++;
            bide_task_cancel(c->task);
            return true;
        }
    }
    return false;
}

bool bide__server_can_wait(const bide_server *s)
{
    bide_task *self = bide__task_here();

    return !bide__loop_here || (self && !self->stackless && bide__loop_here == s->loop);
}

static bool is_of(const struct connection *c, const bide_task *t)
{
    return t && c->task == t;
}

bool bide__server_runs_caller(const bide_server *s)
{
    for (const struct list_node *n = s->connections.next; n != &s->connections; n = n->next)
        if (is_of(container_of(n, struct connection, node), bide__task_here()))
            return true;
    return false;
}

/* The first but that whose handler asks; NULL: there is no other. */
static struct connection *first_of_others(bide_server *s)
{
    for (struct list_node *n = s->connections.next; n != &s->connections; n = n->next)
        if (!is_of(container_of(n, struct connection, node), bide__task_here()))
            return container_of(n, struct connection, node);
    return NULL;
}

/* A cancelled task that never began has not cleaned up. */
static void end_connection(bide_server *s, struct connection *c)
{
    bide_task *t = bide_retain(c->task);

    if (bide__loop_here)
        bide__drain(bide_task_future(t));
    else if (!bide_task_done(t))
        bide__loop_run_until(s->loop, bide_task_future(t));
    if (first_of_others(s) == c)
        bide__connection_free(c);
    bide__object_unref(t);
}

void bide__server_end_connections(bide_server *s)
{
    for (struct list_node *n = s->connections.next, *after; n != &s->connections; n = after) {
        struct connection *c = container_of(n, struct connection, node);
        after = n->next;
        if (c->is_parked)
            bide__connection_free(c);
        else if (!is_of(c, bide__task_here()))
            bide_task_cancel(c->task);
    }
    for (struct connection *c; bide__server_can_wait(s) && (c = first_of_others(s)) != NULL;)
        end_connection(s, c);
}

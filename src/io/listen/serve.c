/* SPDX-License-Identifier: MIT */
/*
 * serve.c - a task for each connection; a limit on how many; a graceful end.
 *
 * Invariants:
 *   V1  each connection has a struct served in serving.all from its acceptance until its handler has returned.
 *   V2  when serving has ended, none is left.
 */
#include <bide/listener.h>

#include "io/listen/listener.h"

/* One call of bide_serve. */
struct serving {
    bide_listener *listener;
    bide_connection_handler *handler;
    void *arg;
    int max, n;            /* connections; max 0: no limit */
    struct list_node all;  /* of them */
    struct list_node room; /* clauses: that waits for one to end */
};

struct served {
    struct list_node node; /* serving.all */
    struct serving *by;
    bide_stream *stream;
    bide_task *task;
};

static void served_end(struct served *c)
{
    bide_release(c->stream);
    bide__list_remove(&c->node);
    c->by->n--;
    bide__wake_all(c->by->listener->fd.loop, &c->by->room);
    bide_detach(c->task);
    bide__free(c);
}

static int serve_one(struct served *c)
{
    c->by->handler(c->stream, c->by->arg); /* its code is not looked at: it reports its errors itself */
    served_end(c);
    return 0;
}

static int serve_start(struct serving *by, bide_stream *s)
{
    struct served *c = bide__malloc(sizeof *c);
    if (!c)
        return bide__fail_nomem("bide_serve");

    *c = (struct served){.by = by, .stream = s};
    c->task = bide_create_task(bide_coro(serve_one, c));
    if (!c->task) {
        bide__free(c);
        return bide_error_code();
    }
    bide__list_append(&by->all, &c->node);
    by->n++;
    return 0;
}

/* A handler that was cancelled before it began never ran: then nobody has cleaned up after it. */
static void serve_stop(struct list_node *all)
{
    for (struct list_node *n = all->next; n != all; n = n->next)
        bide_task_cancel(container_of(n, struct served, node)->task);
    while (!bide__list_is_empty(all)) {
        struct served *c = container_of(all->next, struct served, node);
        bide_task *t = bide_retain(c->task);
        bide__drain(bide_task_future(t));
        if (all->next == &c->node) /* nothing is added any more, so it is the same one */
            served_end(c);
        bide__object_unref(t);
    }
}

/* That connection is lost, or cannot be had now; the next may be. */
static bool is_temporary(int code)
{
    return code == BIDE_ENOMEM || code == BIDE_ETLS || code == -ENOSPC || code == -EAGAIN;
}

/* Also woken when a connection comes, which changes nothing. */
static int wait_for_end_or_close(struct serving *by)
{
    bide_task *t = bide__task_here();
    struct wait w = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_NAMED, .on = "the end of a connection"};
    struct clause end, close;
    int code = bide__pending_interrupt(t);
    if (code < 0)
        return code;

    bide__clause_init(&end, &t->ready);
    bide__clause_init(&close, &t->ready);
    bide__list_append(&by->room, &end.node);
    bide__list_append(&by->listener->fd.readers, &close.node);
    bide__park(t, &w);
    bide__list_remove(&end.node);
    bide__list_remove(&close.node);
    return bide__wait_outcome(&w);
}

static int wait_for_room(struct serving *by)
{
    int code = 0;

    while (code == 0 && by->max > 0 && by->n >= by->max && bide__fd_is_open(&by->listener->fd))
        code = wait_for_end_or_close(by);
    return code;
}

static int serve_next(struct serving *by)
{
    bide_stream *s;
    int code = wait_for_room(by);
    if (code < 0)
        return code;
    code = bide__accept_next(by->listener, &s);

    if (code == 0)
        code = serve_start(by, s);
    if (code == 0)
        return 0;
    bide_release(s);
    if (!is_temporary(code))
        return code;
    return bide__wait_for_descriptor();
}

/* Handlers go on until none is left, the time is over, or serving is cancelled once more. */
static void have_grace(struct serving *by, int64_t ms)
{
    struct error_mark mark;
    int code = 0;

    bide__error_mark(&mark);
    bide_timeout(ms)
        while (code == 0 && !bide__list_is_empty(&by->all))
            code = bide__wait_in_for(&by->room, WAIT_NAMED, "the end of a connection");
    bide__error_restore(&mark);
}

static int serve(struct serving *by, int64_t grace_ms)
{
    bide_listener *l = by->listener;
    int code = 0;

    bide__list_init(&by->all);
    bide__list_init(&by->room);
    bide_retain(l);
    l->accepting++;
    while (code == 0)
        code = serve_next(by);
    if (grace_ms > 0)
        have_grace(by, grace_ms);
    serve_stop(&by->all);
    l->accepting--;
    bide__object_unref(l);
    return code;
}

static int check(bide_listener *l, bide_connection_handler *handler, const char *function)
{
    int code = l ? bide__check_waiter(l->fd.loop, function) : bide_fail(-EINVAL, "%s: the listener is NULL", function);
    if (code == 0 && !handler)
        code = bide_fail(-EINVAL, "%s: there is no handler", function);
    return code;
}

int bide_serve(bide_listener *l, bide_connection_handler *handler, void *arg)
{
    struct serving by = {.listener = l, .handler = handler, .arg = arg};
    int code = check(l, handler, __func__);

    return code < 0 ? code : serve(&by, 0);
}

int bide_serve_limited_with(bide_listener *l, bide_connection_handler *handler, void *arg, const bide_serve_args *options)
{
    static const char function[] = "bide_serve_limited";
    bide_serve_args args;
    int code = bide__options_take(&args, sizeof args, options, function);
    if (code == 0)
        code = bide__check_named(args.guard_, function);
    if (code == 0)
        code = bide__check_number(function, "max_connections", args.max_connections, 0);
    if (code == 0)
        code = bide__check_time(function, "grace_ms", args.grace_ms, true);
    if (code == 0)
        code = check(l, handler, function);
    struct serving by = {.listener = l, .handler = handler, .arg = arg, .max = args.max_connections};
    return code < 0 ? code : serve(&by, args.grace_ms);
}

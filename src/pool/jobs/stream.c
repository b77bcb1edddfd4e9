/* SPDX-License-Identifier: MIT */
/*
 * stream.c - results as they come, from a source without end.
 *
 * A task of the stream's own asks the source for jobs while fewer than `window` stand between it and the reader, so
 * a source that waits does not hold up results that are there.
 *
 *     source --> feeder --> pool --> finished --> bide_pool_next
 *                |<---------- at most window ---------->|
 */
#include "pool/jobs/backend.h"

struct bide_pool_stream {
    struct object object;
    bide_pool *pool; /* a share */
    bide_pool_source *source;
    bide_pool_imap_args args;
    bide_task *feeder;
    struct list_node open;     /* in order; ordered: the finished ones too */
    struct list_node finished; /* unordered: in the order of their ends */
    size_t between, next_index;
    bool ended;
    struct list_node room, ready; /* the feeder waits; the reader waits */
    struct job *shown;            /* lent to the reader */
};

static void one_done(struct job *j, void *arg)
{
    bide_pool_stream *s = arg;

    j->future.was_retrieved = true;
    if (s->args.unordered) {
        bide__list_remove(&j->group);
        bide__list_append(&s->finished, &j->group);
    }
    bide__wake_all(s->pool->loop, &s->ready);
}

static int feed_one(bide_pool_stream *s)
{
    bide_pool_call_args call = {.timeout_ms = s->args.timeout_ms, .idempotent = s->args.idempotent};
    while (s->between >= s->args.window)
        BIDE_TRY(bide__wait_in_for(&s->room, WAIT_NAMED, "room in the stream"));
    int r = s->source(s->args.arg, &call.job);
    if (r <= 0)
        return r;

    void *out = call.job.out;
    call.job.out = NULL; /* the source may have one for all of its jobs */
    struct job *j = bide__pool_submit(s->pool, &call, -1);
    if (!j)
        return bide_raise();
    j->keeps_result = true;
    j->shown_out = out;
    j->index = s->next_index++;
    j->on_done = one_done;
    j->done_arg = s;
    s->between++;
    bide__list_append(&s->open, &j->group);
    return 1;
}

static int feed(bide_pool_stream *s)
{
    int r;

    while ((r = feed_one(s)) > 0)
        ;
    s->ended = true;
    bide__wake_all(s->pool->loop, &s->ready);
    return r;
}

/* ---- life ---- */

static void drop(bide_pool_stream *s, struct list_node *list)
{
    (void)s;
    while (!bide__list_is_empty(list)) {
        struct job *j = container_of(list->next, struct job, group);
        bide__list_remove(&j->group);
        j->on_done = NULL;
        bide_release(j);
    }
}

static void stream_destroy(void *object)
{
    bide_pool_stream *s = object;

    bide_release(s->feeder);
    drop(s, &s->open);
    drop(s, &s->finished);
    bide_release(s->shown);
    bide__object_unref(s->pool);
    bide__object_free(s);
}

/* In a child of a fork its jobs are the parent's: they are not cancelled there. */
static void stream_release(void *object)
{
    bide_pool_stream *s = object;

    if (bide__pool_is_parents(s->pool) || !bide__pool_allows(s->pool, "bide_release of a pool stream"))
        return;
    bide__object_unref(s);
}

static const struct object_type stream_type = {
    .name = "pool stream", .destroy = stream_destroy, .release = stream_release};

bide_pool_stream *bide_pool_imap_with(bide_pool *p, bide_pool_source *source, const bide_pool_imap_args *options)
{
    bide_pool_imap_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_pool_imap") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_pool_imap") < 0 || bide__pool_check(p, "bide_pool_imap") < 0 ||
        bide__check_size("bide_pool_imap", "window", args.window, 0) < 0 ||
        bide__check_time("bide_pool_imap", "timeout_ms", args.timeout_ms, true) < 0)
        return NULL;
    if (!source) {
        bide_fail(-EINVAL, "bide_pool_imap: no source (NULL)");
        return NULL;
    }
    bide_pool_stream *s = bide__object_zalloc(sizeof *s);
    if (!s) {
        bide__fail_nomem("bide_pool_imap");
        return NULL;
    }
    bide__object_init(s, &stream_type);
    s->pool = bide_retain(p);
    s->source = source;
    s->args = args;
    if (args.window == 0)
        s->args.window = p->backend->size ? 4 * (size_t)p->backend->size(p) * (size_t)p->args.concurrency : 1024;
    bide__list_init(&s->open);
    bide__list_init(&s->finished);
    bide__list_init(&s->room);
    bide__list_init(&s->ready);
    s->feeder = bide_create_task(bide_coro(feed, s), .name = "pool imap");
    if (!s->feeder) {
        bide__object_unref(s);
        return NULL;
    }
    return s;
}

/* ---- reading ---- */

static struct job *take_finished(bide_pool_stream *s)
{
    struct list_node *list = s->args.unordered ? &s->finished : &s->open;
    if (bide__list_is_empty(list))
        return NULL;

    struct job *j = container_of(list->next, struct job, group);
    if (!bide__job_is_settled(j))
        return NULL;
    bide__list_remove(&j->group);
    return j;
}

static bool is_empty(const bide_pool_stream *s)
{
    return bide__list_is_empty(&s->open) && bide__list_is_empty(&s->finished);
}

static int show(bide_pool_stream *s, struct job *j, bide_pool_item *item)
{
    s->shown = j;
    s->between--;
    bide__wake_all(s->pool->loop, &s->room);
    bide_bytes bytes = bide_pool_result(&j->future);
    if (j->shown_out && j->has_out && j->future.state == DONE)
        memcpy(j->shown_out, bytes.data, bytes.len);
    *item = (bide_pool_item){.index = j->index, .code = j->future.result, .bytes = bytes, .future = &j->future};
    return 1;
}

static int next(bide_pool_stream *s, bide_pool_item *item)
{
    bide_release(s->shown);
    s->shown = NULL;

    for (;;) {
        struct job *j = take_finished(s);
        if (j)
            return show(s, j, item);
        if (s->ended && is_empty(s))
            return bide_await_with(bide__aw_task(s->feeder));
        BIDE_TRY(bide__wait_in_for(&s->ready, WAIT_NAMED, "the next result of the stream"));
    }
}

int bide_pool_next_into(bide_pool_stream *s, bide_pool_item *item, size_t size)
{
    static const char function[] = "bide_pool_next";
    bide_pool_item all;
    if (!s || !item)
        return bide_fail(-EINVAL, "bide_pool_next: no %s (NULL)", s ? "item" : "stream");
    BIDE_TRY(bide__pool_check_owner(s->pool, function));
    if (!bide__task_required(function))
        return bide_error_code();

    int code = next(s, &all);
    if (code > 0)
        bide__options_give(item, size, &all, sizeof all);
    return code;
}

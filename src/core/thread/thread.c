/* SPDX-License-Identifier: MIT */
/*
 * thread.c - blocking calls in threads, as a task sees them; thread_pool.c has the threads.
 *
 * A job lies on the stack of the task that waits for it, so submitting needs no memory.
 *
 *     task: queue the job, park      thread: take it, run it, post it to the loop's inbox      loop: push the task
 */
#include "core/thread/thread.h"

/* A call that a thread has begun is waited for: it may use the caller's frame. */
static bool job_end_early(struct wait *w)
{
    struct job *j = container_of(w, struct job, wait);

    return bide__threads_take_back(j) && bide__wait_end_now(w);
}

const struct job *bide__job_begun(const bide_task *t)
{
    const struct job *j = NULL;

    if (!t->stackless && t->wait && t->wait->end_early == job_end_early)
        j = container_of(t->wait, struct job, wait);
    return j && bide__threads_has_begun(j) ? j : NULL;
}

static void job_done(struct inbox_item *item)
{
    struct job *j = container_of(item, struct job, item);
    struct track *k = j->loop->track;

    if (unlikely(k && j->ended_ns))
        bide__track_put(k, bide__track_first(TL_WOKEN, 0, 0, (uint32_t)j->ended_by), (uint64_t)j->ended_ns, j->wait.task->id, 0);
    bide__push(j->loop, &j->wait.task->ready);
}

/* Where a job goes: a pool of the program's, or one of the loop's. */
struct target {
    bide_thread_pool *pool; /* NULL: the loop's */
    enum thread_use use;
};

/* Queue the job and park until it has been done, or was taken back. */
static int run_in_pool(bide_task *t, struct target to, struct job *j, struct wait *w)
{
    struct loop_pool *own = to.pool ? NULL : bide__loop_pool(t->future.loop, to.use);
    if (!to.pool && !own)
        return BIDE_ENOMEM;

    j->loop = t->future.loop;
    j->pool = own ? own->pool : to.pool;
    j->item.run = job_done;
    bide__list_init(&j->node);
    bide__list_init(&j->item.node);
    if (unlikely(j->loop->track != NULL)) {
        j->queued_ns = bide__clock_ns();
        j->queued_by = j->loop->track->thread;
    }
    BIDE_TRY(bide__threads_submit(j->pool, j));
    struct call_watch watch;
    if (own)
        bide__watch_for_stall(own);
    else
        bide__call_watch_begin(&watch, j);
    t->future.loop->outside++;
    bide__park(t, w);
    t->future.loop->outside--;
    if (!own)
        bide__call_watch_end(&watch);
    bide__threads_unref(j->pool);
    return 0;
}

static int offload(struct target to, const char *name, int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_required("bide_to_thread");
    int code = t ? bide__pending_interrupt(t) : bide_error_code();
    if (code < 0)
        return code;

    struct job j = {.wait = {.end_early = job_end_early, .task = t, .kind = WAIT_THREAD, .on = name}, .name = name, .fn = fn, .arg = arg};
    j.context = bide__context_here();
    code = run_in_pool(t, to, &j, &j.wait);
    if (code < 0)
        return code;
    if (!j.begun)
        return bide__wait_outcome(&j.wait);
    /* What came meanwhile goes before the user's result.  One of ours is kept: it may be bytes of a file, which would be lost. */
    if (to.use == FOR_CALLS && (code = bide__pending_interrupt(t)) < 0)
        return code;
    if (j.result < 0 && j.error.code == j.result)
        bide__error_adopt(&j.error);
    else if (j.result < 0)
        bide__fail_bare(j.result, "bide_to_thread");
    return j.result;
}

int bide__offload(enum thread_use use, const char *what, int (*fn)(void *arg), void *arg)
{
    return offload((struct target){.use = use}, what, fn, arg);
}

int bide__offload_surely(enum thread_use use, const char *what, int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_here();
    struct job j = {.wait.task = t, .name = what, .fn = fn, .arg = arg};
    int code = run_in_pool(t, (struct target){.use = use}, &j, NULL);

    return code < 0 ? code : j.result;
}

/* ---- the user's ---- */

static int call_coroutine(void *arg)
{
    const bide_coroutine *c = arg;

    return bide__call_words(c->fn, c->argc, c->argv);
}

bide_awaitable bide_to_thread_awaitable_with(const bide_to_thread_args *options)
{
    bide_to_thread_args args = {0};
    bide_awaitable a = {.kind = BIDE_AW_THREAD};

    if (bide__options_take(&args, sizeof args, options, "bide_to_thread_awaitable") == 0 &&
        bide__check_named(args.guard_, "bide_to_thread_awaitable") == 0) {
        a.as.thread.coroutine = args.coroutine;
        a.as.thread.pool = args.pool;
    }
    return a;
}

int bide_to_thread_with(const bide_to_thread_args *options)
{
    bide_to_thread_args args;
    BIDE_TRY(bide__options_take(&args, sizeof args, options, "bide_to_thread"));
    BIDE_TRY(bide__check_named(args.guard_, "bide_to_thread"));
    bide_coroutine c = args.coroutine;
    if (!c.fn)
        return bide_fail(-EINVAL, "bide_to_thread: the function is NULL");

    return offload((struct target){args.pool, FOR_CALLS}, c.name, call_coroutine, &c);
}

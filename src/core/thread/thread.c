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

static void job_done(struct inbox_item *item)
{
    struct job *j = container_of(item, struct job, item);

    bide__push(j->wait.task->future.loop, &j->wait.task->ready);
}

/* Queue the job and park until it has been done, or was taken back. */
static int run_in_pool(bide_task *t, enum thread_use use, struct job *j, struct wait *w)
{
    struct thread_pool *p = bide__threads(t->future.loop, use);
    int code = p ? 0 : BIDE_ENOMEM;

    j->pool = p;
    j->item.run = job_done;
    bide__list_init(&j->node);
    bide__list_init(&j->item.node);
    if (code == 0)
        code = bide__threads_submit(p, j);
    if (code < 0)
        return code;
    t->future.loop->outside++;
    bide__park(t, w);
    t->future.loop->outside--;
    return 0;
}

static int offload(enum thread_use use, const char *name, int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_required("bide_to_thread");
    int code = t ? bide__pending_interrupt(t) : bide_error_code();
    if (code < 0)
        return code;

    struct job j = {.wait = {.end_early = job_end_early, .task = t}, .name = name, .fn = fn, .arg = arg};
    code = run_in_pool(t, use, &j, &j.wait);
    if (code < 0)
        return code;
    if (!j.begun)
        return bide__wait_outcome(&j.wait);
    if (j.result < 0 && j.error.code == j.result)
        bide__error_adopt(&j.error);
    else if (j.result < 0)
        bide__fail_bare(j.result, "bide_to_thread");
    return j.result;
}

int bide__offload(int (*fn)(void *arg), void *arg)
{
    return offload(FOR_FILES, "a call for a file", fn, arg);
}

int bide__offload_surely(int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_here();
    struct job j = {.wait.task = t, .name = "a call for a file", .fn = fn, .arg = arg};
    int code = run_in_pool(t, FOR_FILES, &j, NULL);

    return code < 0 ? code : j.result;
}

/* ---- the user's ---- */

static int call_coroutine(void *arg)
{
    const bide_coroutine *c = arg;

    return bide__call_words(c->fn, c->argc, c->argv);
}

int bide_to_thread(bide_coroutine c)
{
    if (!c.fn)
        return bide_fail(-EINVAL, "bide_to_thread: the function is NULL");
    int code = offload(FOR_CALLS, c.name, call_coroutine, &c);
    bide_task *t = bide__task_here();

    if (t && t->must_cancel)
        return bide__pending_interrupt(t);
    return code;
}

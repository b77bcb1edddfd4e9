/* SPDX-License-Identifier: MIT */
/*
 * loop_pools.c - the pools that a loop has of its own, and how many threads are good for them.
 *
 * One each for the user's calls, for files and for names, made when it is first used, so that none of them stops another.
 * When all threads are taken and nothing has moved for a moment, they are blocked, not busy: then there will be as many again,
 * up to the ceiling, and calls which wait for each other get the threads that they need.  At the ceiling jobs wait, and if none
 * ends for seconds that is reported: it may be a deadlock.  A pool of the program's own does not grow, and belongs to no loop; there
 * each call that waits for a thread looks for itself, and the first reports.
 */
#include "core/thread/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_ONCE_MAX 32      /* for files and names */
#define OWN_THREADS_MAX 64  /* likewise */
#define STALL_MS 20
#define DEADLOCK_MS 5000
#define CLOSING_MS 5000

/* ---- how many ---- */

/* BIDE_THREADS of the environment; 0: not said, or with nonsense that is reported. */
static unsigned threads_of_environment(bide_loop *loop)
{
    const char *text = getenv("BIDE_THREADS");
    char *end;
    if (!text || !*text)
        return 0;

    long n = strtol(text, &end, 10);
    if (*end == '\0' && n >= 1 && n <= BIDE_THREADS_MAX)
        return (unsigned)n;
    bide__loop_warn(loop, "BIDE_THREADS=%.40s: not a number from 1 to %d; the default is used", text, BIDE_THREADS_MAX);
    return 0;
}

static struct thread_limits limits_of(bide_loop *loop, enum thread_use use)
{
    if (use != FOR_CALLS) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        return (struct thread_limits){cores > 0 && cores + 4 < AT_ONCE_MAX ? (unsigned)cores + 4 : AT_ONCE_MAX, OWN_THREADS_MAX, 0};
    }
    unsigned n = loop->threads_max > 0 ? (unsigned)loop->threads_max : threads_of_environment(loop);

    return n > 0 ? (struct thread_limits){n, n, 0} : (struct thread_limits){THREADS_AT_ONCE, BIDE_THREADS_MAX, 0};
}

/* ---- stalls ---- */

void bide__watch_for_stall(struct loop_pool *p)
{
    struct load l = bide__threads_load(p->pool);

    if (l.unserved == 0 || bide__timer_is_armed(&p->stall))
        return;
    p->begun_before = l.begun;
    p->stalled_ms = 0;
    bide__timer_arm(p->loop, &p->stall, STALL_MS);
}

static void report_stall(bide_loop *loop, const char *what, const struct load *l)
{
    bide__loop_warn(loop, "%s: none of %u calls has returned for %d s, all threads are taken, and %u calls wait for one; "
                             "if the former wait for the latter, none will ever return",
                    what, l->live, DEADLOCK_MS / 1000, l->unserved);
}

/* Jobs wait still.  If none has begun meanwhile, the threads are blocked, not busy. */
static void stall_check(struct timer *timer)
{
    struct loop_pool *p = container_of(timer, struct loop_pool, stall);
    struct load l = bide__threads_load(p->pool);
    if (l.unserved == 0)
        return;

    p->stalled_ms = l.begun == p->begun_before ? p->stalled_ms + STALL_MS : 0;
    p->begun_before = l.begun;
    if (p->stalled_ms > 0 && l.live < p->ceiling)
        bide__threads_grow(p->pool);
    else if (p->stalled_ms == DEADLOCK_MS)
        report_stall(p->loop, p->what, &l);
    bide__timer_arm(p->loop, &p->stall, STALL_MS);
}

/* ---- a call that waits for a thread of the program's own pool ---- */

static void call_check(struct timer *timer)
{
    struct call_watch *w = container_of(timer, struct call_watch, timer);
    struct load l = bide__threads_load(w->job->pool);
    if (bide__threads_has_begun(w->job))
        return;

    if (l.unserved > 0 && l.begun == w->begun_before && bide__threads_is_news(w->job->pool, l.begun))
        report_stall(w->job->loop, bide__threads_what(w->job->pool), &l);
    w->begun_before = l.begun;
    bide__timer_arm(w->job->loop, timer, DEADLOCK_MS);
}

void bide__call_watch_begin(struct call_watch *w, const struct job *j)
{
    struct load l = bide__threads_load(j->pool);

    w->job = j;
    w->begun_before = l.begun;
    bide__timer_init(&w->timer, call_check);
    if (l.unserved > 0)
        bide__timer_arm(j->loop, &w->timer, DEADLOCK_MS);
}

void bide__call_watch_end(struct call_watch *w)
{
    bide__timer_disarm(w->job->loop, &w->timer);
}

/* ---- life ---- */

struct loop_pool *bide__loop_pool(bide_loop *loop, enum thread_use use)
{
    static const struct {
        const char *what, *name;
    } uses[THREAD_USES] = {
        [FOR_CALLS] = {"bide_to_thread", "bide-thread"}, [FOR_FILES] = {"files", "bide-file"}, [FOR_NAMES] = {"names", "bide-name"}};
    if (loop->threads[use])
        return loop->threads[use];

    struct loop_pool *p = bide__calloc(1, sizeof *p);
    if (!p) {
        bide__fail_nomem("a thread pool");
        return NULL;
    }
    struct thread_limits limits = limits_of(loop, use);
    p->loop = loop;
    p->what = uses[use].what;
    p->ceiling = limits.ceiling;
    p->pool = bide__threads_new(uses[use].what, uses[use].name, limits);
    if (!p->pool) {
        bide__free(p);
        return NULL;
    }
    bide__timer_init(&p->stall, stall_check);
    return loop->threads[use] = p;
}

void bide__loop_pool_close(struct loop_pool *p)
{
    if (!p)
        return;
    bide__timer_disarm(p->loop, &p->stall);
    bide__object_unref(p->pool);
    bide__free(p);
}

/* ---- a loop that closes ---- */

/* asyncio waits for its default executor for 300 s, says so, and Python waits on when it exits. */
static void closing_is_late(struct timer *timer)
{
    struct closing_watch *w = container_of(timer, struct closing_watch, timer);
    const struct job *first = NULL;
    unsigned n = 0;

    for (struct list_node *node = w->loop->tasks.next; node != &w->loop->tasks; node = node->next) {
        const struct job *j = bide__job_begun(container_of(node, bide_task, all));
        first = first ? first : j;
        n += j != NULL;
    }
    if (n > 0)
        bide__loop_warn(w->loop, "the event loop was to be closed %d s ago, and waits for %u call%s in a thread (%s): what has begun "
                                 "there can not be ended early",
                        CLOSING_MS / 1000, n, n == 1 ? "" : "s", first->name);
}

void bide__closing_watch_begin(struct closing_watch *w, bide_loop *loop)
{
    w->loop = loop;
    bide__timer_init(&w->timer, closing_is_late);
    bide__timer_arm(loop, &w->timer, CLOSING_MS);
    loop->late = &w->timer;
}

void bide__closing_watch_end(struct closing_watch *w)
{
    bide__timer_disarm(w->loop, &w->timer);
    w->loop->late = NULL;
}

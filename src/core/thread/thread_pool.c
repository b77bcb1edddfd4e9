/* SPDX-License-Identifier: MIT */
/*
 * thread_pool.c - the threads that make blocking calls: thread.c has the task's side.
 *
 * A loop has two pools, made when they are first used: one for the user's calls, one for files, so that calls which block
 * do not stop the reading and writing of files.  While all threads are busy, one more is made for each job, up to a few
 * more than there are processors; beyond that only when nothing has moved for a moment, so that calls which compute do
 * not get more threads than they can use, and calls which wait for each other get as many as they need, up to the
 * ceiling.  There, jobs wait, and if none ends for seconds that is reported: it may be a deadlock.
 *
 * A thread ends when the pool is closed; when it was not needed for a while; or when the job ends it, by pthread_exit or
 * by being cancelled: then the caller gets an error.  It says so to the loop, which makes another one if there is work.
 *
 * Invariants:
 *   P1  queue, idle, live and begun are read and written under the lock; all else by the loop's thread.
 *   P2  a thread can be cancelled while it runs a job and at no other time.
 *   P3  a struct thread is in the list until the loop has seen its end; from then on the thread does not touch it.
 */
#include "core/thread/thread.h"

#include <signal.h>
#include <unistd.h>

#define AT_ONCE_MAX 32
#define STALL_MS 20
#define DEADLOCK_MS 5000
#define SPARE_S 10

enum phase { BEFORE, INSIDE, AFTER };

struct thread {
    struct list_node node; /* in pool->threads */
    struct thread_pool *pool;
    pthread_t id;
    struct job *job;
    enum phase phase; /* of the job */
    struct inbox_item over;
};

struct thread_pool {
    bide_loop *loop;
    const char *what;
    unsigned ceiling, at_once;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list_node queue;
    unsigned queued, idle, live;
    uint64_t begun; /* jobs */
    bool closing;
    struct list_node threads;
    struct timer stall; /* armed while jobs wait */
    uint64_t begun_before;
    int64_t stalled_ms; /* how long no job has begun */
};

/* ---- in the threads ---- */

/* False: this thread is spare.  It has waited long, and there are more than are made at once. */
static bool wait_for_work(struct thread_pool *p)
{
    struct timespec until;
    int code = 0;

    p->idle++;
    if (p->live > p->at_once) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += SPARE_S;
        code = pthread_cond_timedwait(&p->work, &p->lock, &until);
    } else {
        pthread_cond_wait(&p->work, &p->lock);
    }
    p->idle--;
    return code != ETIMEDOUT || p->live <= p->at_once;
}

/* NULL: there is nothing more to do for this thread. */
static struct job *next_job(struct thread_pool *p)
{
    struct job *j = NULL;

    pthread_mutex_lock(&p->lock);
    while (bide__list_is_empty(&p->queue) && !p->closing && wait_for_work(p))
        ;
    if (!bide__list_is_empty(&p->queue)) {
        j = container_of(p->queue.next, struct job, node);
        bide__list_remove(&j->node);
        p->queued--;
        p->begun++;
        j->begun = true;
    } else {
        p->live--;
    }
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void job_end(struct job *j)
{
    bide_loop *loop = j->pool->loop;

    j->error.code = 0;
    if (j->result < 0 && bide__error_current()->code)
        j->error = *bide__error_current();
    (void)bide__loop_post(loop, &j->item); /* closed: nobody waits for it any more */
}

/* The function is in a thread that may be cancelled; what was asked for while it was idle is not meant for this job. */
static void job_run(struct thread *t)
{
    struct job *j = t->job;

    bide_error_clear();
    t->phase = BEFORE;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    t->phase = INSIDE;
    j->result = j->fn(j->arg);
    t->phase = AFTER;
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    t->job = NULL;
    job_end(j);
}

/* Another thread is to take it. */
static void job_put_back(struct job *j)
{
    struct thread_pool *p = j->pool;

    pthread_mutex_lock(&p->lock);
    bide__list_prepend(&p->queue, &j->node);
    p->queued++;
    p->begun--;
    j->begun = false;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

/* Called by pthread_exit and by cancellation. */
static void thread_was_ended(void *arg)
{
    struct thread *t = arg;
    struct job *j = t->job;
    struct thread_pool *p = t->pool;

    pthread_mutex_lock(&p->lock);
    p->live--;
    pthread_mutex_unlock(&p->lock);
    if (t->phase == INSIDE) {
        bide_error_clear();
        j->result = bide_fail(BIDE_EWORKER, "%s: %s ended its thread (pthread_exit or pthread_cancel)", p->what, j->name);
    }
    if (t->phase == BEFORE)
        job_put_back(j);
    else
        job_end(j);
    (void)bide__loop_post(p->loop, &t->over);
}

static void *thread_main(void *arg)
{
    struct thread *t = arg;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_push(thread_was_ended, t);
    while ((t->job = next_job(t->pool)))
        job_run(t);
    pthread_cleanup_pop(0);
    (void)bide__loop_post(t->pool->loop, &t->over);
    return NULL;
}

/* ---- in the loop's thread: making threads ---- */

static void thread_over(struct inbox_item *item);

/* Signals are for the program's own threads; a fault stays with who makes it. */
static int start_thread(struct thread_pool *p)
{
    sigset_t none, before;
    struct thread *t = bide__malloc(sizeof *t);
    if (!t)
        return ENOMEM;

    *t = (struct thread){.pool = p, .over.run = thread_over};
    bide__list_init(&t->over.node);
    sigfillset(&none);
    sigdelset(&none, SIGSEGV);
    sigdelset(&none, SIGBUS);
    sigdelset(&none, SIGFPE);
    sigdelset(&none, SIGILL);
    pthread_mutex_lock(&p->lock);
    p->live++;
    pthread_mutex_unlock(&p->lock);
    pthread_sigmask(SIG_SETMASK, &none, &before);
    int code = pthread_create(&t->id, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) {
        bide__list_append(&p->threads, &t->node);
        return 0;
    }
    pthread_mutex_lock(&p->lock);
    p->live--;
    pthread_mutex_unlock(&p->lock);
    bide__free(t);
    return code;
}

/* How much there is to do for threads that do not exist yet. */
struct load {
    unsigned unserved, live;
    uint64_t begun;
};

static struct load load_of(struct thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct load l = {.unserved = p->queued > p->idle ? p->queued - p->idle : 0, .live = p->live, .begun = p->begun};
    pthread_mutex_unlock(&p->lock);
    return l;
}

/* Up to n more, if there is work for them and room below the bound. */
static int add_threads(struct thread_pool *p, unsigned n, unsigned bound)
{
    struct load l = load_of(p);
    int code = 0;

    n = n < l.unserved ? n : l.unserved;
    for (; n > 0 && l.live < bound && code == 0; n--, l.live++)
        code = start_thread(p);
    return code;
}

static void watch_for_stall(struct thread_pool *p)
{
    struct load l = load_of(p);

    if (l.unserved == 0 || bide__timer_is_armed(&p->stall))
        return;
    p->begun_before = l.begun;
    p->stalled_ms = 0;
    bide__timer_arm(p->loop, &p->stall, STALL_MS);
}

static void report_stall(const struct thread_pool *p, const struct load *l)
{
    bide__loop_warn(p->loop, "%s: none of %u calls has returned for %d s, all threads are taken, and %u calls wait for one; "
                             "if the former wait for the latter, none will ever return",
                    p->what, l->live, DEADLOCK_MS / 1000, l->unserved);
}

/* Jobs wait still.  If none has begun meanwhile, the threads are blocked, not busy: as many again. */
static void stall_check(struct timer *timer)
{
    struct thread_pool *p = container_of(timer, struct thread_pool, stall);
    struct load l = load_of(p);
    if (l.unserved == 0)
        return;

    p->stalled_ms = l.begun == p->begun_before ? p->stalled_ms + STALL_MS : 0;
    p->begun_before = l.begun;
    if (p->stalled_ms > 0 && l.live < p->ceiling)
        (void)add_threads(p, l.live > 0 ? l.live : 1, p->ceiling); /* what cannot be made now is tried again soon */
    else if (p->stalled_ms == DEADLOCK_MS)
        report_stall(p, &l);
    bide__timer_arm(p->loop, &p->stall, STALL_MS);
}

static void thread_free(struct thread *t)
{
    bide__list_remove(&t->node);
    bide__free(t);
}

static void thread_over(struct inbox_item *item)
{
    struct thread *t = container_of(item, struct thread, over);
    struct thread_pool *p = t->pool;

    pthread_detach(t->id);
    thread_free(t);
    (void)add_threads(p, 1, p->at_once);
    watch_for_stall(p);
}

/* ---- life ---- */

static struct thread_pool *pool_new(bide_loop *loop, enum thread_use use)
{
    pthread_condattr_t monotonic;
    struct thread_pool *p = bide__calloc(1, sizeof *p);
    if (!p) {
        bide__fail_nomem("a thread pool");
        return NULL;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    p->loop = loop;
    p->what = use == FOR_FILES ? "files" : "bide_to_thread";
    p->ceiling = use == FOR_FILES ? FILE_THREADS_MAX : BIDE_THREADS_MAX;
    p->at_once = cores > 0 && cores + 4 < AT_ONCE_MAX ? (unsigned)cores + 4 : AT_ONCE_MAX;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bide__list_init(&p->queue);
    bide__list_init(&p->threads);
    bide__timer_init(&p->stall, stall_check);
    return p;
}

void bide__threads_close(struct thread_pool *p)
{
    if (!p)
        return;
    bide__timer_disarm(p->loop, &p->stall);
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    while (!bide__list_is_empty(&p->threads)) {
        struct thread *t = container_of(p->threads.next, struct thread, node);
        pthread_join(t->id, NULL);
        thread_free(t);
    }
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    bide__free(p);
}

/* ---- jobs ---- */

struct thread_pool *bide__threads(bide_loop *loop, enum thread_use use)
{
    if (!loop->threads[use])
        loop->threads[use] = pool_new(loop, use);
    return loop->threads[use];
}

int bide__threads_submit(struct thread_pool *p, struct job *j)
{
    pthread_mutex_lock(&p->lock);
    bide__list_append(&p->queue, &j->node);
    p->queued++;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);

    int code = add_threads(p, 1, p->at_once);
    if (code != 0 && load_of(p).live == 0 && bide__threads_take_back(j)) /* without any thread, nobody would do it */
        return code == ENOMEM ? bide__fail_nomem("a thread for blocking calls")
                              : bide_fail(-code, "a thread for blocking calls: %s", bide_strerror(-code));
    watch_for_stall(p);
    return 0;
}

bool bide__threads_take_back(struct job *j)
{
    struct thread_pool *p = j->pool;

    pthread_mutex_lock(&p->lock);
    bool was_queued = !j->begun && bide__list_is_linked(&j->node);
    if (was_queued) {
        bide__list_remove(&j->node);
        p->queued--;
    }
    pthread_mutex_unlock(&p->lock);
    return was_queued;
}

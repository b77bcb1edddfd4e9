/* SPDX-License-Identifier: MIT */
/*
 * thread.c - blocking calls in threads.
 *
 * A loop has a pool of its own, made when it is first used: threads are added while all of them are busy, up to a
 * bound, and end with the loop.  A job lies on the stack of the task that waits for it, so submitting needs no memory.
 *
 *     task: queue the job, park      thread: take it, run it, post it to the loop's inbox      loop: push the task
 */
#include "core/core.h"

#include <signal.h>
#include <unistd.h>

#define THREADS_MAX 32

struct job {
    struct list_node node; /* in the queue until a thread takes it */
    struct inbox_item item;
    struct wait wait;
    struct thread_pool *pool;
    int (*fn)(void *arg);
    void *arg;
    int result;
    struct error_record error; /* the thread's, if it failed */
    bool begun;
};

struct thread_pool {
    bide_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list_node queue;
    pthread_t threads[THREADS_MAX];
    unsigned nthreads, max, idle, queued;
    bool closing;
};

/* ---- in the threads ---- */

static struct job *next_job(struct thread_pool *p)
{
    struct job *j = NULL;

    pthread_mutex_lock(&p->lock);
    p->idle++;
    while (bide__list_is_empty(&p->queue) && !p->closing)
        pthread_cond_wait(&p->work, &p->lock);
    p->idle--;
    if (!bide__list_is_empty(&p->queue)) {
        j = container_of(p->queue.next, struct job, node);
        bide__list_remove(&j->node);
        p->queued--;
        j->begun = true;
    }
    pthread_mutex_unlock(&p->lock);
    return j;
}

static void *thread_main(void *arg)
{
    struct thread_pool *p = arg;
    struct job *j;

    while ((j = next_job(p))) {
        bide_error_clear();
        j->result = j->fn(j->arg);
        j->error.code = 0;
        if (j->result < 0 && bide__error_current()->code)
            j->error = *bide__error_current();
        (void)bide__loop_post(p->loop, &j->item); /* closed: nobody waits for it any more */
    }
    return NULL;
}

/* ---- the pool ---- */

static struct thread_pool *pool_of(bide_loop *loop)
{
    if (loop->threads)
        return loop->threads;
    struct thread_pool *p = bide__calloc(1, sizeof *p);
    if (!p) {
        bide__fail_nomem("a thread pool");
        return NULL;
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    p->loop = loop;
    p->max = cores > 0 && cores + 4 < THREADS_MAX ? (unsigned)cores + 4 : THREADS_MAX;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    bide__list_init(&p->queue);
    return loop->threads = p;
}

/* Signals are for the program's own threads; a fault stays with who makes it. */
static int start_thread(struct thread_pool *p)
{
    sigset_t none, before;

    sigfillset(&none);
    sigdelset(&none, SIGSEGV);
    sigdelset(&none, SIGBUS);
    sigdelset(&none, SIGFPE);
    sigdelset(&none, SIGILL);
    pthread_sigmask(SIG_SETMASK, &none, &before);
    int code = pthread_create(&p->threads[p->nthreads], NULL, thread_main, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        p->nthreads++;
    return code;
}

/* One more thread if none is free.  Without any thread at all, nobody would ever do the work. */
static int ensure_thread(struct thread_pool *p, bool one_is_free)
{
    if (one_is_free || p->nthreads == p->max)
        return 0;
    int code = start_thread(p);
    return p->nthreads > 0 ? 0 : bide_fail(-code, "a thread for blocking calls: %s", bide_strerror(-code));
}

void bide__threads_close(struct thread_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->nthreads; i++)
        pthread_join(p->threads[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    bide__free(p);
}

/* ---- in the task ---- */

static bool take_back(struct job *j)
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

/* Only what no thread has begun can end early. */
static bool job_end_early(struct wait *w)
{
    struct job *j = container_of(w, struct job, wait);

    return take_back(j) && bide__wait_end_now(w);
}

static void job_done(struct inbox_item *item)
{
    struct job *j = container_of(item, struct job, item);

    bide__push(j->pool->loop, &j->wait.task->ready);
}

static int submit(struct thread_pool *p, struct job *j)
{
    pthread_mutex_lock(&p->lock);
    bool one_is_free = p->idle > p->queued; /* some of the idle ones are about to wake for what is queued */
    pthread_mutex_unlock(&p->lock);
    int code = ensure_thread(p, one_is_free);
    if (code < 0)
        return code;

    pthread_mutex_lock(&p->lock);
    bide__list_append(&p->queue, &j->node);
    p->queued++;
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

/* Queue the job and park until it has been done, or was taken back. */
static int run_in_pool(bide_task *t, struct job *j, struct wait *w)
{
    struct thread_pool *p = pool_of(t->future.loop);
    int code = p ? 0 : BIDE_ENOMEM;

    j->pool = p;
    j->item.run = job_done;
    bide__list_init(&j->node);
    bide__list_init(&j->item.node);
    if (code == 0)
        code = submit(p, j);
    if (code < 0)
        return code;
    t->future.loop->outside++;
    bide__park(t, w);
    t->future.loop->outside--;
    return 0;
}

int bide__offload(int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_required("bide_to_thread");
    int code = t ? bide__pending_interrupt(t) : bide_error_code();
    if (code < 0)
        return code;

    struct job j = {.wait = {.end_early = job_end_early, .task = t}, .fn = fn, .arg = arg};
    code = run_in_pool(t, &j, &j.wait);
    if (code < 0)
        return code;
    if (!j.begun)
        return bide__wait_outcome(&j.wait);
    if (j.result < 0)
        bide__error_adopt(&j.error);
    return j.result;
}

int bide__offload_surely(int (*fn)(void *arg), void *arg)
{
    bide_task *t = bide__task_here();
    struct job j = {.wait.task = t, .fn = fn, .arg = arg};
    int code = run_in_pool(t, &j, NULL);

    return code < 0 ? code : j.result;
}

static int call_coroutine(void *arg)
{
    const bide_coroutine *c = arg;

    return bide__call_words(c->fn, c->argc, c->argv);
}

int bide_to_thread(bide_coroutine c)
{
    int code = bide__offload(call_coroutine, &c);
    bide_task *t = bide__task_here();

    if (t && t->must_cancel)
        return bide__pending_interrupt(t);
    return code;
}

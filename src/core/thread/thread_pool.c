/* SPDX-License-Identifier: MIT */
/*
 * thread_pool.c - threads that make blocking calls, and the queue of those calls: thread.c has the task's side.
 *
 * A pool belongs to no loop: each job knows the loop to which it goes back.  While no thread is idle, one more is made for
 * each job, up to limits.at_once; beyond that only when somebody says so (loop_pools.c).
 *
 * A thread ends when the pool has lost its last share; when it was idle for a while; or when the job ends it, by pthread_exit
 * or by being cancelled: then the caller gets an error, and there will be another thread if there is work.  Whoever makes the
 * next thread, or frees the pool, joins those that have ended.
 *
 * Invariants:
 *   P1  everything but the limits is read and written under the lock, or, in a struct thread, by that thread.
 *   P2  a thread can be cancelled while it runs a job and at no other time.
 *   P3  a struct thread is in `threads` or in `ended`; from then on its thread does not take the lock any more, and is joined
 *       before it and the pool are freed.
 *   P4  while jobs are queued there is a thread: when the last one is gone and none can be made, they fail.
 */
#include "core/thread/thread.h"

#define SPARE_S 10
#define NAME_MAX_BYTES 15 /* of a thread, as the kernel has it */

enum phase { BEFORE, INSIDE, AFTER };

struct thread {
    struct list_node node;
    bide_thread_pool *pool;
    pthread_t id;
    struct job *job;
    enum phase phase; /* of the job */
    bool is_busy;
};

struct bide_thread_pool {
    struct object object;
    struct thread_limits limits;
    unsigned process; /* bide__process when it was made */
    char what[32], name[NAME_MAX_BYTES + 1];
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list_node queue;
    unsigned queued, live, busy, shares; /* busy: of the live threads, those that have a job */
    uint64_t begun; /* jobs */
    uint64_t reported; /* 1 + begun, when a stall was */
    bool closing;
    struct list_node threads, ended;
};

/* ---- in the threads ---- */

/* False: this thread was idle for long enough. */
static bool wait_for_work(bide_thread_pool *p)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += SPARE_S;
    atomic_fetch_add(&bide__idle_threads, 1);
    int code = pthread_cond_timedwait(&p->work, &p->lock, &until);
    atomic_fetch_sub(&bide__idle_threads, 1);
    return code != ETIMEDOUT;
}

static void set_busy(struct thread *t, bool busy)
{
    t->pool->busy += (unsigned)busy - (unsigned)t->is_busy;
    t->is_busy = busy;
}

static struct job *take_first(struct thread *t)
{
    bide_thread_pool *p = t->pool;
    struct job *j = container_of(p->queue.next, struct job, node);

    bide__list_remove(&j->node);
    p->queued--;
    p->begun++;
    j->begun = true;
    set_busy(t, true);
    return j;
}

/* It is to be joined from now on. */
static void leave(struct thread *t)
{
    set_busy(t, false);
    t->pool->live--;
    bide__list_remove(&t->node);
    bide__list_append(&t->pool->ended, &t->node);
}

/* NULL: there is nothing more to do for this thread. */
static struct job *next_job(struct thread *t)
{
    bide_thread_pool *p = t->pool;
    struct job *j = NULL;

    pthread_mutex_lock(&p->lock);
    set_busy(t, false);
    while (bide__list_is_empty(&p->queue) && !p->closing && wait_for_work(p))
        ;
    if (!bide__list_is_empty(&p->queue))
        j = take_first(t);
    else
        leave(t);
    pthread_mutex_unlock(&p->lock);
    return j;
}

/* The last that a thread does with a job: from then on its task may go on. */
static void job_end(struct job *j)
{
    j->error.code = 0;
    if (j->result < 0 && bide__error_current()->code)
        j->error = *bide__error_current();
    (void)bide__loop_post(j->loop, &j->item); /* it does not close before the task has ended */
}

/* A timeline is recorded, in which this thread has its own track. */
static int call_noted(struct job *j)
{
    struct track *k = bide__track_begin();
    if (!k)
        return j->fn(j->arg);

    bide__track_put(k, bide__track_first(TL_CALL, 0, bide__name_of_function(j->name), (uint32_t)j->queued_by), (uint64_t)bide__clock_ns(), 0,
                    (uint64_t)j->queued_ns);
    int code = j->fn(j->arg);
    j->ended_ns = bide__clock_ns();
    j->ended_by = k->thread;
    bide__track_put(k, bide__track_first(TL_CALL_END, 0, 0, 0), (uint64_t)j->ended_ns, 0, (uint64_t)(int64_t)code);
    return code;
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
    bide__context_outside = j->context;
    j->result = bide__timeline_on() ? call_noted(j) : j->fn(j->arg);
    bide__context_outside = NULL;
    t->phase = AFTER;
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    t->job = NULL;
    job_end(j);
}

static int start_thread(bide_thread_pool *p);

static unsigned unserved(const bide_thread_pool *p)
{
    unsigned idle = p->live - p->busy;

    return p->queued > idle ? p->queued - idle : 0;
}

/* Nobody is left who could do the jobs that are queued: they go to `failed`. */
static void give_up_queue(bide_thread_pool *p, struct list_node *failed)
{
    bide__list_splice(failed, &p->queue);
    p->queued = 0;
    for (struct list_node *n = failed->next; n != failed; n = n->next)
        container_of(n, struct job, node)->begun = true;
}

/* With the lock held: a thread was lost.  Another one takes its place, if there is work; if none can be made, jobs fail. */
static void replace_lost(bide_thread_pool *p, struct list_node *failed)
{
    if (unserved(p) > 0 && p->live < p->limits.at_once && start_thread(p) != 0 && p->live == 0)
        give_up_queue(p, failed);
}

static void fail_jobs(struct list_node *failed, const char *what)
{
    while (!bide__list_is_empty(failed)) {
        struct job *j = container_of(failed->next, struct job, node);
        bide__list_remove(&j->node);
        bide_error_clear();
        j->result = bide_fail(-EAGAIN, "%s: a thread for blocking calls: %s", what, bide_strerror(-EAGAIN));
        job_end(j);
    }
}

/* Called by pthread_exit and by cancellation. */
static void thread_was_ended(void *arg)
{
    struct thread *t = arg;
    struct job *j = t->job;
    bide_thread_pool *p = t->pool;
    struct list_node failed;

    bide__list_init(&failed);
    if (t->phase == INSIDE) {
        bide_error_clear();
        j->result = bide_fail(BIDE_EWORKER, "%s: %s ended its thread (pthread_exit or pthread_cancel)", p->what, j->name);
    }
    pthread_mutex_lock(&p->lock);
    if (t->phase == BEFORE) { /* another thread is to take it */
        bide__list_prepend(&p->queue, &j->node);
        p->queued++;
        p->begun--;
        j->begun = false;
        pthread_cond_signal(&p->work);
    }
    leave(t);
    replace_lost(p, &failed);
    pthread_mutex_unlock(&p->lock);
    fail_jobs(&failed, p->what);
    if (t->phase != BEFORE)
        job_end(j);
}

static void *thread_main(void *arg)
{
    struct thread *t = arg;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setname_np(pthread_self(), t->pool->name);
    pthread_cleanup_push(thread_was_ended, t);
    while ((t->job = next_job(t)))
        job_run(t);
    pthread_cleanup_pop(0);
    return NULL;
}

/* ---- making and ending threads; with the lock held ---- */

/* They are on their way out, so this is short. */
static void join_ended(bide_thread_pool *p)
{
    while (!bide__list_is_empty(&p->ended)) {
        struct thread *t = container_of(p->ended.next, struct thread, node);
        bide__block_begin();
        pthread_join(t->id, NULL);
        bide__block_end();
        bide__list_remove(&t->node);
        bide__free(t);
    }
}

static int start_thread(bide_thread_pool *p)
{
    struct thread *t = bide__malloc(sizeof *t);
    if (!t)
        return ENOMEM;

    *t = (struct thread){.pool = p};
    int code = bide__quiet_thread(&t->id, thread_main, t);
    if (code != 0) {
        bide__free(t);
        return code;
    }
    p->live++;
    bide__list_append(&p->threads, &t->node);
    return 0;
}

/* ---- life ---- */

static void pool_free(bide_thread_pool *p)
{
    while (!bide__list_is_empty(&p->threads)) { /* they see that it is closing */
        struct thread *t = container_of(p->threads.next, struct thread, node);
        pthread_t id = t->id;
        pthread_mutex_unlock(&p->lock);
        bide__block_begin();
        pthread_join(id, NULL);
        bide__block_end();
        pthread_mutex_lock(&p->lock);
        bide__list_remove(&t->node); /* from `ended` */
        bide__free(t);
    }
    join_ended(p);
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    bide__object_free(p);
}

void bide__threads_unref(bide_thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    if (--p->shares > 0) {
        pthread_mutex_unlock(&p->lock);
        return;
    }
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pool_free(p);
}

/* Its threads are the parent's, and so is what they hold. */
static bool is_inherited(const bide_thread_pool *p)
{
    return p->process != bide__process;
}

static void pool_destroy(void *object)
{
    bide_thread_pool *p = object;
    if (is_inherited(p))
        return;

    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    bide__threads_unref(p);
}

static const struct object_type pool_type = {.name = "thread pool", .destroy = pool_destroy};

bide_thread_pool *bide__threads_new(const char *what, const char *name, struct thread_limits limits)
{
    bide_thread_pool *p = bide__object_zalloc(sizeof *p);
    if (!p) {
        bide__fail_nomem("a thread pool");
        return NULL;
    }
    bide__run_init();
    bide__object_init(p, &pool_type);
    p->limits = limits;
    p->process = bide__process;
    p->shares = 1;
    stpncpy(p->what, what, sizeof p->what - 1);
    stpncpy(p->name, name, sizeof p->name - 1);
    pthread_mutex_init(&p->lock, NULL);
    bide__cond_init(&p->work);
    bide__list_init(&p->queue);
    bide__list_init(&p->threads);
    bide__list_init(&p->ended);
    return p;
}

int bide__check_threads(int64_t n, const char *function)
{
    if (n >= 0 && n <= BIDE_THREADS_MAX)
        return 0;
    return bide_fail(-EINVAL, "%s: threads = %lld: 1 to %d, or 0 for the default", function, (long long)n, BIDE_THREADS_MAX);
}

bide_thread_pool *bide_thread_pool_new_with(const bide_thread_pool_args *options)
{
    static const char function[] = "bide_thread_pool_new";
    bide_thread_pool_args args;
    BIDE_TRY_NULL(bide__options_take(&args, sizeof args, options, function));
    BIDE_TRY_NULL(bide__check_named(args.guard_, function));
    BIDE_TRY_NULL(bide__check_threads(args.threads, function));
    BIDE_TRY_NULL(bide__check_number(function, "max_queued", args.max_queued, 0));
    unsigned n = args.threads > 0 ? (unsigned)args.threads : THREADS_AT_ONCE;

    return bide__threads_new(args.name ? args.name : "bide_to_thread", args.name ? args.name : "bide-thread",
                          (struct thread_limits){n, n, (unsigned)args.max_queued});
}

/* ---- jobs ---- */

/* 0, or why there is no thread at all for a job that is queued; then it is not queued any more. */
static int provide_thread(bide_thread_pool *p, struct job *j)
{
    int code = unserved(p) > 0 && p->live < p->limits.at_once ? start_thread(p) : 0;
    if (code == 0 || p->live > 0) /* then one of those will do it */
        return 0;
    bide__list_remove(&j->node);
    p->queued--;
    return code;
}

static int submit(bide_thread_pool *p, struct job *j)
{
    if (p->closing)
        return ESHUTDOWN;
    if (p->limits.queued_max > 0 && p->queued >= p->limits.queued_max + p->limits.at_once - p->busy)
        return EDQUOT;
    join_ended(p);
    bide__list_append(&p->queue, &j->node);
    p->queued++;
    int code = provide_thread(p, j);
    if (code == 0) {
        p->shares++;
        pthread_cond_signal(&p->work);
    }
    return code;
}

int bide__threads_submit(bide_thread_pool *p, struct job *j)
{
    if (is_inherited(p))
        return bide__inherited("bide_to_thread");
    pthread_mutex_lock(&p->lock);
    int code = submit(p, j);
    pthread_mutex_unlock(&p->lock);

    switch (code) {
    case 0:
        return 0;
    case ESHUTDOWN:
        return bide_fail(BIDE_ECLOSED, "bide_to_thread: the pool %s was released", p->what);
    case EDQUOT:
        return bide_fail(BIDE_ELIMIT, "%s: %u calls wait for a thread already (max_queued)", p->what, p->limits.queued_max);
    case ENOMEM:
        return bide__fail_nomem("a thread for blocking calls");
    default:
        return bide_fail(-code, "a thread for blocking calls: %s", bide_strerror(-code));
    }
}

bool bide__threads_take_back(struct job *j)
{
    bide_thread_pool *p = j->pool;

    pthread_mutex_lock(&p->lock);
    bool was_queued = !j->begun && bide__list_is_linked(&j->node);
    if (was_queued) {
        bide__list_remove(&j->node);
        p->queued--;
    }
    pthread_mutex_unlock(&p->lock);
    return was_queued;
}

bool bide__threads_has_begun(const struct job *j)
{
    pthread_mutex_lock(&j->pool->lock);
    bool begun = j->begun;
    pthread_mutex_unlock(&j->pool->lock);
    return begun;
}

/* ---- for who watches it ---- */

struct load bide__threads_load(bide_thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct load l = {.unserved = unserved(p), .live = p->live, .begun = p->begun};
    pthread_mutex_unlock(&p->lock);
    return l;
}

bool bide__threads_is_news(bide_thread_pool *p, uint64_t begun)
{
    pthread_mutex_lock(&p->lock);
    bool is_news = p->reported != begun + 1;
    p->reported = begun + 1;
    pthread_mutex_unlock(&p->lock);
    return is_news;
}

const char *bide__threads_what(const bide_thread_pool *p)
{
    return p->what;
}

void bide__threads_grow(bide_thread_pool *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned n = p->live > 0 ? p->live : 1;
    n = n < unserved(p) ? n : unserved(p);
    while (n-- > 0 && p->live < p->limits.ceiling && start_thread(p) == 0)
        ; /* what cannot be made now is tried again soon */
    pthread_mutex_unlock(&p->lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * threads.c - a loop in each of several threads: bide_threads_run, and which thread this is.
 *
 * The calling thread is the first of them.  Each has a loop, and in it a task that runs the coroutine; the first error is kept,
 * and the tasks of the others are cancelled, each by an item in the inbox of its loop.  So are all by SIGINT, which the calling
 * thread handles: in its loop, and when that has ended, while it waits for the others.
 *
 * Invariants:
 *   R1  what says "under the lock" is read and written so; a loop that stands there is open.
 *   R2  a member's task is touched in its own thread alone.
 */
#include "core/core.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

struct threads;

struct member {
    struct threads *all;
    int index;
    pthread_t id;
    bide_loop *loop; /* under the lock; NULL: not yet, or no more */
    bide_task *task; /* NULL: not begun, or ended */
    struct inbox_item cancel;
    bool is_cancelled;
};

struct threads {
    const bide_threads_args *args;
    int n;
    bool handles_interrupts; /* the calling thread */
    struct interruptible interruptible;
    pthread_mutex_t lock;
    bool is_ending; /* under the lock, as is all that follows: the cancellations are posted, and nobody begins */
    const char *reason;
    int running; /* of the threads that were made */
    int code; /* 0: none has failed */
    struct error_record error;
    struct member members[];
};

static _Thread_local int thread_index = -1;

int bide_thread_index(void)
{
    return thread_index;
}

void bide__set_thread_index(int index)
{
    thread_index = index;
}

/* ---- processors ---- */

/* The set of those that this thread may use, of *size bytes; NULL: there was no memory, or none is known. */
static cpu_set_t *allowed_processors(size_t *size)
{
    for (int n = CPU_SETSIZE; n <= 64 * CPU_SETSIZE; n *= 2) {
        *size = CPU_ALLOC_SIZE(n);
        cpu_set_t *set = bide__calloc(1, *size);
        if (!set || sched_getaffinity(0, *size, set) == 0)
            return set;
        bide__free(set);
        if (errno != EINVAL) /* the kernel has more of them */
            return NULL;
    }
    return NULL;
}

int bide_processors(void)
{
    size_t size;
    cpu_set_t *set = allowed_processors(&size);
    long n = set ? CPU_COUNT_S(size, set) : sysconf(_SC_NPROCESSORS_ONLN);

    bide__free(set);
    return n > 0 ? (int)n : 1;
}

/* This thread stays on the i-th of those that are allowed.  What the kernel refuses is left as it is. */
static void pin_to(int i)
{
    size_t size;
    cpu_set_t *set = allowed_processors(&size);
    int n = set ? CPU_COUNT_S(size, set) : 0, at = -1;

    for (int left = n > 0 ? i % n : -1; left >= 0; left--)
        do
            at++;
        while (!CPU_ISSET_S(at, size, set));
    if (at >= 0) {
        CPU_ZERO_S(size, set);
        CPU_SET_S(at, size, set);
        pthread_setaffinity_np(pthread_self(), size, set);
    }
    bide__free(set);
}

/* ---- one of the threads ---- */

static void cancel_member(struct inbox_item *item)
{
    struct member *m = container_of(item, struct member, cancel);

    pthread_mutex_lock(&m->all->lock);
    const char *reason = m->all->reason;
    pthread_mutex_unlock(&m->all->lock);
    m->is_cancelled = true;
    if (m->task)
        bide_task_cancel_because(m->task, reason);
}

/* With the lock held. */
static void cancel_all(struct threads *all, const char *reason)
{
    if (all->is_ending)
        return;
    all->is_ending = true;
    all->reason = reason;
    for (int i = 0; i < all->n; i++)
        if (all->members[i].loop)
            (void)bide__loop_post(all->members[i].loop, &all->members[i].cancel); /* a forked child has no others */
}

static void interrupted(struct interruptible *i)
{
    struct threads *all = container_of(i, struct threads, interruptible);

    pthread_mutex_lock(&all->lock);
    cancel_all(all, "SIGINT");
    pthread_mutex_unlock(&all->lock);
}

/* The first error: it is on record here.  The others are to end. */
static void note_error(struct threads *all, int code)
{
    pthread_mutex_lock(&all->lock);
    if (all->code == 0) {
        all->code = code;
        all->error = *bide__error_current();
        cancel_all(all, NULL);
    }
    pthread_mutex_unlock(&all->lock);
}

/* False: another one has failed already, or SIGINT came. */
static bool enter(struct member *m, bide_loop *loop)
{
    pthread_mutex_lock(&m->all->lock);
    bool may = !m->all->is_ending;
    m->loop = may ? loop : NULL;
    pthread_mutex_unlock(&m->all->lock);
    if (may && m->index == 0 && m->all->handles_interrupts)
        bide__interrupts_enter(loop);
    return may;
}

static void leave(struct member *m, bide_loop *loop)
{
    if (m->index == 0 && m->all->handles_interrupts)
        bide__interrupts_leave(loop);
    pthread_mutex_lock(&m->all->lock);
    m->loop = NULL;
    pthread_mutex_unlock(&m->all->lock);
}

static int cancelled_before(void)
{
    return bide_fail(BIDE_ECANCELED, "bide_threads_run: cancelled before all threads had begun");
}

static int member_task(struct member *m)
{
    const bide_coroutine *c = &m->all->args->coroutine;
    if (m->is_cancelled)
        return cancelled_before();

    m->task = bide_current_task();
    int code = bide__call_words(c->fn, c->argc, c->argv);
    m->task = NULL;
    return bide__on_record(code, c->name);
}

static void run_member(struct member *m)
{
    bide_loop *loop = bide_loop_new();
    if (!loop) {
        note_error(m->all, bide_error_code());
        return;
    }

    int before = thread_index;
    thread_index = m->index;
    int code = enter(m, loop) ? bide_run_until_complete(loop, bide_coro(member_task, m)) : cancelled_before();
    if (code < 0)
        note_error(m->all, code);
    leave(m, loop);
    bide_release(loop);
    thread_index = before;
}

static void *thread_main(void *arg)
{
    struct member *m = arg;
    const char *name = m->all->args->name ? m->all->args->name : "bide-loop";
    char text[16];

    snprintf(text, sizeof text, "%.10s-%d", name, m->index);
    pthread_setname_np(pthread_self(), text);
    if (m->all->args->pin)
        pin_to(m->index);
    run_member(m);
    pthread_mutex_lock(&m->all->lock);
    m->all->running--;
    pthread_mutex_unlock(&m->all->lock);
    if (m->all->handles_interrupts)
        bide__interrupts_wake();
    return NULL;
}

/* ---- all of them ---- */

static struct threads *threads_new(int n, const bide_threads_args *args)
{
    struct threads *all = bide__calloc(1, sizeof *all + (size_t)n * sizeof *all->members);
    if (!all) {
        bide__fail_nomem("bide_threads_run");
        return NULL;
    }
    all->args = args;
    all->n = n;
    all->interruptible.cancel = interrupted;
    pthread_mutex_init(&all->lock, NULL);
    for (int i = 0; i < n; i++) {
        all->members[i] = (struct member){.all = all, .index = i, .cancel.run = cancel_member};
        bide__list_init(&all->members[i].cancel.node);
    }
    return all;
}

/* The first in this thread, which is pinned for that time alone. */
static void run_here(struct member *m)
{
    size_t size;
    cpu_set_t *before = m->all->args->pin ? allowed_processors(&size) : NULL;
    if (before)
        pin_to(0);

    run_member(m);
    if (before)
        pthread_setaffinity_np(pthread_self(), size, before);
    bide__free(before);
}

static int start(struct member *m)
{
    pthread_mutex_lock(&m->all->lock);
    int code = bide__quiet_thread(&m->id, thread_main, m);
    m->all->running += code == 0;
    pthread_mutex_unlock(&m->all->lock);
    return code == 0 ? 0 : bide_fail(-code, "bide_threads_run: no thread could be made: %s", bide_strerror(-code));
}

static bool others_run(struct threads *all)
{
    if (all->interruptible.process != bide__process)
        return false; /* nor are they in the child of a fork */
    pthread_mutex_lock(&all->lock);
    bool some = all->running > 0;
    pthread_mutex_unlock(&all->lock);
    return some;
}

static void run(struct threads *all)
{
    int started = 1;

    for (; started < all->n; started++)
        if (start(&all->members[started]) < 0) {
            note_error(all, bide_error_code());
            break;
        }
    run_here(&all->members[0]);
    while (all->handles_interrupts && others_run(all))
        bide__interrupts_wait();
    for (int i = 1; i < started; i++)
        pthread_join(all->members[i].id, NULL);
}

static void run_interruptible(struct threads *all)
{
    all->handles_interrupts = bide__interrupts_begin();
    bide__interruptible_add(&all->interruptible);
    run(all);
    bide__interruptible_remove(&all->interruptible);
    if (all->handles_interrupts)
        BIDE_IGNORE(bide__interrupts_end());
}

int bide_threads_run_with(int n, const bide_threads_args *options)
{
    static const char function[] = "bide_threads_run";
    bide_threads_args args;
    BIDE_TRY(bide__options_take(&args, sizeof args, options, function));
    BIDE_TRY(bide__check_named(args.guard_, function));
    if (!args.coroutine.fn)
        return bide_fail(-EINVAL, "%s: the function is NULL", function);
    if (n != BIDE_ALL_PROCESSORS)
        BIDE_TRY(bide__check_threads(n, function));
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "%s: an event loop is running in this thread already", function);

    int processors = bide_processors() < BIDE_THREADS_MAX ? bide_processors() : BIDE_THREADS_MAX;
    struct threads *all = threads_new(n > 0 ? n : processors, &args);
    if (!all)
        return BIDE_ENOMEM;
    if (args.leave_signals)
        run(all);
    else
        run_interruptible(all);
    int code = all->code;
    if (code < 0)
        bide__error_adopt(&all->error);
    pthread_mutex_destroy(&all->lock);
    bide__free(all);
    return code;
}

/* SPDX-License-Identifier: MIT */
/*
 * stacks.c - the stacks of the tasks, for a report: equal ones once, with the tasks that have them.
 *
 * Names and lines are libdw's, which allocates and locks.  So this is for a thread that runs normally: the one that asked for a report, or
 * the one below, which a signal handler wakes.  The handler itself copies the stack that it interrupted, and nothing else.
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "inspect/kept/capture.h"
#include "inspect/modules.h"
#include "inspect/overview/report.h"

#define TASKS_LOOKED_AT 10000 /* of all loops */
#define GROUPS_MAX 256        /* different stacks */
#define TASKS_NAMED 16        /* of a group */
#define FRAMES_SHOWN 20

struct alike {
    size_t nframes, ntasks;
    uintptr_t pcs[FRAMES_MAX];
    uint64_t tasks[TASKS_NAMED];
};

struct stacks {
    struct snapshot snapshot;
    size_t ngroups, left_out; /* tasks whose stack is one too many */
    struct alike groups[GROUPS_MAX];
};

/* ---- collecting ---- */

static struct alike *alike_of(struct stacks *all, const uintptr_t *pcs, size_t n)
{
    for (size_t i = 0; i < all->ngroups; i++)
        if (all->groups[i].nframes == n && memcmp(all->groups[i].pcs, pcs, n * sizeof *pcs) == 0)
            return &all->groups[i];
    if (all->ngroups == GROUPS_MAX)
        return NULL;
    struct alike *g = &all->groups[all->ngroups++];

    g->nframes = n;
    g->ntasks = 0;
    memcpy(g->pcs, pcs, n * sizeof *pcs);
    return g;
}

static void add(struct stacks *all, const struct snapshot *s, uint64_t task)
{
    uintptr_t pcs[FRAMES_MAX];
    size_t n = bide__unwind(s, pcs, FRAMES_MAX);
    if (n == 0)
        return;
    struct alike *g = alike_of(all, pcs, n);

    if (!g)
        all->left_out++;
    else if (g->ntasks++ < TASKS_NAMED)
        g->tasks[g->ntasks - 1] = task;
}

static void add_parked(struct stacks *all, const struct seen *s)
{
    if (s->has_top && s->task.started && bide__capture_parked(&all->snapshot, &s->task.fiber.context, (uintptr_t)bide__task_top(&s->task)))
        add(all, &all->snapshot, s->task.id);
}

/* The tasks that wait.  What is saved of one that runs is older than what it does. */
static void add_all(struct stacks *all)
{
    struct seen_loop loop = {.alive = bide__loops_alive};
    struct seen s;
    size_t n = 0;

    for (const bide_loop *at; (at = bide__report_next_loop(&loop));) {
        const bide_task *t = bide__report_next_task(at, &at->tasks);
        for (; t && n < TASKS_LOOKED_AT && bide__report_see(&s, t); t = bide__report_next_task(at, &t->all), n++)
            if (!loop.runner || loop.current != t)
                add_parked(all, &s);
    }
}

/* ---- writing ---- */

static void put_frames(struct report *r, const struct alike *g)
{
    char symbol[SYMBOL_TEXT_MAX];

    for (size_t i = 0, shown = 0; i < g->nframes && shown < FRAMES_SHOWN; i++) {
        if (!bide__symbol_is_shown(g->pcs, g->nframes, i))
            continue;
        bide__symbol_text(symbol, sizeof symbol, g->pcs[i]);
        if (bide__symbol_is_beginning(symbol))
            break;
        bide__report_put(r, "bide:     ");
        bide__report_put(r, symbol);
        bide__report_end_line(r);
        shown++;
    }
}

static void put_alike(struct report *r, const struct alike *g)
{
    bide__report_put(r, "bide:   stack of");
    for (size_t i = 0; i < g->ntasks && i < TASKS_NAMED; i++) {
        bide__report_put(r, i > 0 ? ", #" : " #");
        bide__report_put_number(r, g->tasks[i]);
    }
    if (g->ntasks > TASKS_NAMED) {
        bide__report_put(r, " and ");
        bide__report_put_number(r, g->ntasks - TASKS_NAMED);
        bide__report_put(r, " more");
    }
    bide__report_put(r, ":");
    bide__report_end_line(r);
    put_frames(r, g);
}

static void put_all(struct report *r, const struct stacks *all)
{
    for (size_t i = 0; i < all->ngroups; i++)
        put_alike(r, &all->groups[i]);
    if (all->left_out == 0)
        return;
    bide__report_put(r, "bide:   other stacks of ");
    bide__report_put_number(r, all->left_out);
    bide__report_put(r, " tasks");
    bide__report_end_line(r);
}

static void put_none(struct report *r, int code)
{
    bide__report_put(r, "bide:   no stacks: ");
    bide__report_put(r, bide_strerror(code));
    bide__report_end_line(r);
}

static void write_stacks(struct report *r, const struct running *running)
{
    struct stacks *all = bide__malloc(sizeof *all);
    if (!all) {
        put_none(r, BIDE_ENOMEM);
        return;
    }

    all->ngroups = all->left_out = 0;
    bide__libdw_begin();
    if (running)
        add(all, &running->snapshot, running->task);
    add_all(all);
    put_all(r, all);
    bide__libdw_end();
    bide__free(all);
}

struct request {
    struct report *report;
    const struct running *running;
};

static void *write_them(void *request)
{
    const struct request *q = request;

    write_stacks(q->report, q->running);
    return NULL;
}

/* libdw takes more stack than a task may have left. */
void bide__report_stacks(struct report *r, const struct running *running)
{
    struct request q = {r, running};
    pthread_t thread;
    int code = pthread_create(&thread, NULL, write_them, &q);

    if (code == 0)
        pthread_join(thread, NULL);
    else
        put_none(r, -code);
}

/* The task that runs in this thread, where this context says it is.  Async-signal-safe. */
bool bide__report_capture(struct running *running, const void *context)
{
    const bide_loop *loop = bide__loop_here;
    const bide_task *t = loop ? loop->current : NULL;
    struct seen s;
    if (!t || !bide__report_see(&s, t))
        return false;

    running->task = s.task.id;
    bide__capture_context(&running->snapshot, context, s.has_top ? (uintptr_t)bide__task_top(&s.task) : 0);
    return true;
}

/* ---- at a signal: a thread of its own ---- */

static struct {
    atomic_uint process;  /* bide__process + 1 of the one that has the thread */
    atomic_bool is_taken; /* running is the handler's that set this, until the thread has written it */
    bool has_running;
    struct running running;
    sem_t asked;
} reporter;

static void *report_when_asked(void *unused)
{
    for (;;) {
        struct report r = {.to = NULL};
        while (sem_wait(&reporter.asked) < 0)
            ;
        write_stacks(&r, reporter.has_running ? &reporter.running : NULL);
        atomic_store(&reporter.is_taken, false);
    }
    return unused;
}

void bide__report_stacks_begin(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    sigset_t all, before;

    pthread_mutex_lock(&lock);
    if (atomic_load(&reporter.process) != bide__process + 1 && sem_init(&reporter.asked, 0, 0) == 0) {
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        if (pthread_create(&thread, NULL, report_when_asked, NULL) == 0) {
            pthread_setname_np(thread, "bide-report");
            pthread_detach(thread);
            atomic_fetch_add(&bide__idle_threads, 1);
            atomic_store(&reporter.is_taken, false);
            atomic_store(&reporter.process, bide__process + 1);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_mutex_unlock(&lock);
}

/* One report at a time: another signal that arrives meanwhile has no stacks. */
void bide__report_stacks_ask(const void *context)
{
    if (atomic_load(&reporter.process) != bide__process + 1 || atomic_exchange(&reporter.is_taken, true))
        return;
    reporter.has_running = bide__report_capture(&reporter.running, context);
    sem_post(&reporter.asked);
}

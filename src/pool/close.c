/* SPDX-License-Identifier: MIT */
/*
 * close.c - the end of a pool: in order, in haste, or behind the loop's back.
 *
 * close: no new jobs; those that are there finish, within the grace; then they are cancelled; then workers are killed.
 * Each step has an end, so closing cannot hang (but for a thread that does not come back: it cannot be killed).
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool/pool.h"

#define KILL_WAIT_MS 5000

static struct proxy *first_proxy(bide_pool *p)
{
    return container_of(p->proxies.next, struct proxy, node);
}

static void cancel_running(bide_pool *p)
{
    for (struct list_node *n = p->jobs.next; n != &p->jobs; n = n->next) {
        struct job *j = container_of(n, struct job, all);
        if (j->proxy)
            bide__proxy_order(j->proxy, REC_CANCEL, j->id, 0, 0, 0);
    }
}

/* Jobs that no worker has. */
static void fail_queued(bide_pool *p, const char *why)
{
    for (struct list_node *n = p->jobs.next, *next; n != &p->jobs; n = next) {
        struct job *j = container_of(n, struct job, all);
        next = n->next;
        if (j->proxy)
            continue;
        p->counts.cancelled++;
        bide__job_fail(j, BIDE_ECLOSED, why);
        bide__job_over(j);
    }
}

static void kill_workers(bide_pool *p)
{
    for (struct list_node *n = p->proxies.next; n != &p->proxies; n = n->next)
        bide__proxy_kill(container_of(n, struct proxy, node));
}

static void stop_workers(bide_pool *p)
{
    for (struct list_node *n = p->proxies.next; n != &p->proxies; n = n->next)
        bide__proxy_stop(container_of(n, struct proxy, node));
}

/* Wait until there are no more jobs, or no more workers. */
static int wait_until_empty(bide_pool *p, bool (*is_empty)(const bide_pool *p), int64_t ms)
{
    int code = 0;

    bide_timeout(ms) {
        while (code == 0 && !is_empty(p))
            code = bide__wait_in(&p->changed, NULL);
    }
    return is_empty(p) ? 0 : code;
}

static bool no_jobs(const bide_pool *p)
{
    return p->pending == 0 || p->state == POOL_FAILED;
}

static bool no_workers(const bide_pool *p)
{
    return bide__list_is_empty(&p->proxies);
}

static bool was_cancelled(int code)
{
    return code == BIDE_ECANCELED;
}

/* The jobs: let finish, then cancel. */
static int end_jobs(bide_pool *p, int64_t grace_ms)
{
    int code = grace_ms != 0 ? wait_until_empty(p, no_jobs, grace_ms) : 0;

    if (!no_jobs(p)) {
        fail_queued(p, "the pool was closed before it could begin");
        cancel_running(p);
        if (!was_cancelled(code))
            code = wait_until_empty(p, no_jobs, p->args.grace_ms);
    }
    return code;
}

/* The workers: let them run fini, then kill. */
static void end_workers(bide_pool *p, bool at_once)
{
    p->state = p->state == POOL_FAILED ? POOL_FAILED : POOL_ENDING;
    stop_workers(p);
    if (!at_once)
        wait_until_empty(p, no_workers, p->args.grace_ms);
    if (no_workers(p))
        return;
    kill_workers(p);
    while (!no_workers(p))
        bide__wait_uninterrupted(&p->changed);
}

static void finish(bide_pool *p)
{
    bide__timer_disarm(p->loop, &p->upkeep);
    bide__timer_disarm(p->loop, &p->retry);
    if (p->state != POOL_FAILED)
        p->state = POOL_CLOSED;
    fail_queued(p, "the pool was closed");
    if (p->redis)
        bide__redis_pool_end(p);
    bide__pool_detach_loop(p);
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed);
}

static int close_now(bide_pool *p, int64_t grace_ms)
{
    if (p->state <= POOL_OPEN)
        p->state = POOL_CLOSING;
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed); /* who resizes need not wait any longer */
    bide__timer_disarm(p->loop, &p->upkeep);
    int code = end_jobs(p, grace_ms);
    if (p->state != POOL_CLOSED) { /* by another task, meanwhile */
        end_workers(p, was_cancelled(code) || !no_jobs(p));
        finish(p);
    }
    return was_cancelled(code) ? code : 0;
}

static int check(bide_pool *p, const char *function)
{
    if (bide__pool_callbacks > 0)
        return bide_fail(BIDE_ESTATE, "%s: it would wait: not in on_event or on_progress; bide_release is allowed there", function);
    BIDE_TRY(bide__pool_check_owner(p, function));
    return bide__task_here() ? 0 : bide_fail(BIDE_ESTATE, "%s: it waits, so only a task may call it", function);
}

int bide_pool_close(bide_pool *p, int64_t grace_ms, bide_pool_counts *counts)
{
    BIDE_TRY(check(p, __func__));
    BIDE_TRY(bide__check_time(__func__, "grace_ms", grace_ms, true));
    bide_retain(p); /* another task may kill and release it while we wait */
    int code = p->state == POOL_CLOSED ? 0 : close_now(p, grace_ms);

    if (counts)
        *counts = p->counts;
    bide_release(p);
    return code;
}

int bide_pool_kill(bide_pool *p)
{
    BIDE_TRY(check(p, __func__));
    if (p->state == POOL_CLOSED)
        return 0;

    if (p->state != POOL_FAILED)
        p->state = POOL_ENDING;
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed);
    fail_queued(p, "the pool was killed");
    bide_retain(p);
    end_workers(p, true);
    finish(p);
    bide_release(p);
    return 0;
}

/* ---- behind the loop's back: it is closed, or this is no task ---- */

static void reap_process(int pidfd)
{
    siginfo_t info;

    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    bide__wait_readable(pidfd, KILL_WAIT_MS); /* in vain: the kernel cannot end it now */
    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
}

/* The zygote was asked for it, and its answer was not read yet. */
static void reap_unborn(struct proxy *x)
{
    struct fd_message m;

    if (!bide__wait_readable(x->ctl.fd, KILL_WAIT_MS))
        bide__zygote_kill();
    pid_t pid = bide__fds_receive(x->ctl.fd, &m, NULL, 0, false) == 0 ? m.code : bide__zygote_made(x->birth);
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0)
        return;
    reap_process(pidfd);
    close(pidfd);
}

/* It was asked to stop; but it may wait for room, or for memory, and nobody else reads its answers now. */
static void reap_thread(struct proxy *x)
{
    const struct timespec a_little = {.tv_nsec = 1000000};

    while (!atomic_load(&x->segment.shared->gone)) {
        bide__proxy_refuse(x);
        nanosleep(&a_little, NULL);
    }
    pthread_join(x->thread, NULL);
    x->has_thread = false;
}

static void reap(struct proxy *x)
{
    if (x->has_thread)
        reap_thread(x);
    else if (bide__fd_is_open(&x->pidfd))
        reap_process(x->pidfd.fd);
    else
        reap_unborn(x);
}

static void fail_all(bide_pool *p)
{
    while (!bide__list_is_empty(&p->jobs)) {
        struct job *j = container_of(p->jobs.next, struct job, all);
        bide__job_fail(j, BIDE_ECLOSED, "the pool was closed");
        bide__job_over(j);
    }
}

void bide__pool_abandon(bide_pool *p)
{
    bide__timer_disarm(p->loop, &p->upkeep);
    bide__timer_disarm(p->loop, &p->retry);
    if (p->outside)
        p->loop->outside--;
    p->outside = false;
    p->state = POOL_CLOSED;
    kill_workers(p); /* first: of a thread, the jobs are cancelled one by one */
    fail_all(p);
    bide__redis_pool_abandon(p);
    while (!no_workers(p)) {
        struct proxy *x = first_proxy(p);
        reap(x);
        bide__proxy_free(x);
    }
}

/* ---- release ---- */

/* Was the task that lets go of the pool cancelled, or is it out of time?  Then it is to end, and not to wait for jobs. */
static bool owner_must_end(void)
{
    const bide_task *t = bide__task_here();

    return t->cancelling > 0 || t->expired > 0;
}

static void close_only(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void forget_worker(struct proxy *x)
{
    bide__list_remove(&x->node);
    close_only(&x->ctl.fd);
    close_only(&x->pidfd.fd);
    close_only(&x->bell);
    bide__segment_close(&x->segment);
}

/*
 * In a forked child: the workers are the parent's, and so is what is shared with them and what the kernel watches.  The
 * descriptors are closed, no more: the rest is memory, until the end of the process.
 */
void bide__pool_forget(bide_pool *p)
{
    while (!no_workers(p))
        forget_worker(first_proxy(p));
    close_only(&p->bell.fd);
    close_only(&p->arena.memory);
    bide__stats_close(p);
}

static bool can_wait(const bide_pool *p)
{
    bide_task *t = bide__task_here();

    return t && !t->stackless && p->loop == bide__loop_here;
}

/* In the middle of a turn of its own, or of its neighbour's, a pool cannot go. */
static bool put_off(bide_pool *p)
{
    if (bide__pool_callbacks == 0 || !bide__list_is_linked(&p->in_loop))
        return false;
    if (p->was_released) {
        bide__object_unref(p);
    } else {
        p->was_released = true;
        bide__push(p->loop, &p->leaving);
    }
    return true;
}

static int leave(bide_pool *p)
{
    bide__pool_release(p);
    return 0;
}

void bide__pool_leave(struct ready *r)
{
    bide_pool *p = container_of(r, bide_pool, leaving);

    p->was_released = false;
    p->args.close_ms = 0;
    bide_task *t = p->redis ? bide_create_task(bide_coro(leave, p)) : NULL; /* it has tasks of its own, which must end */
    if (t)
        bide_detach(t);
    else
        bide__pool_release(p);
}

void bide__pool_release(void *object)
{
    bide_pool *p = object;

    if (bide__pool_is_parents(p)) {
        bide__pool_forget(p);
        return;
    }
    if (!bide__pool_allows(p, "bide_release of a pool") || put_off(p))
        return;
    if (p->state != POOL_CLOSED && bide__list_is_linked(&p->in_loop)) {
        if (can_wait(p))
            close_now(p, owner_must_end() || p->state == POOL_OPENING ? 0 : p->args.close_ms);
        else {
            bide__pool_abandon(p);
            bide__pool_detach_loop(p);
        }
    }
    bide__object_unref(p);
}

void bide__pool_destroy(void *object)
{
    bide_pool *p = object;

    assert(bide__list_is_empty(&p->jobs) && bide__list_is_empty(&p->proxies));
    if (bide__fd_is_open(&p->bell))
        bide__fd_close(&p->bell);
    bide__pool_arena_close(&p->arena);
    bide__redis_pool_free(p);
    bide__stats_close(p);
    bide__free(p->cpus);
    bide__free(p->program);
    bide__free(p->init_in);
    bide__free(p->fini_in);
    bide__free(p->slots);
    bide__free(p->table);
    bide__free(p->generations);
    bide__free(p->free_ids);
    if (p->leaving.run)
        bide__ring_unreserve(&p->loop->ring, 1);
    bide__object_unref(p->loop);
    bide__object_free(p);
}

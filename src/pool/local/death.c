/* SPDX-License-Identifier: MIT */
/*
 * death.c - the end of a worker, and what becomes of its jobs and of the pool.
 *
 * In this order: results that it published before count (the turn has read them); the status is fetched (cause.c); the
 * job that its loop ran last is responsible (BIDE_EWORKER); the others that it had begun fail with BIDE_EWORKERLOST, or
 * run again if they are idempotent; those that it had not begun move to the front of the queue, which is no attempt; a
 * new worker takes its place.  That every job is settled rests on our table alone.
 */
#include <signal.h>
#include <stdio.h>

#include "pool/local/local.h"

/* ---- what becomes of the jobs ---- */

static void remember(struct job *j, const struct death *d)
{
    size_t n = strlen(j->history);
    const char *word = d->signal ? sigabbrev_np(d->signal) : "exit";

    snprintf(j->history + n, sizeof j->history - n, "%s%s", n > 0 ? ", " : "", word ? word : "?");
}

static void put_block(struct proxy *x, struct block **b)
{
    if (*b)
        bide__block_put(&x->pool->arena, *b);
    *b = NULL;
}

static void give_back(struct proxy *x, struct job *j)
{
    bide__list_remove(&j->node);
    bide__timer_disarm(x->pool->loop, &j->timer);
    bide__proxy_unassign(j);
    j->expired = false;
    put_block(x, &j->reply_block); /* it lay in the arena for that worker */
    put_block(x, &j->old_block);
}

static bool may_retry(const struct job *j)
{
    return j->idempotent && !j->expired && j->pool->state <= POOL_CLOSING && j->attempt <= j->pool->args.retries &&
           !bide__job_is_settled(j);
}

static void explain(struct job *j, const struct death *d, int code)
{
    bide_pool_failure *f = bide__job_explain(j, code, d->x->pid, "");
    if (!f)
        return;
    f->signal = d->signal;
    f->exit_code = d->exit_code;
    f->status_unknown = d->unknown;
    f->core_dumped = d->core;
    f->out_of_memory = d->oom;
    f->culprit = d->culprit && d->culprit != j ? d->culprit->name : NULL;
}

/* We killed it, because the pool ends. */
static bool is_end_of_pool(const struct job *j, const struct death *d)
{
    return d->x->was_killed && !d->x->killer && !d->x->corrupt && j->pool->state >= POOL_CLOSING;
}

static void fail_job(struct job *j, const struct death *d)
{
    bool own = d->culprit == j;
    int code = own ? (j->expired ? BIDE_ETIMEDOUT : BIDE_EWORKER) : BIDE_EWORKERLOST, pid = d->x->pid;
    char text[320];

    j->pool->failed++;
    if (is_end_of_pool(j, d)) {
        bool failed = j->pool->state == POOL_FAILED;
        bide__job_fail(j, failed ? BIDE_EPOOL : BIDE_ECLOSED, failed ? j->pool->fail_text : "the pool was closed while it ran");
        return;
    }
    explain(j, d, code);
    if (own && j->expired)
        snprintf(text, sizeof text, "timed out after %lld ms, did not yield, and worker %d was killed", (long long)j->timeout_ms, pid);
    else if (own && j->history[0])
        snprintf(text, sizeof text, "worker %d %s; attempt %d (before: %s)", pid, d->how, j->attempt, j->history);
    else if (own)
        snprintf(text, sizeof text, "worker %d %s", pid, d->how);
    else
        snprintf(text, sizeof text, "worker %d %s, in %s", pid, d->how, d->culprit ? d->culprit->name : "one of its jobs");
    bide__job_fail(j, code, text);
}

static void lose_job(struct job *j, const struct death *d)
{
    bide_pool *p = j->pool;

    if (may_retry(j)) {
        remember(j, d);
        give_back(d->x, j);
        j->attempt++;
        p->retried++;
        bide__local_enqueue(p, j, true);
        return;
    }
    if (!bide__job_is_settled(j)) {
        p->counts.killed++;
        fail_job(j, d);
    }
    bide__job_over(j);
}

static void move_jobs(struct proxy *x)
{
    while (!bide__list_is_empty(&x->sent)) {
        struct job *j = container_of(x->sent.prev, struct job, node); /* the last first: each goes to the front */
        give_back(x, j);
        x->pool->moved++;
        if (bide__job_is_settled(j))
            bide__job_over(j);
        else
            bide__local_enqueue(x->pool, j, true);
    }
}

/* The culprit last: the errors of the others name it. */
static void lose_jobs(struct proxy *x, struct death *d)
{
    struct list_node lost;

    bide__list_init(&lost);
    bide__list_splice(&lost, &x->begun);
    if (d->culprit) {
        bide__list_remove(&d->culprit->node);
        bide__list_append(&lost, &d->culprit->node);
    }
    while (!bide__list_is_empty(&lost)) {
        struct job *j = container_of(lost.next, struct job, node);
        bide__list_remove(&j->node);
        lose_job(j, d);
    }
}

/* ---- what becomes of the pool ---- */

static void fail_list(struct list_node *queue, const bide_pool *p)
{
    while (!bide__list_is_empty(queue)) {
        struct job *j = container_of(queue->next, struct job, node);
        bide__job_explain(j, p->fail_code, 0, "");
        bide__job_fail(j, BIDE_EPOOL, p->fail_text);
        bide__job_over(j);
    }
}

static void fail_queued(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    fail_list(&l->queue, p);
    for (int i = 0; i < l->nslots; i++)
        fail_list(&l->slots[i].pinned, p);
}

void bide__local_fail(bide_pool *p, int code, const char *format, ...)
{
    struct local_pool *l = bide__local(p);
    va_list args;
    if (p->state == POOL_FAILED)
        return;

    va_start(args, format);
    vsnprintf(p->fail_text, sizeof p->fail_text, format, args);
    va_end(args);
    p->fail_code = code;
    p->state = POOL_FAILED;
    bide__timer_disarm(p->loop, &l->retry);
    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next)
        bide__proxy_kill(container_of(n, struct proxy, node));
    fail_queued(p);
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_FAILED, .worker = -1, .code = code, .text = p->fail_text});
    bide__wake_all(p->loop, &p->room);
    bide__wake_all(p->loop, &p->changed);
}

/* Is this one death too many? */
static bool note_death(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    int64_t now = bide__clock_ns();
    int max = p->args.restart_max;
    uint64_t n = 0;

    l->deaths[l->ndeaths++ % DEATHS_KEPT] = now;
    for (uint64_t i = 0; i < DEATHS_KEPT && i < l->ndeaths; i++)
        if (now - l->deaths[(l->ndeaths - 1 - i) % DEATHS_KEPT] < p->args.restart_window_ms * 1000000)
            n++;
    return max != BIDE_UNLIMITED && n > (uint64_t)max;
}

static void leave_slot(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct local_pool *l = bide__local(p);
    if (x->index >= l->nslots)
        return;
    struct slot *slot = &l->slots[x->index];
    if (slot->proxy == x)
        slot->proxy = NULL;
    if (slot->coming == x)
        slot->coming = NULL;
}

static bool was_in_order(const struct proxy *x)
{
    return x->said_bye && x->bye_code == 0 && x->state == ENDING;
}

static void report(bide_pool *p, const struct death *d, const char *job)
{
    char text[ERROR_TEXT_MAX];

    snprintf(text, sizeof text, "worker %d %s%s%s", d->x->pid, d->how, job ? ", in " : "", job ? job : "");
    bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_DIED, .worker = d->x->index, .pid = d->x->pid, .code = d->exit_code,
                                           .signal = d->signal, .job = job, .text = text});
}

/* An exit that nobody asked for: report it, count it, and end the pool if it is one too many. */
static void handle_unexpected_exit(bide_pool *p, struct death *d, const char *job)
{
    struct proxy *x = d->x;
    bool failed_init = !x->said_ready && x->said_bye && x->bye_code < 0;

    report(p, d, job);
    if (p->state >= POOL_ENDING)
        return;
    if (failed_init)
        bide__local_fail(p, x->bye_code, "init: %s", x->bye_text);
    else if (p->state == POOL_OPENING && !x->said_ready)
        bide__local_fail(p, BIDE_EWORKER, "a worker %s before it was ready", d->how);
    else if (note_death(p))
        bide__local_fail(p, BIDE_EWORKER, "%d worker%s died within %lld ms; the last one %s%s%s", p->args.restart_max + 1,
                        p->args.restart_max > 0 ? "s" : "",
                        (long long)p->args.restart_window_ms, d->how, job ? ", in " : "", job ? job : "");
    else if (!x->said_ready) /* the next one may fare no better */
        bide__local_retry_later(p);
}

static void end_of_thread(struct proxy *x)
{
    pthread_join(x->thread, NULL);
    x->has_thread = false;
}

void bide__proxy_died(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct death d = {.x = x};

    d.lost_thread = x->has_thread && !x->said_bye;
    if (d.lost_thread)
        d.exit_code = -1;
    if (x->has_thread)
        end_of_thread(x);
    bide__proxy_note_begun(x);
    bide__death_find_cause(&d);
    d.culprit = bide__death_culprit(x);
    const char *job = d.culprit ? d.culprit->name : NULL;
    leave_slot(x);
    lose_jobs(x, &d);
    move_jobs(x);
    if (!was_in_order(x))
        handle_unexpected_exit(p, &d, job);
    bide__proxy_free(x);
    if (p->state == POOL_FAILED)
        fail_queued(p);
    bide__local_fill_slots(p);
    bide__wake_all(p->loop, &p->changed);
}

/* There is no process at all. */
void bide__proxy_not_born(struct proxy *x)
{
    bide_pool *p = x->pool;
    struct local_pool *l = bide__local(p);
    int code = x->birth_code;
    char text[160];

    if (x->said_ready && code == -ECHILD)
        code = -EPIPE;
    int index = x->index;
    if (!x->is_successor) { /* bide_pool_resize reports it; a worker that was to be replaced stays */
        l->births_failed++;
        l->birth_code = code;
    }
    leave_slot(x);
    bide__proxy_free(x);
    snprintf(text, sizeof text, "no process for a worker: %s",
             code == -ECHILD ? "the helper process has ended" : bide_strerror(code));
    if (p->state == POOL_OPENING) {
        bide__local_fail(p, code, "%s", text);
    } else if (p->state <= POOL_CLOSING) {
        bide__pool_event(p, &(bide_pool_event){.kind = BIDE_POOL_DIED, .worker = index, .code = code, .text = text});
        bide__local_retry_later(p);
    }
    bide__wake_all(p->loop, &p->changed);
}

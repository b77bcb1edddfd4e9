/* SPDX-License-Identifier: MIT */
/*
 * death.c - the end of a worker, and what becomes of the pool.
 *
 * In this order: results that it published before count (the turn has read them); the status is fetched (cause.c); the
 * job that its loop ran last is responsible (BIDE_EWORKER); the others that it had begun fail with BIDE_EWORKERLOST, or
 * run again if they are idempotent; those that it had not begun move to the front of the queue, which is no attempt; a
 * new worker takes its place.  That every job is settled rests on our table alone.
 */
#include <stdio.h>

#include "pool/local/local.h"

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
    bide__block_begin();
    pthread_join(x->thread, NULL);
    bide__block_end();
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
    bide__death_lose_jobs(&d);
    bide__death_move_jobs(x);
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

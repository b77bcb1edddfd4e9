/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - the time limit of a job: it is cancelled, and if it does not yield within grace_ms, its worker is killed.
 *
 * The limit counts from the moment at which the worker began the job, which it writes into its slot; a job that waits behind
 * another one is not late.
 */
#include <stdio.h>

#include "pool/local/local.h"

/*
 * When did it begin?  By what its worker wrote, if that is possible; else when it was sent.  The worker fills the slot before
 * it moves the lane's head (R1), and empties it while we look, perhaps: a time of another job is refused by its range.
 */
static int64_t began_ns(const struct job *j, int64_t now)
{
    struct segment_shared *s = j->proxy->segment.shared;

    for (int i = 0; i < j->pool->args.concurrency; i++)
        if (atomic_load(&s->slots[i].job) == j->id) {
            int64_t began = atomic_load(&s->slots[i].began_ns);
            return began >= j->sent_ns && began <= now ? began : j->sent_ns;
        }
    return j->sent_ns; /* it has just ended */
}

/* It has not begun, nor has anything else there, long after its deadline: the worker is stopped, or stuck. */
static bool is_stuck(const struct job *j)
{
    const struct proxy *x = j->proxy;
    int64_t late_ns = bide__clock_ns() - j->sent_ns - j->timeout_ms * INT64_C(1000000);

    return j->stage != JOB_BEGUN && x->nbegun == 0 && !x->has_thread && late_ns >= x->pool->args.grace_ms * INT64_C(1000000);
}

/* The timer runs from the hand-over, the deadline from the start: what is left; 0 or less: it is over. */
static int64_t time_left_ms(struct job *j)
{
    int64_t now = bide__clock_ns();

    bide__proxy_note_begun(j->proxy);
    if (j->stage != JOB_BEGUN) /* it waits behind another one, so its time has not begun: nobody dies for it */
        return j->timeout_ms;
    return j->timeout_ms - (now - began_ns(j, now)) / 1000000;
}

/* Its time is over: cancelled first, and if it does not yield, its worker is killed. */
void bide__job_expire(struct timer *t)
{
    struct job *j = container_of(t, struct job, timer);
    bide_pool *p = j->pool;
    char text[80];
    if (!j->proxy)
        return;

    int64_t left = j->expired ? 0 : time_left_ms(j);
    if (left > 0) {
        bide__timer_arm(p->loop, t, left);
        if (is_stuck(j))
            bide__proxy_kill(j->proxy); /* and the job moves on to another one */
    } else if (!j->expired) {
        j->expired = true;
        bide__proxy_order(j->proxy, REC_CANCEL, j->id, 0, 0, 0);
        bide__timer_arm(p->loop, t, p->args.grace_ms);
    } else if (j->proxy->has_thread) {
        snprintf(text, sizeof text, "timed out after %lld ms; its thread goes on", (long long)j->timeout_ms);
        bide__job_fail(j, BIDE_ETIMEDOUT, text);
    } else {
        j->proxy->killer = j->id;
        bide__proxy_kill(j->proxy);
    }
}

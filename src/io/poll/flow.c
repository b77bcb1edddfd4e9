/* SPDX-License-Identifier: MIT */
/*
 * flow.c - a wait for a peer with an idle timeout, which every byte renews.
 *
 * A limit on silence is renewed by every byte: one that came, one that the kernel took, and one that the peer took of
 * those that the kernel holds for it.  No event reports the last kind (a socket becomes writable only when a third of
 * its buffer is free), so while there may be such bytes the kernel is asked for their number (SIOCOUTQ) LOOKS times
 * within the limit.  Where there are none, a wait costs one timer.
 *
 * The time at which a byte moved is known to within one look, and is taken to be that of the look: a peer that flows is
 * never cut off, and one that stopped is found after the limit and at most an eighth more.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "io/poll/poll.h"

#define LOOKS 8

size_t bide__fd_queued(const struct fd *f)
{
    int n = 0;

    return f->fd >= 0 && ioctl(f->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* ---- one wait ---- */

void bide__alarm_ring(struct timer *timer)
{
    struct alarm *a = container_of(timer, struct alarm, timer);

    a->rang = true;
    if (!bide__ready_is_queued(&a->task->ready))
        bide__push(a->task->future.loop, &a->task->ready);
}

/* Park until the kernel reports one of the sides, or ms are over: then *in_time is false.  0, or an interruption. */
static int wait_for_event(struct fd *f, unsigned sides, int64_t ms, bool *in_time)
{
    static const uint8_t kinds[] = {WAIT_OTHER, [FLOW_IN] = WAIT_READ, [FLOW_OUT] = WAIT_WRITE, [FLOW_IN | FLOW_OUT] = WAIT_EITHER};
    bide_task *t = bide__task_here();
    struct wait w = {.end_early = bide__wait_end_now, .task = t, .kind = kinds[sides & 3], .on = &f->fd};
    struct alarm alarm = {.task = t};
    struct clause in, out;
    int code = bide__pending_interrupt(t);
    if (code < 0)
        return code;

    bide__clause_init(&in, &t->ready);
    bide__clause_init(&out, &t->ready);
    if (sides & FLOW_IN)
        bide__list_append(&f->readers, &in.node);
    if (sides & FLOW_OUT)
        bide__list_append(&f->writers, &out.node);
    bide__timer_init(&alarm.timer, bide__alarm_ring);
    if (ms != BIDE_FOREVER)
        bide__timer_arm(f->loop, &alarm.timer, ms);
    bide__park(t, &w);
    bide__timer_disarm(f->loop, &alarm.timer);
    /* An event in the same turn as the alarm counts as in time: the loop was late, not the peer. */
    *in_time = !alarm.rang || (sides & FLOW_IN && !bide__list_is_linked(&in.node)) ||
               (sides & FLOW_OUT && !bide__list_is_linked(&out.node));
    bide__list_remove(&in.node);
    bide__list_remove(&out.node);
    return bide__wait_outcome(&w);
}

/* ---- waits until the limits are over ---- */

static bool is_ready(const struct fd *f, unsigned sides)
{
    return (sides == FLOW_IN && f->readable) || (sides == FLOW_OUT && f->writable);
}

static int64_t left_ms(const struct fd *f, const struct flow *flow)
{
    return bide__ms_until(flow->deadline_ns, f->loop->now_ns);
}

/* Until the next look: an eighth of the limit, or what is left of it. */
static int64_t slice_ms(const struct flow *flow, int64_t silent_ms)
{
    int64_t look = flow->silence_ms / LOOKS > 0 ? flow->silence_ms / LOOKS : 1, left = flow->silence_ms - silent_ms;
    if (flow->silence_ms == BIDE_FOREVER)
        return BIDE_FOREVER;

    return flow->queued > 0 && look < left ? look : left;
}

/* Has the peer taken some of what the kernel holds for it? */
static bool has_flowed(const struct fd *f, struct flow *flow)
{
    size_t before = flow->queued;

    if (before > 0)
        flow->queued = bide__fd_queued(f);
    return flow->queued < before;
}

static int timed_out(const struct fd *f, struct flow *flow)
{
    flow->end = left_ms(f, flow) == 0 ? FLOW_LATE : FLOW_SILENT;
    return BIDE_ETIMEDOUT;
}

unchecked_frame int bide__fd_wait_flow(struct fd *f, unsigned sides, struct flow *flow)
{
    int64_t silent_ms = 0;

    if (!bide__task_required("waiting for a connection"))
        return BIDE_ENOLOOP;
    while (f->fd >= 0 && !is_ready(f, sides)) {
        bool in_time;
        int64_t slice = slice_ms(flow, silent_ms), left = left_ms(f, flow), ms = slice < left ? slice : left;
        if (left == 0)
            return timed_out(f, flow);
        bide__fd_has_waited(f);
        int code = wait_for_event(f, sides, ms, &in_time);
        if (code < 0)
            return code;
        if (in_time)
            break;
        silent_ms = has_flowed(f, flow) ? 0 : silent_ms + ms;
        if (silent_ms >= flow->silence_ms || left_ms(f, flow) == 0)
            return timed_out(f, flow);
    }
    return f->fd >= 0 ? 0 : bide_fail(BIDE_ECLOSED, "it was closed here meanwhile");
}

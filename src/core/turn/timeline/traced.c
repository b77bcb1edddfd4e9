/* SPDX-License-Identifier: MIT */
/*
 * traced.c - records the steps of a loop on its thread's track (base/timeline/timeline.h).
 *
 * A loop checks after each poll of the kernel whether recording is on; then it has a track, and runs its tasks through bide__run_traced.  A
 * loop without a track pays nothing.
 *
 * The clock is read once per step, at its end: a step begins when the last one ended, or after the poll of the kernel.  The tasks that a
 * step has woken are those that were added to the ready queue during it.
 */
#include "core/loop/steps.h"
#include "core/turn/operation.h"
#include "core/turn/timeline/traced.h"

#define WAKES_NOTED 256 /* at most, per step */

/* Only in the loop's thread.  In the child of a fork nothing is recorded until it has a new loop. */
void bide__loop_look_for_track(bide_loop *loop)
{
    loop->recording = bide__timeline_on();
    loop->track = bide__track_begin();
    loop->depth = 0;
    if (loop->track)
        loop->track->last_ns = 0;
    bide__loop_choose_way(loop);
}

/* ---- names and waits of a task ---- */

/* NULL: it has none; "Task-12" is generated from its number. */
static const char *name_of(const bide_task *t)
{
    const char *name = t->extra ? t->extra->name : NULL;

    return name && strncmp(name, "Task-", 5) != 0 ? name : NULL;
}

static uint16_t name_number(const bide_task *t)
{
    if (!name_of(t))
        return 0;
    if (t->extra->timeline_name == 0)
        t->extra->timeline_name = bide__name_of_task(t->extra->name);
    return t->extra->timeline_name;
}

static uint16_t function_number(const bide_task *t)
{
    return bide__name_of_function(t->stackless ? "a generator" : bide__task_top(t)->coroutine.name);
}

void bide__task_note_made(const bide_task *t)
{
    struct track *k = t->future.loop->track;
    const bide_task *maker = bide__task_here();

    bide__track_span_as(k, SPAN_TASK, t->id, function_number(t), maker ? maker->id : 0, name_of(t));
}

/* What a parked task waits for. */
struct reason {
    enum timeline_wait wait;
    uint16_t name;
    uint64_t value;
};

static struct reason for_future(const bide_future *f)
{
    return f->is_task ? (struct reason){WAITS_TASK, 0, ((const bide_task *)f)->id} : (struct reason){WAITS_FUTURE, 0, 0};
}

static struct reason for_operation(const struct wait *w)
{
    const bide_operation *op = container_of(w, struct operation_wait, wait)->operation;

    return (struct reason){WAITS_OPERATION, bide__name_of_function(op ? op->ops->name : "bide_select"), 0};
}

static struct reason by_kind(const struct wait *w)
{
    switch ((enum wait_kind)w->kind) {
    case WAIT_OPERATION:
        return for_operation(w);
    case WAIT_GROUP:
    case WAIT_COMPLETED:
    case WAIT_GROUP_FOR:
    case WAIT_COMPLETED_FOR:
    case WAIT_MEMBERS:
        return (struct reason){WAITS_SEVERAL, 0, 0};
    case WAIT_NAMED:
        return (struct reason){WAITS_NAMED, bide__name_of_function(w->on), 0};
    case WAIT_READ:
    case WAIT_WRITE:
    case WAIT_EITHER:
        return (struct reason){(enum timeline_wait)(WAITS_READABLE + (w->kind - WAIT_READ)), 0, (uint64_t)*(const int *)w->on};
    case WAIT_TIME:
        return (struct reason){WAITS_TIME, 0, 0};
    case WAIT_THREAD:
        return (struct reason){WAITS_THREAD, bide__name_of_function(w->on), 0};
    default:
        return (struct reason){WAITS_OTHERWISE, 0, 0};
    }
}

static struct reason find_reason(const bide_task *t)
{
    const struct wait *w = t->stackless ? NULL : t->wait;

    if (t->future.state != PENDING)
        return (struct reason){WAITS_ENDED, 0, 0};
    if (bide__ready_is_queued(&t->ready))
        return (struct reason){WAITS_READY, 0, 0};
    if (t->stackless && t->awaited)
        return for_future(t->awaited);
    if (w && w->awaits)
        return for_future(w->awaits);
    if (t->stackless && t->is_asleep)
        return (struct reason){WAITS_TIME, 0, 0};
    return w ? by_kind(w) : (struct reason){WAITS_OTHERWISE, 0, 0};
}

/* ---- a step ---- */

/* As the loop runs it without recording. */
static void run(bide_loop *loop, struct ready *r)
{
    if (r->run != bide__task_run || atomic_load_explicit(&bide__carries_state, memory_order_relaxed)) {
        r->run(r);
        return;
    }
    loop->others--; /* it is a task's step, see bide__loop_steps */
    bide__task_resume(loop, container_of(r, bide_task, ready));
}

/* With a virtual clock, or in a nested step, the clock has to be read. */
static uint64_t time_of_begin(const bide_loop *loop, const struct track *k)
{
    if (loop->virtual_time || loop->depth > 0 || k->last_ns == 0)
        return (uint64_t)bide__clock_ns();
    return k->last_ns > (uint64_t)loop->now_ns ? k->last_ns : (uint64_t)loop->now_ns;
}

static void note_wakes(const struct ring *q, const struct ring *before, const bide_task *self, struct track *k, uint64_t now)
{
    uint32_t n = q->tail - before->tail;
    if (q->moved != before->moved || n > q->mask) /* the ring was reallocated, or has wrapped */
        return;

    for (uint32_t i = 0; i < n && i < WAKES_NOTED; i++) {
        const struct ready *r = q->slots[(before->tail + i) & q->mask];
        const bide_task *t = r && r->is_task ? container_of(r, bide_task, ready) : NULL;
        if (t && t != self)
            bide__track_put(k, bide__track_first(TL_WOKEN, 0, 0, (uint32_t)k->thread), now, t->id, 0);
    }
}

static void note_end(struct track *k, const bide_task *t, uint64_t now)
{
    struct reason why = t ? find_reason(t) : (struct reason){WAITS_ENDED, 0, 0};

    if (t && why.wait == WAITS_ENDED)
        bide__track_put(k, bide__track_first(TL_END, SPAN_TASK << 4, 0, 0), now, t->id, (uint64_t)(int64_t)t->future.result);
    bide__track_put(k, bide__track_first(TL_STEP_END, (unsigned)why.wait, why.name, 0), now, t ? t->id : 0, why.value);
}

static void run_noted(bide_loop *loop, struct ready *r, struct track *k, const bide_task *t)
{
    struct ring before = loop->ring;
    uint64_t began = time_of_begin(loop, k);

    bide__track_put(k, bide__track_first(TL_STEP, 0, t ? function_number(t) : 0, t ? name_number(t) : 0), began, t ? t->id : 0, 0);
    loop->depth++;
    run(loop, r);
    if (unlikely(bide__loop_is_inherited(loop))) /* the step has forked, and this is the child */
        return;
    loop->depth--;
    uint64_t now = (uint64_t)bide__clock_ns();
    note_wakes(&loop->ring, &before, t, k, now);
    note_end(k, t, now);
    k->last_ns = now;
}

/* The task may be freed during the step, so hold a reference. */
void bide__run_traced(bide_loop *loop, struct ready *r)
{
    struct track *k = loop->track;
    bide_task *t = r->is_task ? container_of(r, bide_task, ready) : NULL;
    bool is_for_it = t && !t->stackless && r->run != bide__task_run; /* the entry is the task's, but does not run it */
    if (!k || is_for_it) {
        run(loop, r);
        return;
    }

    if (t)
        bide_retain(t);
    run_noted(loop, r, k, t);
    if (t)
        bide__object_unref(t);
}

/* SPDX-License-Identifier: MIT */
/*
 * wait_for.c - an await that ends after a time; what was awaited is cancelled, and waited for.
 */
#include "core/task/await.h"

static bool is_done(const bide_awaitable *a)
{
    return (a->kind == BIDE_AW_TASK && bide_task_done(a->as.task)) ||
           (a->kind == BIDE_AW_FUTURE && bide_future_done(a->as.future));
}

/* No time at all: what has not begun does not begin. */
static int wait_for_nothing(const bide_awaitable *a)
{
    bide_future *f = a->kind == BIDE_AW_TASK ? &a->as.task->future : a->kind == BIDE_AW_FUTURE ? a->as.future : NULL;
    int code = f ? bide__check_waitable(bide__task_here(), f, "bide_wait_for") : 0;
    if (code < 0)
        return code;

    if (f) {
        bide__cancel_to_drain(f);
        bide__drain(f);
    }
    if (f && f->state != CANCELLED)
        return bide__future_outcome(f);
    return bide_fail(BIDE_ETIMEDOUT, "timed out");
}

int bide_wait_for_with(bide_awaitable a, int64_t ms)
{
    int r = bide__check_awaitable(&a, "bide_wait_for");
    if (r < 0)
        return r;
    if (!bide__task_required("bide_wait_for"))
        return BIDE_ENOLOOP;
    if (ms == BIDE_FOREVER || is_done(&a))
        return bide_await_with(a);
    if (ms <= 0)
        return wait_for_nothing(&a);

    bide__timeout(ms)
        r = bide_await_with(a);
    return r;
}

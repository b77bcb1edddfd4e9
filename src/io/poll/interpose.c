/* SPDX-License-Identifier: MIT */
/*
 * interpose.c - waiting for a library that stands before libc, whose callers know nothing of tasks.
 *
 * They get an errno value, and may try again without an end; so an interruption is looked at here and not delivered: it stays for the
 * next wait of the program's own.  What such a wait puts on record is nobody's business: the record stays as it was.
 */
#include "io/poll/interpose.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <bide/version.h>

#include "core/turn/operation.h"
#include "io/poll/epoll.h"
#include "io/poll/poll.h"

static ptrdiff_t loop_offset(const char *thread_pointer)
{
    return (ptrdiff_t)((uintptr_t)&bide__loop_here - (uintptr_t)thread_pointer);
}

/*
 * A signal handler that has a stack of its own (sigaltstack) cannot be suspended: the next one would begin on the same stack.  Other
 * stacks are a library's that has coroutines, too.
 */
static __attribute__((noinline)) bool is_in_handler(void)
{
    stack_t its = {0};
    int saved = errno;
    bool is = sigaltstack(NULL, &its) == 0 && its.ss_flags & SS_ONSTACK;

    errno = saved;
    return is;
}

static bool is_on_its_stack(const bide_task *t)
{
    const struct stack *s = t->fiber.stack;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return !s || (here >= (uintptr_t)s->low && here < (uintptr_t)s);
}

static bide_task *task(void)
{
    bide_task *t = bide__task_here();
    if (!t || t->stackless || bide__blocks_here != 0)
        return NULL;

    return likely(is_on_its_stack(t)) || !is_in_handler() ? t : NULL;
}

static int interruption(const bide_task *t)
{
    if (likely(!t->must_cancel && !t->expired && (t->cancelling == 0 || t->is_shielded)))
        return 0;
    if (t->must_cancel || !t->expired)
        return BIDE_ECANCELED;

    const struct scope *s = t->scopes;
    while (s && !s->expired)
        s = s->outer;
    return s ? s->code : BIDE_ECANCELED;
}

/* It was delivered, but to code that could not know what it is. */
static void deliver_again(bide_task *t, int code)
{
    if (code == BIDE_ECANCELED && t->cancelling > 0 && !t->is_shielded && !bide__scope_explains(t))
        t->must_cancel = true;
}

/* ---- in a list ---- */

static int wait_in(struct list_node *list, int64_t ms, bool surely)
{
    bide_task *t = bide__task_here();
    struct wait w = {.end_early = bide__wait_end_now, .task = t};
    struct alarm alarm = {.task = t};
    struct clause clause;
    int code = surely ? 0 : interruption(t);
    if (code < 0)
        return BIDE_ECANCELED;

    bide__clause_init(&clause, &t->ready);
    bide__list_append(list, &clause.node);
    bide__timer_init(&alarm.timer, bide__alarm_ring);
    if (ms <= 0)
        bide__alarm_ring(&alarm.timer); /* one turn */
    else if (ms != BIDE_FOREVER)
        bide__timer_arm(t->future.loop, &alarm.timer, ms);
    bide__park(t, surely ? NULL : &w);
    bide__timer_disarm(t->future.loop, &alarm.timer);
    bool was_woken = !bide__list_is_linked(&clause.node);
    bide__list_remove(&clause.node);
    if (w.interrupted == BY_CANCEL)
        t->must_cancel = true;
    if (was_woken)
        return 0;
    return w.interrupted != NOT_INTERRUPTED ? BIDE_ECANCELED : alarm.rang ? BIDE_ETIMEDOUT : 0;
}

/* ---- for descriptors ---- */

/* One wait among several. */
struct member {
    bide_operation op;
    struct op_waiter waiter;
};

/* How many of them are enlisted; fewer than n: why not, in *code. */
static int enlist_all(bide_task *t, struct member *all, const struct interpose_fd *fds, int n, int *code)
{
    for (int i = 0; i < n; i++) {
        all[i].op = bide_fd_awaitable(fds[i].fd, fds[i].events).as.operation;
        bide__op_waiter_init(&all[i].waiter, t);
        *code = bide__descriptor_enlist(t->future.loop, &all[i].op, &all[i].waiter);
        if (*code < 0)
            return i;
    }
    return n;
}

static void park_until(bide_task *t, struct wait *w, struct alarm *alarm, int64_t ms)
{
    bide__timer_init(&alarm->timer, bide__alarm_ring);
    if (ms != BIDE_FOREVER)
        bide__timer_arm(t->future.loop, &alarm->timer, ms > 0 ? ms : 0);
    bide__park(t, w);
    bide__timer_disarm(t->future.loop, &alarm->timer);
}

static int wait_fds(const struct interpose_fd *fds, int n, int64_t ms)
{
    bide_task *t = bide__task_here();
    struct member all[INTERPOSE_FDS];
    struct operation_wait o = {.wait = {.end_early = bide__wait_end_now, .task = t, .kind = WAIT_OPERATION}, .operation = &all[0].op};
    struct alarm alarm = {.task = t};
    struct error_mark mark;
    int code = interruption(t), came = 0;
    if (code < 0)
        return BIDE_ECANCELED;

    bide__error_mark(&mark);
    int enlisted = enlist_all(t, all, fds, n, &code);
    if (code == 0)
        park_until(t, &o.wait, &alarm, ms);
    for (int i = 0; i < enlisted; i++) {
        int result = bide__descriptor_withdraw(&all[i].op, &all[i].waiter);
        came = result != 0 && came <= 0 ? result : came;
    }
    bide__error_restore(&mark);
    if (o.wait.interrupted == BY_CANCEL)
        t->must_cancel = true;
    if (code < 0 || came != 0)
        return code < 0 ? code : came > 0 ? 1 : came;
    return o.wait.interrupted != NOT_INTERRUPTED ? BIDE_ECANCELED : !alarm.rang;
}

/* ---- the rest ---- */

static int64_t now_ms(bide_loop *loop)
{
    return bide__timer_now_ms(loop);
}

static bide_loop *loop_of(const bide_task *t)
{
    return t->future.loop;
}

static bide_loop *loop_here(void)
{
    return bide__loop_here;
}

static void report(bide_loop *loop, const char *text)
{
    bide__loop_report(loop, "%s", text);
}

static void **slot(bide_task *t)
{
    struct task_extra *extra = bide__task_extra(t);

    return extra ? &extra->guest : NULL;
}

static int in_thread(int (*job)(void *arg), void *arg)
{
    bide_task *t = bide__task_here();
    struct error_mark mark;

    bide__error_mark(&mark);
    int code = bide__offload(FOR_NAMES, "a call that looks up a name", job, arg);
    deliver_again(t, code);
    bide__error_restore(&mark);
    return code;
}

static void name_place(char *buf, size_t cap, const void *pc)
{
    place_name_fn *name = bide__place_name;

    buf[0] = '\0';
    if (name)
        name(buf, cap, pc);
    if (!buf[0])
        snprintf(buf, cap, "%p", pc);
}

const struct interpose_ops *bide_interpose(const char *version, void (*task_ended)(void *slot))
{
    static const struct interpose_ops ops = {
        .loop_offset = loop_offset,
        .task = task,
        .interruption = interruption,
        .wait_fds = wait_fds,
        .wait_in = wait_in,
        .wake = bide__wake_one,
        .post = bide__loop_post,
        .unpost = bide__loop_unpost,
        .now_ms = now_ms,
        .slot = slot,
        .in_thread = in_thread,
        .debugs = bide__debug_is_on,
        .name_place = name_place,
        .loop_of = loop_of,
        .loop_here = loop_here,
        .report = report,
    };
    if (strcmp(version, BIDE_VERSION) != 0)
        return NULL;

    bide__guest_ended = task_ended;
    return &ops;
}

/* SPDX-License-Identifier: MIT */
/*
 * task.c - one task of this process in words: its name, what it does, and what it waits for.
 */
#include "inspect/self/self.h"

#define WATCHES_MAX 64
#define SEVERAL_SHOWN 4
#define NS_PER_MS   1000000

/* ---- a task ---- */

void bide__report_put_task(struct report *r, const struct seen *s)
{
    struct task_extra extra = {0};

    if (s->task.extra && bide__report_look(s->task.extra, &extra, sizeof extra) && extra.name) {
        bide__report_put_text(r, extra.name);
        bide__report_put(r, " (#");
        bide__report_put_number(r, s->task.id);
        bide__report_put(r, ")");
    } else {
        bide__report_put(r, "Task-");
        bide__report_put_number(r, s->task.id);
    }
    if (s->has_top) {
        bide__report_put(r, " (");
        bide__report_put_text(r, s->top.coroutine.name);
        bide__report_put(r, ")");
    }
}

static void put_future(struct report *r, const bide_future *f)
{
    struct bide_future copy;
    struct object_type type;
    struct seen s;

    if (!bide__report_look(f, &copy, sizeof copy)) {
        bide__report_put(r, "a future");
    } else if (copy.is_task && bide__report_see(&s, (const bide_task *)f)) {
        bide__report_put_task(r, &s);
    } else {
        const char *label = NULL;
        bool is_known = bide__report_look(copy.object.type, &type, sizeof type);
        bide__report_put(r, "a ");
        bide__report_put_text(r, is_known ? type.name : "future");
        if (is_known && type.label_at && bide__report_look((const char *)f + type.label_at, &label, sizeof label) && label) {
            bide__report_put(r, ": ");
            bide__report_put_text(r, label);
        }
    }
}

/* ---- what a task waits for, if that is one future or several ---- */

static bool visit_pending(report_visit_fn *visit, void *arg, const bide_future *f)
{
    struct bide_future copy;

    return bide__report_look(f, &copy, sizeof copy) && copy.state == PENDING && visit(arg, f);
}

static bool each_watched(const struct group *at, report_visit_fn *visit, void *arg)
{
    struct group g;
    struct watch w;

    if (!bide__report_look(at, &g, sizeof g))
        return false;
    for (size_t i = 0; i < g.started && i < WATCHES_MAX; i++)
        if (bide__report_look(&g.watches[i], &w, sizeof w) && visit_pending(visit, arg, w.future))
            return true;
    return false;
}

static bool each_completing(const struct wait *at, report_visit_fn *visit, void *arg)
{
    struct next_wait next;
    struct ended e;
    size_t n;

    if (!bide__report_look(container_of(at, struct next_wait, wait), &next, sizeof next) || !bide__report_look(&next.list->n, &n, sizeof n))
        return false;
    for (size_t i = 0; i < n && i < WATCHES_MAX; i++)
        if (bide__report_look(&next.list->all[i], &e, sizeof e) && visit_pending(visit, arg, e.future))
            return true;
    return false;
}

static bool each_member(const struct list_node *list, report_visit_fn *visit, void *arg)
{
    struct list_node node;
    struct member m;
    int n = 0;

    for (bool is_there = bide__report_look(list, &node, sizeof node); is_there && node.next && node.next != list && n < WATCHES_MAX; n++) {
        is_there = bide__report_look(container_of(node.next, struct member, node), &m, sizeof m);
        if (is_there && visit_pending(visit, arg, m.future))
            return true;
        node = m.node;
    }
    return false;
}

static bool each_choice(const struct wait *at, report_visit_fn *visit, void *arg)
{
    struct choice c;
    struct alternative a;

    if (!bide__report_look(container_of(at, struct choice, wait.wait), &c, sizeof c))
        return false;
    for (size_t i = 0; i < c.n && i < WATCHES_MAX; i++)
        if (bide__report_look(&c.all[i], &a, sizeof a) && a.future && visit_pending(visit, arg, a.future))
            return true;
    return false;
}

/* True: visit said that it was enough. */
bool bide__report_each_awaited(const struct seen *s, report_visit_fn *visit, void *arg)
{
    const struct wait *w = s->task.wait;
    if (s->task.stackless)
        return s->task.awaited && visit_pending(visit, arg, s->task.awaited);
    if (!s->has_wait || s->wait.wait.awaits)
        return s->has_wait && visit_pending(visit, arg, s->wait.wait.awaits);

    switch ((enum wait_kind)s->wait.wait.kind) {
    case WAIT_GROUP:
    case WAIT_GROUP_FOR: return each_watched(container_of(w, struct group, wait), visit, arg);
    case WAIT_COMPLETED:
    case WAIT_COMPLETED_FOR: return each_completing(w, visit, arg);
    case WAIT_MEMBERS: return each_member(s->wait.wait.on, visit, arg);
    case WAIT_OPERATION: return s->wait.is_choice && each_choice(w, visit, arg);
    default: return false;
    }
}

/* ---- in words ---- */

struct several {
    struct report *to;
    int n;
};

/* The first four. */
static bool put_one(void *arg, const bide_future *f)
{
    struct several *v = arg;

    if (v->n < SEVERAL_SHOWN) {
        bide__report_put(v->to, v->n > 0 ? ", " : "");
        put_future(v->to, f);
    }
    v->n++;
    return false;
}

/* False: it waits for none. */
static bool put_several(struct report *r, const struct seen *s)
{
    struct several v = {.to = r};

    bide__report_each_awaited(s, put_one, &v);
    if (v.n > SEVERAL_SHOWN) {
        bide__report_put(r, " and ");
        bide__report_put_number(r, (uint64_t)(v.n - SEVERAL_SHOWN));
        bide__report_put(r, " more");
    }
    return v.n > 0;
}

static void put_one_operation(struct report *r, const bide_operation *at)
{
    bide_operation op;
    struct bide_operation_ops ops;
    uint64_t holder = 0;
    int fd;

    if (!bide__report_look(at, &op, sizeof op) || !bide__report_look(op.ops, &ops, sizeof ops))
        return;
    bide__report_put_text(r, ops.name);
    if (ops.fd_at && bide__report_look((op.object ? (const char *)op.object : (const char *)at) + ops.fd_at, &fd, sizeof fd) && fd >= 0) {
        bide__report_put(r, " fd ");
        bide__report_put_number(r, (uint64_t)fd);
    }
    if (ops.holder_at && bide__report_look((const char *)op.object + ops.holder_at, &holder, sizeof holder) && holder) {
        bide__report_put(r, ", held by #");
        bide__report_put_number(r, holder);
    }
}

static void put_alternative(struct report *r, const struct alternative *at)
{
    struct alternative a;
    bide_awaitable what;

    if (!bide__report_look(at, &a, sizeof a) || !bide__report_look(a.what, &what, sizeof what))
        bide__report_put(r, "?");
    else if (what.kind == BIDE_AW_OPERATION)
        put_one_operation(r, &a.what->as.operation);
    else if (a.future)
        put_future(r, a.future);
    else
        bide__report_put(r, what.kind == BIDE_AW_SLEEP ? "a timer" : "a future");
}

static void put_operation(struct report *r, const struct seen *s)
{
    struct choice c;
    if (!s->wait.is_choice || !bide__report_look(container_of(s->task.wait, struct choice, wait.wait), &c, sizeof c)) {
        put_one_operation(r, s->wait.operation);
        return;
    }

    bide__report_put(r, c.n > 1 ? "one of " : "");
    for (size_t i = 0; i < c.n && i < SEVERAL_SHOWN; i++) {
        bide__report_put(r, i > 0 ? ", " : "");
        put_alternative(r, &c.all[i]);
    }
    bide__report_put(r, c.n > SEVERAL_SHOWN ? " and more" : "");
}

static void put_left(struct report *r, int64_t when_ms)
{
    int64_t left = when_ms - bide__clock_ns() / NS_PER_MS;

    bide__report_put_number(r, left > 0 ? (uint64_t)left : 0);
    bide__report_put(r, " ms");
}

static void put_kind(struct report *r, const struct seen *s)
{
    const struct operation_wait *w = &s->wait;
    int fd;
    struct timer timer;

    switch ((enum wait_kind)w->wait.kind) {
    case WAIT_OPERATION: put_operation(r, s); break;
    case WAIT_NAMED: bide__report_put_text(r, w->wait.on); break;
    case WAIT_READ:
    case WAIT_WRITE:
    case WAIT_EITHER:
        bide__report_put(r, w->wait.kind == WAIT_READ ? "reading" : w->wait.kind == WAIT_WRITE ? "writing" : "reading or writing");
        bide__report_put(r, " fd ");
        bide__report_put_number(r, bide__report_look(w->wait.on, &fd, sizeof fd) && fd >= 0 ? (uint64_t)fd : 0);
        break;
    case WAIT_TIME:
        bide__report_put(r, "a timer, ");
        put_left(r, bide__report_look(w->wait.on, &timer, sizeof timer) ? timer.when_ms : 0);
        bide__report_put(r, " left");
        break;
    case WAIT_THREAD:
        bide__report_put(r, "a call in a thread ");
        bide__report_put_text(r, w->wait.on);
        break;
    case WAIT_MEMBERS:
        if (!put_several(r, s))
            bide__report_put(r, "the tasks of its group");
        break;
    case WAIT_GROUP:
    case WAIT_GROUP_FOR:
        if (!put_several(r, s))
            bide__report_put(r, "nothing any more");
        break;
    case WAIT_COMPLETED:
    case WAIT_COMPLETED_FOR:
        bide__report_put(r, "the next of ");
        if (!put_several(r, s))
            bide__report_put(r, "those that have ended");
        break;
    default: bide__report_put(r, "something without a name");
    }
}

/* The first of the blocks around it that ends, and its wait itself. */
static void put_limit(struct report *r, const struct seen *s)
{
    int64_t first = INT64_MAX;
    struct timer timer;
    struct scope scope;
    bool is_for = s->has_wait && (s->wait.wait.kind == WAIT_GROUP_FOR || s->wait.wait.kind == WAIT_COMPLETED_FOR);
    if (is_for && bide__report_look(s->wait.wait.on, &timer, sizeof timer))
        first = timer.when_ms;

    const struct scope *at = s->task.stackless ? NULL : s->task.scopes;
    for (int i = 0; i < CHAIN_MAX && bide__report_look(at, &scope, sizeof scope); i++, at = scope.outer)
        if (scope.timer.node.next && scope.timer.node.next != &at->timer.node && scope.timer.when_ms < first)
            first = scope.timer.when_ms;
    if (first == INT64_MAX)
        return;
    bide__report_put(r, "; timeout in ");
    put_left(r, first);
}

static void put_wait(struct report *r, const struct seen *s)
{
    const bide_future *awaited = s->task.stackless ? s->task.awaited : s->has_wait ? s->wait.wait.awaits : NULL;

    bide__report_put(r, " waits for ");
    if (awaited)
        put_future(r, awaited);
    else if (s->has_wait)
        put_kind(r, s);
    else
        bide__report_put(r, s->task.stackless ? "a timer" : "something without a name");
    put_limit(r, s);
}

void bide__report_put_doing(struct report *r, const struct seen *s)
{
    struct doing d;

    if (!s->has_top || !s->task.started || !bide__report_look(s->top.doing, &d, sizeof d) || !d.what)
        return;
    bide__report_put(r, ", ");
    bide__report_put_text(r, d.what);
    bide__report_put(r, d.of ? " " : "");
    bide__report_put_text(r, d.of);
}

void bide__report_put_line(struct report *r, const struct seen *s, const bide_task *current)
{
    bide__report_put(r, "bide:   ");
    bide__report_put_task(r, s);
    bide__report_put_doing(r, s);
    if (s->at == current)
        bide__report_put(r, " runs");
    else if (!s->task.started)
        bide__report_put(r, " has not begun");
    else if (s->task.ready.place)
        bide__report_put(r, " is ready");
    else
        put_wait(r, s);
    bide__report_end_line(r);
}

/* SPDX-License-Identifier: MIT */
/*
 * future.c - a result that will come.
 *
 * A future settles once.  Who waits for it has a clause in its list; settling wakes them all, in order, and never runs
 * anything itself.  A done callback is a clause too, with an entry of its own that the loop runs.
 *
 * Invariants:
 *   F1  only a pending future has clauses.
 *   F2  error is set only if FAILED, or of a task CANCELLED with a reason, and may be NULL even then (no memory to keep the story).
 */
#include "core/turn/task.h"

int bide__future_check_slow(const bide_future *f, const char *function)
{
    return f ? bide__loop_check_slow(f->loop, function) : bide_fail(-EINVAL, "%s: it is NULL", function);
}

/* ---- life ---- */

/* A done callback: a clause whose entry the loop runs.  It shares the future from the moment that this is done. */
struct callback {
    struct clause clause;
    struct ready ready;
    bide_future *future;
    bide_future_callback *fn;
    void *arg;
    void (*arg_free)(void *arg); /* NULL: it is borrowed */
    struct task_context *context; /* a share of that of who added it; NULL: empty */
};

static void callback_run(struct ready *r);

static struct callback *as_callback(struct list_node *node)
{
    struct clause *c = container_of(node, struct clause, node);

    return c->wakes->run == callback_run ? container_of(c, struct callback, clause) : NULL;
}

static void callback_free(struct callback *c)
{
    bide__list_remove(&c->clause.node);
    bide__ring_unreserve(&c->future->loop->ring, 1);
    bide__free_user(c->arg, c->arg_free);
    if (unlikely(c->context != NULL))
        bide__context_unref(c->context);
    bide__free(c);
}

static void callback_run(struct ready *r)
{
    struct callback *c = container_of(r, struct callback, ready);
    bide_future *f = c->future;

    bide__context_outside = c->context;
    c->fn(f, c->arg);
    bide__context_outside = NULL;
    callback_free(c);
    bide__object_unref(f);
}

/* The loop is closed: callbacks that wait for a turn will not get one. */
void bide__callbacks_drop(bide_loop *loop)
{
    struct ring *q = &loop->ring;

    for (uint32_t i = q->head; i != q->tail; i++) {
        struct ready *r = q->slots[i & q->mask];
        if (!r || r->run != callback_run)
            continue;
        struct callback *c = container_of(r, struct callback, ready);
        bide_future *f = c->future;
        bide__unpush(loop, r);
        callback_free(c);
        bide__object_unref(f);
    }
}

never_indirect void bide__future_init(struct bide_future *f, const struct object_type *type, bide_loop *loop)
{
    bide__object_init(f, type);
    f->loop = bide_retain(loop);
    bide__list_init(&f->clauses);
    f->error = NULL;
    f->result = 0;
    f->state = PENDING;
    f->is_task = false;
    f->was_retrieved = false;
}

/* Its callbacks will not be called: it goes before it was done, so that nobody can settle it, or its loop is closed. */
static void drop_callbacks(bide_future *f)
{
    for (struct list_node *n = f->clauses.next, *next; n != &f->clauses; n = next) {
        next = n->next;
        struct callback *c = as_callback(n);
        if (c)
            callback_free(c);
    }
}

void bide__future_report_unread(struct bide_future *f)
{
    f->was_retrieved = true;
    bide__loop_report(f->loop, "%s%s: its error was never retrieved: %s", f->is_task ? "task " : "a future",
                      f->is_task ? bide_task_name((bide_task *)f) : "",
                      f->error ? f->error->text : bide_strerror(f->result));
    if (bide__ledger_is_kept) {
        char place[PLACE_TEXT_MAX];
        bide__ledger_made_at(f, place, sizeof place);
        bide__loop_report(f->loop, "it was made at %s", place);
    }
}

never_indirect void bide__future_fini(struct bide_future *f)
{
    drop_callbacks(f);
    if (f->state == FAILED && !f->was_retrieved)
        bide__future_report_unread(f);
    if (unlikely(f->error != NULL))
        bide__free(f->error);
    bide__object_unref(f->loop);
}

/* ---- settling ---- */

never_indirect void bide__future_settle(struct bide_future *f, enum future_state state, int result)
{
    assert(f->state == PENDING);
    f->state = (uint8_t)state;
    f->result = result;
    if (unlikely(f->loop->closed)) /* no turn will come for its callbacks */
        drop_callbacks(f);
    for (struct list_node *n = f->clauses.next; n != &f->clauses; n = n->next)
        if (as_callback(n))
            bide_retain(f);
    bide__wake_all(f->loop, &f->clauses);
}

int bide__future_check_settable(const bide_future *f, const char *function)
{
    int code = bide__future_check(f, function);
    if (code < 0)
        return code;
    if (f->is_task)
        return bide_fail(BIDE_ESTATE, "%s: a task settles by ending", function);
    if (f->state != PENDING)
        return bide_fail(BIDE_ESTATE, "%s: the future is done already", function);
    return 0;
}

int bide_future_set_result(bide_future *f, int result)
{
    if (result < 0)
        return bide_fail(-EINVAL, "bide_future_set_result: %d is an error; use bide_future_set_error", result);
    int code = bide__future_check_settable(f, __func__);
    if (code < 0)
        return code;

    bide__future_settle(f, DONE, result);
    return 0;
}

/* Keep the story that is on record here, if it is that of this code. */
static void keep_story(bide_future *f, int code)
{
    const struct error_record *e = bide__error_current();
    if (e->code != code)
        return;

    f->error = bide__malloc(sizeof *f->error);
    if (f->error)
        *f->error = *e;
}

int bide_future_set_error(bide_future *f, int code)
{
    if (code >= 0)
        return bide_fail(-EINVAL, "bide_future_set_error: %d is not an error", code);
    int bad = bide__future_check_settable(f, __func__);
    if (bad < 0)
        return bad;

    keep_story(f, code);
    bide__future_settle(f, FAILED, code);
    return 0;
}

/* ---- promises ---- */

const char bide__promised_key = 0;

bool bide__is_promised(const bide_future *f)
{
    const struct list_node *all = &f->loop->closers;

    for (const struct list_node *at = all->next; at != all; at = at->next) {
        const struct loop_closer *c = container_of(at, struct loop_closer, node);
        if (c->key == &bide__promised_key && container_of(c, struct promised, closer)->future == f)
            return true;
    }
    return false;
}

/* ---- looking ---- */

bool bide_future_done(const bide_future *f)
{
    return bide__future_check(f, __func__) == 0 && f->state != PENDING;
}

bool bide_future_cancelled(const bide_future *f)
{
    return bide__future_check(f, __func__) == 0 && f->state == CANCELLED;
}

never_indirect int bide__future_outcome(struct bide_future *f)
{
    if (f->result >= 0)
        return f->result;

    f->was_retrieved = true;
    if (f->error)
        bide__error_adopt(f->error);
    else /* a bare `return -EIO`, a cancellation, or no memory to keep the story */
        bide__fail_bare(f->result, f->is_task ? bide_task_name((const bide_task *)f) : "a future");
    return f->result;
}

int bide_future_result(bide_future *f)
{
    int code = bide__future_check(f, __func__);
    if (code < 0)
        return code;
    if (f->state == PENDING)
        return bide_fail(BIDE_ESTATE, "the result is not there yet");
    return bide__future_outcome(f);
}

bide_future *bide_task_future(bide_task *t)
{
    return bide__task_check(t, __func__) == 0 ? &t->future : NULL;
}

bide_task *bide_future_task(bide_future *f)
{
    return bide__future_check(f, __func__) == 0 && f->is_task ? (bide_task *)f : NULL;
}

/* ---- done callbacks ---- */

static int add_callback(bide_future *f, bide_future_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    int code = bide__future_check(f, "add_done_callback");
    if (code < 0)
        return code;
    if (!fn)
        return bide_fail(-EINVAL, "add_done_callback: the function is NULL");
    if (f->loop->closed)
        return bide_fail(BIDE_ECLOSED, "add_done_callback: the event loop is closed");
    struct callback *c = bide__malloc(sizeof *c);
    if (!c || bide__ring_reserve(&f->loop->ring, 1) < 0) {
        bide__free(c);
        return bide__fail_nomem("add_done_callback");
    }
    *c = (struct callback){.ready.run = callback_run, .future = f, .fn = fn, .arg = arg, .arg_free = arg_free};
    if (unlikely(f->loop->has_contexts) && f->loop == bide__loop_here)
        c->context = bide__context_ref(bide__context_here());
    bide__clause_init(&c->clause, &c->ready);
    if (f->state == PENDING) {
        bide__list_append(&f->clauses, &c->clause.node);
    } else {
        bide_retain(f);
        bide__push(f->loop, &c->ready);
    }
    return 0;
}

int bide_future_add_done_callback(bide_future *f, bide_future_callback *fn, void *arg)
{
    return add_callback(f, fn, arg, NULL);
}

int bide_future_add_done_callback_taking(bide_future *f, bide_future_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    int code = add_callback(f, fn, arg, arg_free);

    if (code < 0)
        bide__free_user(arg, arg_free);
    return code;
}

int bide_future_remove_done_callback(bide_future *f, bide_future_callback *fn, void *arg)
{
    int removed = 0;
    int code = bide__future_check(f, "remove_done_callback");
    if (code < 0)
        return code;

    for (struct list_node *n = f->clauses.next, *next; n != &f->clauses; n = next) {
        next = n->next;
        struct callback *c = as_callback(n);
        if (!c || c->fn != fn || c->arg != arg)
            continue;
        callback_free(c);
        removed++;
    }
    return removed;
}

/* A task's callback has the same shape: a bide_task begins with its future. */
int bide_task_add_done_callback(bide_task *t, bide_task_callback *fn, void *arg)
{
    return bide_future_add_done_callback((bide_future *)t, (bide_future_callback *)(void (*)(void))fn, arg);
}

int bide_task_remove_done_callback(bide_task *t, bide_task_callback *fn, void *arg)
{
    return bide_future_remove_done_callback((bide_future *)t, (bide_future_callback *)(void (*)(void))fn, arg);
}

/* SPDX-License-Identifier: MIT */
/*
 * promise.c - the other end of a future, for another thread.
 *
 *     the loop's thread                                  any thread
 *       future <-- share -- bide_promise <-- holds --      bide_promise_set_result: outcome, post
 *                             ^    |
 *                closer ------'    '-- item --> inbox of the loop --> settle the future, let go of it
 *
 * Invariants:
 *   M1  loop and is_kept are read and written under the lock; the outcome is written before is_kept is true, and then no more.
 *   M2  two hold it: its owner, and the loop's side, which ends when the item was run or dropped, or the loop is closed.
 *   M3  the future is touched in its loop's thread alone.
 */
#include "core/core.h"

struct outcome {
    int result; /* or a code */
    bool has_pointer;
    void *pointer;
    void (*destroy)(void *pointer);
};

struct bide_promise {
    struct object object;
    unsigned process; /* bide__process when it was made */
    pthread_mutex_t lock;
    unsigned holders; /* under the lock */
    bide_loop *loop;  /* NULL: it is closed */
    bool is_kept;

    struct outcome outcome;
    bool has_story;
    struct error_record story;

    struct inbox_item item;
    struct promised promised; /* its future: a share */
};

static void let_go(bide_promise *p)
{
    pthread_mutex_lock(&p->lock);
    unsigned left = --p->holders;
    pthread_mutex_unlock(&p->lock);
    if (left > 0)
        return;
    pthread_mutex_destroy(&p->lock);
    bide__object_free(p);
}

/* ---- in the loop's thread ---- */

static void end_future(bide_promise *p)
{
    bide__await_threads(p->promised.future->loop, -1);
    bide__loop_detach(&p->promised.closer);
    bide__object_unref(p->promised.future);
    p->promised.future = NULL;
}

static void settle(bide_promise *p)
{
    bide_future *f = p->promised.future;
    const struct outcome *o = &p->outcome;

    if (o->has_pointer) {
        BIDE_IGNORE(bide_future_set_pointer(f, o->pointer, o->destroy)); /* done already: then it is destroyed */
    } else if (f->state == PENDING && o->result >= 0) {
        bide__future_settle(f, DONE, o->result);
    } else if (f->state == PENDING) {
        f->error = p->has_story ? bide__malloc(sizeof *f->error) : NULL;
        if (f->error)
            *f->error = p->story;
        bide__future_settle(f, o->result == BIDE_ECANCELED ? CANCELLED : FAILED, o->result);
    }
}

static void arrived(struct inbox_item *item)
{
    bide_promise *p = container_of(item, bide_promise, item);
    struct error_mark mark;

    bide__error_mark(&mark);
    settle(p);
    bide__error_restore(&mark);
    end_future(p);
    let_go(p);
}

/* It came to the inbox of a loop whose closers had been called. */
static void dropped(struct inbox_item *item)
{
    bide_promise *p = container_of(item, bide_promise, item);

    if (p->outcome.has_pointer)
        bide__free_user(p->outcome.pointer, p->outcome.destroy);
    let_go(p);
}

static void loop_closes(struct loop_closer *c)
{
    bide_promise *p = container_of(c, bide_promise, promised.closer);

    pthread_mutex_lock(&p->lock);
    p->loop = NULL;
    bool is_on_its_way = p->is_kept;
    pthread_mutex_unlock(&p->lock);
    if (p->promised.future->state == PENDING)
        bide__future_settle(p->promised.future, CANCELLED, BIDE_ECANCELED);
    bide__await_threads(p->promised.future->loop, -1);
    bide__object_unref(p->promised.future);
    p->promised.future = NULL;
    if (!is_on_its_way)
        let_go(p);
}

/* ---- in any thread ---- */

/* With the lock held. */
static int post(bide_promise *p, const char *function)
{
    if (p->is_kept)
        return bide_fail(BIDE_ESTATE, "%s: the promise was kept already", function);
    p->is_kept = p->loop && bide__loop_post(p->loop, &p->item);
    return p->is_kept ? 0 : bide_fail(BIDE_ECLOSED, "%s: the event loop of its future is closed", function);
}

static int keep(bide_promise *p, struct outcome outcome, const char *function)
{
    pthread_mutex_lock(&p->lock);
    if (!p->is_kept) {
        p->outcome = outcome;
        p->has_story = outcome.result < 0 && bide__error_current()->code == outcome.result;
        if (p->has_story)
            p->story = *bide__error_current();
    }
    int code = post(p, function);
    pthread_mutex_unlock(&p->lock);
    return code;
}

static int check(const bide_promise *p, const char *function)
{
    if (!p)
        return bide_fail(-EINVAL, "%s: the promise is NULL", function);
    return p->process == bide__process ? 0 : bide__inherited(function);
}

int bide_promise_set_result(bide_promise *p, int result)
{
    BIDE_TRY(check(p, __func__));
    if (result < 0)
        return bide_fail(-EINVAL, "%s: %d is an error; use bide_promise_set_error", __func__, result);
    return keep(p, (struct outcome){.result = result}, __func__);
}

int bide_promise_set_error(bide_promise *p, int code)
{
    BIDE_TRY(check(p, __func__));
    if (code >= 0)
        return bide_fail(-EINVAL, "%s: %d is not an error", __func__, code);
    return keep(p, (struct outcome){.result = code}, __func__);
}

int bide_promise_set_pointer(bide_promise *p, void *pointer, void (*destroy)(void *pointer))
{
    int code = check(p, __func__);
    if (code == 0)
        code = keep(p, (struct outcome){.pointer = pointer, .destroy = destroy, .has_pointer = true}, __func__);
    if (code < 0)
        bide__free_user(pointer, destroy);
    return code;
}

/* ---- life ---- */

static void promise_destroy(void *object)
{
    bide_promise *p = object;
    struct error_mark mark;
    if (p->process != bide__process)
        return; /* its lock may be held by a thread that is not here */

    bide__error_mark(&mark);
    if (!p->is_kept) {
        bide_fail(BIDE_ECLOSED, "the promise was released before it was kept");
        BIDE_IGNORE(keep(p, (struct outcome){.result = BIDE_ECLOSED}, "bide_release"));
    }
    bide__error_restore(&mark);
    let_go(p);
}

static const struct object_type promise_type = {.name = "promise", .destroy = promise_destroy};

static bide_promise *promise_new(bide_future *f)
{
    bide_promise *p = bide__object_zalloc(sizeof *p);
    if (!p) {
        bide__fail_nomem("bide_promise_new");
        return NULL;
    }
    bide__object_init(p, &promise_type);
    p->process = bide__process;
    pthread_mutex_init(&p->lock, NULL);
    p->holders = 2;
    p->loop = f->loop;
    p->item = (struct inbox_item){.run = arrived, .drop = dropped};
    bide__list_init(&p->item.node);
    p->promised.closer = (struct loop_closer){.key = &bide__promised_key, .close = loop_closes};
    bide__list_init(&p->promised.closer.node);
    bide__loop_attach(f->loop, &p->promised.closer);
    p->promised.future = bide_retain(f);
    bide__await_threads(f->loop, 1); /* somebody will keep it */
    return p;
}

bide_promise *bide_promise_new(bide_future **future)
{
    if (!future) {
        bide_fail(-EINVAL, "%s: the place for the future is NULL", __func__);
        return NULL;
    }
    *future = NULL;
    bide_auto bide_future *f = bide_future_new();
    if (!f)
        return NULL;
    if (f->loop->closed) {
        bide_fail(BIDE_ECLOSED, "%s: the event loop is closed", __func__);
        return NULL;
    }

    bide_promise *p = promise_new(f);
    if (p)
        *future = bide_take(f);
    return p;
}

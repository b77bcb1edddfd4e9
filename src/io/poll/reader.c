/* SPDX-License-Identifier: MIT */
/*
 * reader.c - functions that the loop calls when a descriptor of the program's own can be read, or written.
 *
 * A function that is due is pushed into the loop's queue; the descriptor (watched.c) is armed again for it once it has returned.
 */
#include "io/poll/watched.h"

/* The function may remove itself, or close the descriptor: what is armed again is what is there afterwards. */
static void call_run(struct ready *ready)
{
    struct call *c = container_of(ready, struct call, ready);
    bide_loop *loop = bide__loop_here;
    int fd = c->watched->fd;
    uint32_t generation = c->watched->generation;
    struct function *f = c->function;

    f->refs++;
    bide__context_outside = f->context;
    f->fn(f->arg);
    bide__context_outside = NULL;
    bide__watched_function_unref(f);
    struct descriptors *all = bide__descriptors_of(loop);
    struct watched *w = bide__watched_find(all, fd);
    if (w && w->generation == generation)
        bide__watched_settle(all, w);
}

static int call_new(struct descriptors *all, struct watched *w, int side, struct function *f)
{
    struct call *c = bide__malloc(sizeof *c);
    if (!c || bide__ring_reserve(&all->loop->ring, 1) < 0) {
        bide__free(c);
        return bide__fail_nomem("watching a descriptor");
    }
    *c = (struct call){.ready.run = call_run, .watched = w, .function = f};
    f->refs++;
    w->calls[side] = c;
    return 0;
}

static int set_function(bide_loop *loop, int fd, int side, struct function *f)
{
    struct descriptors *all = bide__descriptors_open(loop);
    struct watched *w = all ? bide__watched_enter(all, fd) : NULL;
    if (!w)
        return bide_error_code();

    if (w->calls[side]) {
        struct function *old = w->calls[side]->function;
        f->refs++;
        w->calls[side]->function = f;
        bide__watched_function_unref(old);
        return 0;
    }
    int code = bide__watched_arm(all, &w, side == READER ? BIDE_READABLE : BIDE_WRITABLE);
    if (code < 0)
        return code;
    if ((code = call_new(all, w, side, f)) < 0)
        bide__watched_settle(all, w);
    return code;
}

static int check_function(bide_loop *loop, bide_callback *fn, const char *function)
{
    int code = bide__loop_check(loop, function);
    if (code < 0)
        return code;
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "%s: the event loop is closed", function);
    return fn ? 0 : bide_fail(-EINVAL, "%s: the function is NULL", function);
}

/* arg is taken. */
static int add(bide_loop *loop, int fd, int side, struct function like, const char *function)
{
    int code = check_function(loop, like.fn, function);
    struct function *f = code == 0 ? bide__malloc(sizeof *f) : NULL;
    if (!f) {
        if (code == 0)
            code = bide__fail_nomem(function);
        bide__free_user(like.arg, like.arg_free);
        return code;
    }

    *f = like;
    f->refs = 1;
    if (unlikely(loop->has_contexts) && loop == bide__loop_here)
        f->context = bide__context_ref(bide__context_here());
    code = set_function(loop, fd, side, f);
    bide__watched_function_unref(f);
    return code;
}

static bool remove_call(bide_loop *loop, int fd, int side, const char *function)
{
    if (bide__loop_check(loop, function) < 0)
        return false;
    struct descriptors *all = bide__descriptors_of(loop);
    struct watched *w = bide__watched_find(all, fd);
    if (!w || !w->calls[side])
        return false;

    bide__watched_call_drop(all, w, side);
    bide__watched_settle(all, w);
    return true;
}

int bide_loop_add_reader(bide_loop *loop, int fd, bide_callback *fn, void *arg)
{
    return add(loop, fd, READER, (struct function){.fn = fn, .arg = arg}, __func__);
}

int bide_loop_add_reader_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    return add(loop, fd, READER, (struct function){.fn = fn, .arg = arg, .arg_free = arg_free}, __func__);
}

int bide_loop_add_writer(bide_loop *loop, int fd, bide_callback *fn, void *arg)
{
    return add(loop, fd, WRITER, (struct function){.fn = fn, .arg = arg}, __func__);
}

int bide_loop_add_writer_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    return add(loop, fd, WRITER, (struct function){.fn = fn, .arg = arg, .arg_free = arg_free}, __func__);
}

bool bide_loop_remove_reader(bide_loop *loop, int fd)
{
    return remove_call(loop, fd, READER, __func__);
}

bool bide_loop_remove_writer(bide_loop *loop, int fd)
{
    return remove_call(loop, fd, WRITER, __func__);
}

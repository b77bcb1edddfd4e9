/* SPDX-License-Identifier: MIT */
/* submit.c - one job: checked, waiting for room, submit and call; arguments in place. */

#include "pool/jobs/backend.h"

/* ---- room ---- */

static int check_call(bide_pool *p, const bide_pool_call_args *args)
{
    const char *name = args->job.name ? args->job.name : "job";
    BIDE_TRY(bide__job_check_spec(&args->job));
    BIDE_TRY(p->backend->check(p, args));
    if (args->nfds != 0 && !args->fds)
        return bide_fail(-EINVAL, "%s: nfds = %d, and fds is NULL", name, args->nfds);
    return bide__check_time(name, "timeout_ms", args->timeout_ms, true);
}

static int wait_for_room(bide_pool *p, bool nowait)
{
    while (bide__table_is_full(p)) {
        if (nowait)
            return bide_fail(-EAGAIN, "the pool has %zu jobs, %zu bytes: no room for more", p->pending, p->pending_bytes);
        int code = bide__wait_in_for(&p->room, WAIT_NAMED, "room in the pool");
        if (code < 0) {
            bide__table_pass_room(p); /* I may have been woken: the next one shall look */
            return code;
        }
        BIDE_TRY(bide__pool_check(p, "bide_pool_submit"));
    }
    return 0;
}

struct job *bide__pool_submit(bide_pool *p, const bide_pool_call_args *args, int slot)
{
    if (bide__pool_check(p, "bide_pool_submit") < 0 || check_call(p, args) < 0 || wait_for_room(p, args->nowait) < 0)
        return NULL;

    struct job *j = bide__job_new(p, args, slot >= 0);
    if (!j)
        return NULL;
    p->backend->submit(j, args, slot);
    bide__table_pass_room(p);
    return j;
}

/* A job of options that may be those of other headers. */
static struct job *submit(bide_pool *p, const bide_pool_call_args *options, const char *function)
{
    bide_pool_call_args args;
    const bide_pool_call_args *own = options;
    if (!bide__options_are_own(options, sizeof *options)) {
        if (bide__options_take(&args, sizeof args, options, function) < 0)
            return NULL;
        own = &args;
    }
    return bide__check_named(own->guard_, function) < 0 ? NULL : bide__pool_submit(p, own, -1);
}

bide_future *bide_pool_submit_with(bide_pool *p, const bide_pool_call_args *args)
{
    struct job *j = submit(p, args, "bide_pool_submit");
    if (!j)
        return NULL;

    j->keeps_result = true; /* for bide_pool_result */
    return &j->future;
}

int bide_pool_call_with(bide_pool *p, const bide_pool_call_args *args)
{
    struct job *j = bide__pool_check_waiter(p, "bide_pool_call") == 0 ? submit(p, args, "bide_pool_call") : NULL;
    if (!j)
        return bide_error_code();

    int code = bide_await_with(bide__aw_future(&j->future));
    bide_release(j);
    return code;
}

/* ---- arguments in place ---- */

void *bide_pool_buffer(bide_pool *p, size_t n)
{
    if (bide__pool_check(p, "bide_pool_buffer") < 0)
        return NULL;
    struct block *b = bide__block_get(&p->arena, n);

    if (!b)
        return NULL;
    b->owner = BLOCK_USERS;
    return bide__block_data(&p->arena, b);
}

void bide_pool_put(bide_pool *p, void *buffer)
{
    if (!bide__pool_allows(p, __func__))
        return;
    struct block *b = buffer ? bide__block_at(&p->arena, buffer) : NULL;

    if (b && b->owner == BLOCK_USERS)
        bide__block_put(&p->arena, b);
}

/* SPDX-License-Identifier: MIT */
/* submit.c - one job: is its function there, waiting for room, submit and call. */
#include <unistd.h>

#include "pool/pool.h"

/* ---- the function ---- */

/* By address here, by name there: what was written in the call may be a pointer's name, or a macro's. */
static int check_name(bide_pool *p, const bide_job *job)
{
    const bide_pool_named *named = bide__named_by_fn(job->fn);
    if (!named)
        return bide_fail(BIDE_EFUNCTION, "%s is not registered: write BIDE_POOL_TASK(%s); so that other processes can find it",
                         job->name, job->name);
    if (strlen(named->name) > NAME_MAX_BYTES)
        return bide_fail(-ENAMETOOLONG, "%.40s...: a name of %zu bytes; %d at most", named->name, strlen(named->name), NAME_MAX_BYTES);
    p->checked_name = named->name;
    return 0;
}

int bide__pool_check_fn(bide_pool *p, const bide_job *job)
{
    int code = bide__job_check_spec(job);
    if (code < 0)
        return code;
    if (job->fn == p->checked_fn)
        return 0;

    if (p->redis || p->args.kind == BIDE_POOL_EXEC)
        code = check_name(p, job);
    else if (p->args.kind == BIDE_POOL_PROCESS || p->args.kind == BIDE_POOL_FORK)
        code = bide__image_check(&p->image, job->fn, job->name);
    if (code == 0)
        p->checked_fn = job->fn;
    return code;
}

/* ---- room ---- */

static int check_call(const bide_pool_call_args *args)
{
    const char *name = args->job.name ? args->job.name : "job";
    if (args->nfds != 0 && !args->fds)
        return bide_fail(-EINVAL, "%s: nfds = %d, and fds is NULL", name, args->nfds);
    return bide__check_time(name, "timeout_ms", args->timeout_ms, true);
}

static int wait_for_room(bide_pool *p, bool nowait)
{
    while (bide__table_is_full(p)) {
        if (nowait)
            return bide_fail(-EAGAIN, "the pool has %zu jobs, %zu bytes: no room for more", p->pending, p->pending_bytes);
        int code = bide__wait_in(&p->room, NULL);
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
    if (bide__pool_check(p, "bide_pool_submit") < 0 || bide__pool_check_fn(p, &args->job) < 0 || check_call(args) < 0 ||
        wait_for_room(p, args->nowait) < 0)
        return NULL;
    if (p->redis && bide__redis_check_call(args) < 0)
        return NULL;

    struct job *j = bide__job_new(p, args, slot >= 0);
    if (!j)
        return NULL;
    if (p->args.kind == BIDE_POOL_EXEC || p->redis) /* others may have been checked while we waited for room */
        j->sent_as = p->checked_fn == j->fn ? p->checked_name : bide__named_by_fn(j->fn)->name;
    if (p->redis)
        bide__redis_submit(j);
    else if (slot >= 0)
        j->slot = slot;
    else if (args->key != 0)
        j->slot = (int)((args->key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % (uint64_t)p->nslots);
    if (!p->redis)
        bide__pool_enqueue(p, j, false);
    bide__pool_note_outside(p);
    bide__table_pass_room(p);
    return j;
}

bide_future *bide_pool_submit_with(bide_pool *p, bide_pool_call_args args)
{
    if (bide__check_named(args.guard_, "bide_pool_submit") < 0)
        return NULL;
    struct job *j = bide__pool_submit(p, &args, -1);
    if (!j)
        return NULL;

    j->keeps_result = true; /* for bide_pool_result */
    return &j->future;
}

int bide_pool_call_with(bide_pool *p, bide_pool_call_args args)
{
    if (bide__check_named(args.guard_, "bide_pool_call") < 0)
        return -EINVAL;
    struct job *j = bide__pool_submit(p, &args, -1);
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

/* SPDX-License-Identifier: MIT */
/* open.c - a pool is made: its options are checked, and the backend that will run its jobs is chosen and opened. */
#include "pool/pool.h"
#include "pool/redis/redis.h"

static int check_place(const bide_pool_args *a)
{
    if (!bide__task_required("bide_pool_new"))
        return BIDE_ENOLOOP;
    if (bide__exec_was_asked())
        return bide_fail(BIDE_ESTATE, "bide_pool_new: this process was started as a worker: main() must begin with bide_pool_prepare()");
    if (bide__worker_here && !a->nested)
        return bide_fail(BIDE_ESTATE, "bide_pool_new: inside a worker of another pool; .nested = true allows it");
    return bide__named_check();
}

static const struct object_type pool_type = {
    .name = "pool", .destroy = bide__pool_destroy, .release = bide__pool_release, .is_held_by_its_own = true};

bide_pool *bide__pool_new(void)
{
    bide_pool *p = bide__object_zalloc(sizeof *p);
    if (!p) {
        bide__fail_nomem("a pool");
        return NULL;
    }
    bide__object_init(p, &pool_type);
    p->loop = bide_retain(bide__loop_here);
    p->generation = bide__fork_generation();
    p->arena.memory = p->published_fd = -1;
    bide__list_init(&p->in_loop);
    bide__list_init(&p->jobs);
    bide__list_init(&p->room);
    bide__list_init(&p->changed);
    p->leaving.run = bide__pool_leave;
    return p;
}

static int open_pool(bide_pool *p, const bide_pool_args *args)
{
    BIDE_TRY(bide__pool_take_options(&p->args, args));
    BIDE_TRY(check_place(&p->args));
    BIDE_TRY(bide__pool_arena_open(&p->arena));
    BIDE_TRY(bide__stats_open(p));
    p->backend = p->args.redis ? &bide__redis_backend : &bide__local_backend;
    BIDE_TRY(p->backend->open(p));
    p->state = POOL_OPEN;
    bide__pool_note_outside(p);
    return 0;
}

bide_pool *bide_pool_new_with(const bide_pool_args *options)
{
    bide_pool_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_pool_new") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_pool_new") < 0)
        return NULL;
    struct error_mark mark;
    if (!bide__loop_here) {
        bide_fail(BIDE_ENOLOOP, "bide_pool_new: not inside a task");
        return NULL;
    }
    bide_pool *p = bide__pool_new();
    if (!p)
        return NULL;

    bide__error_mark(&mark);
    bool failed = open_pool(p, &args) < 0;
    if (failed)
        bide_release(p);
    bide__error_end(&mark, -failed);
    return failed ? NULL : p;
}

int bide_pool_resize(bide_pool *p, int workers)
{
    BIDE_TRY(bide__pool_check_waiter(p, __func__));
    return p->backend->resize(p, workers);
}

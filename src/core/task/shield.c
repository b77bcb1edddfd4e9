/* SPDX-License-Identifier: MIT */
/*
 * shield.c - a future in front of another one, which does not pass a cancellation on: bide_shield_awaitable.
 *
 *     inner ---- clause, ready ---> shield: its own turn, as of a done callback ---> who waits for the shield
 *
 * As asyncio's shield, which makes such a future, too.  (bide_shield waits by itself and needs none: several/wait_several.c.)
 */
#include "core/task/await.h"

struct shield {
    bide_future future;
    struct clause clause;
    struct ready ready;
    bide_future *inner; /* a share */
};

static void shield_destroy(void *object)
{
    struct shield *s = object;
    bide_loop *loop = s->future.loop;

    bide__list_remove(&s->clause.node);
    bide__unpush(loop, &s->ready);
    bide__ring_unreserve(&loop->ring, 1);
    bide__object_unref(s->inner); /* goes on, if nobody else has it */
    bide__future_fini(&s->future);
    bide__object_free(s);
}

static void shield_release(void *object)
{
    const bide_future *f = object;

    if (!bide__release_is_refused(f->loop, "bide_release of a future"))
        bide__object_unref(object);
}

static const struct object_type shield_type = {.name = "future", .destroy = shield_destroy, .release = shield_release};

static void inner_done(struct ready *r)
{
    struct shield *s = container_of(r, struct shield, ready);
    const bide_future *inner = s->inner;
    if (s->future.state != PENDING)
        return; /* it was cancelled; the error of inner is its own matter */

    s->inner->was_retrieved = true;
    if (inner->error && (s->future.error = bide__malloc(sizeof *inner->error)))
        *s->future.error = *inner->error;
    bide__future_settle(&s->future, (enum future_state)inner->state, inner->result);
}

bide_future *bide__shielded(bide_future *inner)
{
    bide_loop *loop = inner->loop;
    struct shield *s = bide__object_zalloc(sizeof *s);
    if (!s || bide__ring_reserve(&loop->ring, 1) < 0) {
        bide__object_free(s);
        bide__fail_nomem("bide_shield_awaitable");
        bide__object_unref(inner);
        return NULL;
    }
    bide__future_init(&s->future, &shield_type, loop);
    s->inner = inner;
    s->ready.run = inner_done;
    bide__clause_init(&s->clause, &s->ready);
    bide__list_append(&inner->clauses, &s->clause.node);
    return &s->future;
}

bide_future *bide__behind_shield(const bide_future *f)
{
    return bide__object_is(&f->object, &shield_type) ? container_of(f, struct shield, future)->inner : (bide_future *)(uintptr_t)f;
}

const bide_future *bide__shield_by(const struct ready *r)
{
    return r->run == inner_done ? &container_of(r, struct shield, ready)->future : NULL;
}

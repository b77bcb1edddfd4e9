/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a number of tasks that go on together.
 *
 *     FILLING --the last arrives--> DRAINING --the last leaves--> FILLING
 *        \--reset, while some wait--> RESETTING --the last leaves--> FILLING
 *         \--abort--> BROKEN --reset--> FILLING
 *
 * All of it under the lock of a condition, as in asyncio, so that the order is the same, turn by turn.  Who comes while it drains waits
 * for the next round.
 */
#include <limits.h>

#include <bide/sync.h>

#include "sync/sync.h"

enum barrier_state { FILLING, DRAINING, RESETTING, BROKEN };

struct barrier {
    int64_t parties;
    bide_condition condition;
    int64_t count; /* of the tasks inside */
    uint64_t state;
};

_Static_assert(sizeof(struct barrier) <= sizeof(bide_barrier), "bide_barrier is too small");

/* Takes the lock, too. */
static int enter(struct barrier *b, const char *function)
{
    if (!b)
        return bide_fail(-EINVAL, "%s: it is NULL", function);
    if (b->parties < 1 || b->parties > INT_MAX)
        return bide_fail(-EINVAL, "%s: a barrier of %lld tasks", function, (long long)b->parties);
    return bide_lock_acquire(bide_condition_lock(&b->condition));
}

static void leave(struct barrier *b)
{
    BIDE_IGNORE(bide_lock_release(bide_condition_lock(&b->condition)));
}

static int broken(void)
{
    return bide_fail(BIDE_EBROKEN, "bide_barrier_wait: the barrier was aborted or reset");
}

/* Its place is taken: wait for the others. */
static int wait_inside(struct barrier *b)
{
    int code = 0;

    if (b->count == b->parties) {
        b->state = DRAINING;
        bide_condition_notify_all(&b->condition);
    } else {
        while (code == 0 && b->state == FILLING)
            code = bide__condition_wait_for_barrier(&b->condition);
        if (code == 0 && b->state != DRAINING)
            code = broken();
    }
    if (--b->count == 0) {
        if (b->state != BROKEN)
            b->state = FILLING;
        bide_condition_notify_all(&b->condition);
    }
    return code;
}

int bide_barrier_wait(bide_barrier *value)
{
    struct barrier *b = (struct barrier *)value;
    int code = enter(b, __func__);
    if (code < 0)
        return code;

    while (code == 0 && (b->state == DRAINING || b->state == RESETTING))
        code = bide__condition_wait_for_barrier(&b->condition);
    if (code == 0 && b->state == BROKEN)
        code = broken();
    if (code == 0) {
        int place = (int)b->count++;
        code = wait_inside(b);
        code = code < 0 ? code : place;
    }
    leave(b);
    return code;
}

int bide_barrier_reset(bide_barrier *value)
{
    struct barrier *b = (struct barrier *)value;
    int code = enter(b, __func__);
    if (code < 0)
        return code;

    b->state = b->count > 0 ? RESETTING : FILLING;
    bide_condition_notify_all(&b->condition);
    leave(b);
    return 0;
}

int bide_barrier_abort(bide_barrier *value)
{
    struct barrier *b = (struct barrier *)value;
    int code = enter(b, __func__);
    if (code < 0)
        return code;

    b->state = BROKEN;
    bide_condition_notify_all(&b->condition);
    leave(b);
    return 0;
}

static int look(const bide_barrier *value, const char *function)
{
    struct barrier *b = (struct barrier *)(uintptr_t)value;

    return bide__lock_look(b ? bide_condition_lock(&b->condition) : NULL, function);
}

int bide_barrier_waiting(const bide_barrier *value)
{
    const struct barrier *b = (const struct barrier *)value;

    return look(value, __func__) == 0 && b->state == FILLING ? (int)b->count : 0;
}

bool bide_barrier_is_broken(const bide_barrier *value)
{
    const struct barrier *b = (const struct barrier *)value;

    return look(value, __func__) == 0 && b->state == BROKEN;
}

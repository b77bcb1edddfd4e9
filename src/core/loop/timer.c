/* SPDX-License-Identifier: MIT */
/*
 * timer.c - when the loop should wake up.
 *
 * A hierarchical wheel of timers that live inside other structs (a sleeping task, a timeout block, a call_later).
 * Eight levels of 64 slots: level 0 holds the present 64 ms, one slot a millisecond; each level above is 64 times as
 * coarse.  A timer stands on the level of the highest six-bit digit in which its time differs from now; when the clock
 * reaches a slot of a higher level, that slot's timers move down.  Most timeouts are disarmed before they fire, so
 * arming and disarming are the hot path: a few instructions each, no memory.
 *
 * Invariants:
 *   W1  an armed timer's when_ms is after now_ms, or it is in `due`.
 *   W2  occupied[level] has bit i set just if slots[level][i] has timers.
 *
 * Timers for the same millisecond fire in the order they were armed: slots are lists, and moving down keeps their order.
 */
#include "core/loop/owner.h"

#define DIGIT_BITS 6
#define DIGIT_MASK 63

void bide__wheel_init(struct wheel *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    w->count = 0;
    bide__list_init(&w->due);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (unsigned i = 0; i <= DIGIT_MASK; i++)
            bide__list_init(&w->slots[level][i]);
    }
}

/* Already past: sorted by time, the equal ones in order of arming. */
static void put_due(struct wheel *w, struct timer *t)
{
    struct list_node *after = w->due.prev;

    while (after != &w->due && container_of(after, struct timer, node)->when_ms > t->when_ms)
        after = after->prev;
    bide__list_append(after->next, &t->node);
}

static void put_slot(struct wheel *w, struct timer *t)
{
    uint64_t differs = (uint64_t)t->when_ms ^ (uint64_t)w->now_ms;
    unsigned level = (63 - (unsigned)__builtin_clzll(differs)) / DIGIT_BITS;
    if (level >= WHEEL_LEVELS)
        level = WHEEL_LEVELS - 1;

    unsigned slot = (unsigned)((uint64_t)t->when_ms >> (level * DIGIT_BITS)) & DIGIT_MASK;
    bide__list_append(&w->slots[level][slot], &t->node);
    w->occupied[level] |= (uint64_t)1 << slot;
}

static void put(struct wheel *w, struct timer *t)
{
    if (t->when_ms <= w->now_ms)
        put_due(w, t);
    else
        put_slot(w, t);
}

void bide__wheel_arm(struct wheel *w, struct timer *t, int64_t when_ms)
{
    assert(!bide__timer_is_armed(t));
    t->when_ms = when_ms;
    w->count++;
    put(w, t);
}

/* W2: if this was the only timer of a slot, its list head is both neighbours. */
static void clear_bit_if_last(struct wheel *w, const struct timer *t)
{
    struct list_node *head = t->node.next;
    if (head != t->node.prev)
        return;

    struct list_node *first = &w->slots[0][0];
    if (head >= first && head < first + WHEEL_LEVELS * 64) {
        size_t i = (size_t)(head - first);
        w->occupied[i / 64] &= ~((uint64_t)1 << (i % 64));
    }
}

void bide__wheel_disarm(struct wheel *w, struct timer *t)
{
    if (!bide__timer_is_armed(t))
        return;
    clear_bit_if_last(w, t);
    bide__list_remove(&t->node);
    w->count--;
}

/* The first slot in time; its beginning goes to *at_ms.  NULL: the wheel is empty. */
static struct list_node *next_slot(struct wheel *w, unsigned *level, int64_t *at_ms)
{
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        if (!w->occupied[l])
            continue;
        unsigned slot = (unsigned)__builtin_ctzll(w->occupied[l]);
        unsigned shift = l * DIGIT_BITS;
        uint64_t above = (uint64_t)w->now_ms >> shift >> DIGIT_BITS;
        *at_ms = (int64_t)(((above << DIGIT_BITS) | slot) << shift);
        *level = l;
        return &w->slots[l][slot];
    }
    return NULL;
}

int64_t bide__wheel_next_ms(const struct wheel *w)
{
    unsigned level;
    int64_t at_ms;

    if (!bide__list_is_empty(&w->due))
        return w->now_ms;
    return next_slot((struct wheel *)w, &level, &at_ms) ? at_ms : -1;
}

static void fire_all(struct wheel *w, struct list_node *list)
{
    while (!bide__list_is_empty(list)) {
        struct timer *t = container_of(list->next, struct timer, node);
        bide__list_remove(&t->node);
        w->count--;
        t->fire(t);
    }
}

/* The clock has reached a slot: fire what is due now, move the rest down. */
static void open_slot(struct wheel *w, struct list_node *slot, unsigned level)
{
    struct list_node timers, due;

    bide__list_init(&timers);
    bide__list_init(&due);
    bide__list_splice(&timers, slot);
    w->occupied[level] &= ~((uint64_t)1 << (slot - w->slots[level]));

    while (!bide__list_is_empty(&timers)) {
        struct timer *t = container_of(timers.next, struct timer, node);
        bide__list_remove(&t->node);
        if (t->when_ms <= w->now_ms)
            bide__list_append(&due, &t->node);
        else
            put_slot(w, t);
    }
    fire_all(w, &due);
}

void bide__wheel_advance(struct wheel *w, int64_t now_ms)
{
    struct list_node due, *slot;
    unsigned level;
    int64_t at_ms;

    /* What fire() arms for a time already past waits for the next turn. */
    bide__list_init(&due);
    bide__list_splice(&due, &w->due);
    fire_all(w, &due);

    while ((slot = next_slot(w, &level, &at_ms)) && at_ms <= now_ms) {
        w->now_ms = at_ms;
        open_slot(w, slot, level);
    }
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
}

/* Beyond this a delay is forever (139 years); it keeps sums from overflowing, and what is armed within the wheel. */
#define DELAY_MAX_MS ((int64_t)1 << 42)
#define NS_PER_MS 1000000

never_indirect void bide__timer_arm(bide_loop *loop, struct timer *t, int64_t delay_ms)
{
    if (delay_ms <= 0) { /* next turn, whatever the clock says */
        bide__wheel_arm(&loop->wheel, t, loop->wheel.now_ms + (delay_ms < -DELAY_MAX_MS ? -DELAY_MAX_MS : delay_ms));
        return;
    }
    /* The clock is read anew: after a long step the loop's copy is old, and the timer would be early. */
    if (!loop->virtual_time)
        loop->now_ns = bide__clock_ns();
    if (delay_ms > DELAY_MAX_MS)
        delay_ms = DELAY_MAX_MS;
    bide__wheel_arm(&loop->wheel, t, (loop->now_ns + NS_PER_MS - 1) / NS_PER_MS + delay_ms);
}

int64_t bide__timer_now_ms(const bide_loop *loop)
{
    return (loop && loop->virtual_time ? loop->now_ns : bide__clock_ns()) / NS_PER_MS;
}

void bide__timer_arm_at(bide_loop *loop, struct timer *t, int64_t when_ms)
{
    int64_t last_ms = loop->wheel.now_ms + DELAY_MAX_MS;

    bide__wheel_arm(&loop->wheel, t, when_ms < last_ms ? when_ms : last_ms);
}

never_indirect void bide__timer_disarm(bide_loop *loop, struct timer *t)
{
    bide__wheel_disarm(&loop->wheel, t);
}

/* SPDX-License-Identifier: MIT */
/*
 * timer.c - when the loop should wake up.
 *
 * A hierarchical wheel of timers that live inside other structs (a sleeping task, a timeout block, a call_later).  The
 * near ones, less than 1,024 ms away, have a ring of slots, one a millisecond.  Beyond it time is counted in blocks of
 * 1,024 ms, on six levels of 64 slots, each 64 times as coarse as the one below: a timer stands on the level of the highest
 * six-bit digit in which its block differs from that of now; when the clock reaches a slot of a level, that slot's timers
 * move down.  Most timeouts are disarmed before they fire, so arming and disarming are the hot path: a few instructions
 * each, no memory.  Those of a second or less never move.
 *
 * Invariants:
 *   W1  an armed timer's when_ms is after now_ms, or it is in `due`, or it is fresh and when_ms is a delay.
 *   W2  bit i of near_occupied, far_occupied[level] is set just if that slot has timers.
 *   W3  all timers of a near slot are for the same millisecond.
 *
 * Timers for the same millisecond fire in the order they were armed: slots are lists, moving down keeps their order, and what
 * comes down was armed before all that is there already.
 */
#include "core/loop/owner.h"

#define NEAR_MASK (WHEEL_NEAR - 1)
#define BLOCK_BITS 10 /* WHEEL_NEAR is a block */
#define DIGIT_BITS 6
#define DIGIT_MASK 63
/* Beyond this a delay is forever (139 years); it keeps sums from overflowing, and what is armed within the wheel. */
#define DELAY_MAX_MS ((int64_t)1 << 42)
#define NS_PER_MS 1000000
/* Calls armed in one step after the first of them, which take no look at the clock each. */
#define FRESH_MAX 63

void bide__wheel_init(struct wheel *w, int64_t now_ms)
{
    memset(w, 0, sizeof *w);
    w->now_ms = now_ms;
    bide__list_init(&w->due);
    bide__list_init(&w->fresh);
    for (unsigned i = 0; i < WHEEL_NEAR; i++)
        bide__list_init(&w->near[i]);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++)
        for (unsigned i = 0; i <= DIGIT_MASK; i++)
            bide__list_init(&w->far[level][i]);
}

/* Already past: sorted by time, the equal ones in order of arming. */
static void put_due(struct wheel *w, struct timer *t)
{
    struct list_node *after = w->due.prev;

    while (after != &w->due && container_of(after, struct timer, node)->when_ms > t->when_ms)
        after = after->prev;
    bide__list_append(after->next, &t->node);
}

/* The slot that t belongs to, after now; its bit is set. */
static struct list_node *slot_for(struct wheel *w, const struct timer *t)
{
    if (likely(t->when_ms - w->now_ms < WHEEL_NEAR)) {
        unsigned near = (unsigned)t->when_ms & NEAR_MASK;
        w->near_occupied[near / 64] |= (uint64_t)1 << near % 64;
        return &w->near[near];
    }
    uint64_t block = (uint64_t)t->when_ms >> BLOCK_BITS, now = (uint64_t)w->now_ms >> BLOCK_BITS;
    unsigned level = (63 - (unsigned)__builtin_clzll(block ^ now)) / DIGIT_BITS;
    if (level >= WHEEL_LEVELS)
        level = WHEEL_LEVELS - 1;
    unsigned slot = (unsigned)(block >> (level * DIGIT_BITS)) & DIGIT_MASK;
    w->far_occupied[level] |= (uint64_t)1 << slot;
    return &w->far[level][slot];
}

static void put(struct wheel *w, struct timer *t)
{
    if (unlikely(t->when_ms <= w->now_ms))
        put_due(w, t);
    else
        bide__list_append(slot_for(w, t), &t->node);
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

    size_t near = (size_t)(head - w->near), far = (size_t)(head - &w->far[0][0]);
    if (head >= w->near && near < WHEEL_NEAR)
        w->near_occupied[near / 64] &= ~((uint64_t)1 << near % 64);
    else if (head >= &w->far[0][0] && far < (size_t)WHEEL_LEVELS * 64)
        w->far_occupied[far / 64] &= ~((uint64_t)1 << far % 64);
}

void bide__wheel_disarm(struct wheel *w, struct timer *t)
{
    if (!bide__timer_is_armed(t))
        return;
    clear_bit_if_last(w, t);
    bide__list_remove(&t->node);
    w->count--;
}

/* When the first near slot is due; -1: there is none. */
static int64_t next_near_ms(const struct wheel *w)
{
    unsigned from = (unsigned)(w->now_ms + 1) & NEAR_MASK;

    for (unsigned i = 0; i <= WHEEL_NEAR / 64; i++) { /* the word of `from` comes twice: its upper bits, at last its lower ones */
        unsigned word = (from / 64 + i) % (WHEEL_NEAR / 64);
        uint64_t bits = w->near_occupied[word];
        if (i == 0)
            bits &= ~(uint64_t)0 << from % 64;
        if (bits) {
            unsigned slot = word * 64 + (unsigned)__builtin_ctzll(bits);
            return w->now_ms + 1 + ((slot - from) & NEAR_MASK);
        }
    }
    return -1;
}

/* The first slot beyond the near ones in time; its beginning goes to *at_ms.  NULL: there is none. */
static struct list_node *next_far(struct wheel *w, unsigned *level, int64_t *at_ms)
{
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        if (!w->far_occupied[l])
            continue;
        unsigned slot = (unsigned)__builtin_ctzll(w->far_occupied[l]);
        unsigned shift = l * DIGIT_BITS;
        uint64_t above = (uint64_t)w->now_ms >> BLOCK_BITS >> shift >> DIGIT_BITS;
        *at_ms = (int64_t)(((above << DIGIT_BITS) | slot) << shift << BLOCK_BITS);
        *level = l;
        return &w->far[l][slot];
    }
    return NULL;
}

int64_t bide__wheel_next_ms(const struct wheel *w)
{
    unsigned level;
    int64_t far_ms;

    if (!bide__list_is_empty(&w->due) || !bide__list_is_empty(&w->fresh))
        return w->now_ms;
    int64_t near_ms = next_near_ms(w);
    if (!next_far((struct wheel *)w, &level, &far_ms))
        return near_ms;
    return near_ms >= 0 && near_ms < far_ms ? near_ms : far_ms;
}

static void fire_all(struct wheel *w, struct list_node *list)
{
    while (!bide__list_is_empty(list)) {
        struct timer *t = container_of(list->next, struct timer, node);
        __builtin_prefetch(t->node.next);
        bide__list_remove(&t->node);
        w->count--;
        t->fire(t);
    }
}

/* The clock has reached the beginning of a far slot: its timers move down, from the last one on, each to the front. */
static void move_down(struct wheel *w, struct list_node *slot, unsigned level)
{
    w->far_occupied[level] &= ~((uint64_t)1 << (slot - w->far[level]));
    while (!bide__list_is_empty(slot)) {
        struct timer *t = container_of(slot->prev, struct timer, node);
        __builtin_prefetch(t->node.prev);
        bide__list_remove(&t->node);
        bide__list_prepend(slot_for(w, t), &t->node);
    }
}

static void fire_near(struct wheel *w, int64_t at_ms)
{
    unsigned slot = (unsigned)at_ms & NEAR_MASK;
    struct list_node due;

    bide__list_init(&due);
    bide__list_splice(&due, &w->near[slot]);
    w->near_occupied[slot / 64] &= ~((uint64_t)1 << slot % 64);
    fire_all(w, &due);
}

void bide__wheel_advance(struct wheel *w, int64_t now_ms)
{
    struct list_node due;

    /* What fire() arms for a time already past waits for the next turn. */
    bide__list_init(&due);
    bide__list_splice(&due, &w->due);
    fire_all(w, &due);

    for (;;) {
        unsigned level;
        int64_t far_ms, at_ms = next_near_ms(w);
        struct list_node *far = next_far(w, &level, &far_ms);
        if (far && (at_ms < 0 || far_ms <= at_ms))
            at_ms = far_ms;
        else
            far = NULL;
        if (at_ms < 0 || at_ms > now_ms)
            break;
        w->now_ms = at_ms;
        if (far)
            move_down(w, far, level);
        fire_near(w, at_ms);
    }
    if (now_ms > w->now_ms)
        w->now_ms = now_ms;
}

/* ---- on a loop ---- */

static int64_t next_full_ms(const bide_loop *loop)
{
    return (loop->now_ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* The clock was read: those armed since then count from now. */
void bide__timers_date(bide_loop *loop)
{
    struct wheel *w = &loop->wheel;

    while (!bide__list_is_empty(&w->fresh)) {
        struct timer *t = container_of(w->fresh.next, struct timer, node);
        bide__list_remove(&t->node);
        t->when_ms += next_full_ms(loop);
        put(w, t);
    }
}

never_indirect void bide__timer_arm(bide_loop *loop, struct timer *t, int64_t delay_ms)
{
    if (delay_ms <= 0) { /* next turn, whatever the clock says */
        bide__wheel_arm(&loop->wheel, t, loop->wheel.now_ms + (delay_ms < -DELAY_MAX_MS ? -DELAY_MAX_MS : delay_ms));
        return;
    }
    /* The clock is read anew: after a long step the loop's copy is old, and the timer would be early. */
    if (!loop->virtual_time)
        loop->now_ns = bide__clock_ns();
    if (unlikely(!bide__list_is_empty(&loop->wheel.fresh)))
        bide__timers_date(loop);
    if (delay_ms > DELAY_MAX_MS)
        delay_ms = DELAY_MAX_MS;
    bide__wheel_arm(&loop->wheel, t, next_full_ms(loop) + delay_ms);
}

void bide__timer_arm_among_many(bide_loop *loop, struct timer *t, int64_t delay_ms)
{
    struct wheel *w = &loop->wheel;
    uint32_t step = loop->ring.moved + loop->ring.head;

    if (w->fresh_left == 0 || w->fresh_step != step || delay_ms <= 0 || loop->virtual_time) {
        w->fresh_step = step;
        w->fresh_left = delay_ms > 0 ? FRESH_MAX : 0;
        bide__timer_arm(loop, t, delay_ms);
        return;
    }
    w->fresh_left--;
    w->count++;
    t->when_ms = delay_ms > DELAY_MAX_MS ? DELAY_MAX_MS : delay_ms;
    bide__list_append(&w->fresh, &t->node);
}

int64_t bide__timer_now_ms(const bide_loop *loop)
{
    return (loop && loop->virtual_time ? loop->now_ns : bide__clock_ns()) / NS_PER_MS;
}

void bide__timer_arm_at(bide_loop *loop, struct timer *t, int64_t when_ms)
{
    int64_t last_ms = loop->wheel.now_ms + DELAY_MAX_MS;

    if (unlikely(!bide__list_is_empty(&loop->wheel.fresh))) { /* they stand before it, if it is the same time */
        loop->now_ns = bide__clock_ns();
        bide__timers_date(loop);
    }
    bide__wheel_arm(&loop->wheel, t, when_ms < last_ms ? when_ms : last_ms);
}

never_indirect void bide__timer_disarm(bide_loop *loop, struct timer *t)
{
    bide__wheel_disarm(&loop->wheel, t);
}

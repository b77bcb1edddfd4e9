/* SPDX-License-Identifier: MIT */
/* timer.h - when the loop should wake up: a hierarchical wheel, one millisecond per tick. */
#ifndef BIDE_CORE_TIMER_H
#define BIDE_CORE_TIMER_H

#include <bide/object.h>

#include "base/base.h"

/* Lives in other structs; the wheel owns nothing, so arming cannot fail.  fire() is called by the loop. */
struct timer {
    struct list_node node;
    int64_t when_ms; /* loop clock */
    void (*fire)(struct timer *t);
};

#define WHEEL_NEAR 1024 /* slots of a millisecond */
#define WHEEL_LEVELS 6  /* above them, of 64 slots each: 2^46 ms, forever */

struct wheel {
    int64_t now_ms; /* everything before was fired */
    size_t count;
    uint32_t fresh_left; /* how many more may become fresh in this step */
    uint32_t fresh_step;
    struct list_node due;   /* armed for a time already past */
    struct list_node fresh; /* they count from when the clock is read next: bide__timer_arm_among_many */
    uint64_t near_occupied[WHEEL_NEAR / 64];
    uint64_t far_occupied[WHEEL_LEVELS];
    struct list_node near[WHEEL_NEAR];
    struct list_node far[WHEEL_LEVELS][64];
};

void bide__wheel_init(struct wheel *w, int64_t now_ms);
static inline void bide__timer_init(struct timer *t, void (*fire)(struct timer *t))
{
    bide__list_init(&t->node);
    t->fire = fire;
}
static inline bool bide__timer_is_armed(const struct timer *t)
{
    return bide__list_is_linked(&t->node);
}
void bide__wheel_arm(struct wheel *w, struct timer *t, int64_t when_ms);
void bide__wheel_disarm(struct wheel *w, struct timer *t);
/* The time at which something may be due (never too late), -1 if nothing is armed. */
int64_t bide__wheel_next_ms(const struct wheel *w);
/* Fire all that is due, in order of time, then of arming. */
void bide__wheel_advance(struct wheel *w, int64_t now_ms);

/* On a loop: relative to the clock as it is now. */
never_indirect void bide__timer_arm(bide_loop *loop, struct timer *t, int64_t delay_ms);
int64_t bide__timer_now_ms(const bide_loop *loop); /* the clock as it is now; of no loop (NULL) the system's */
/*
 * The same for one that may be one of thousands.  To look at the clock costs more than all else, so only the first of a step, and
 * then every 64th, does.  The others count from when the loop looks at it next: at the latest when their step has ended.
 */
void bide__timer_arm_among_many(bide_loop *loop, struct timer *t, int64_t delay_ms);
void bide__timers_date(bide_loop *loop);                                    /* loop->now_ns was read anew */
void bide__timer_arm_at(bide_loop *loop, struct timer *t, int64_t when_ms); /* by the loop's clock */
never_indirect void bide__timer_disarm(bide_loop *loop, struct timer *t);

#endif

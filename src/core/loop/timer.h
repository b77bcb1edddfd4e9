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

#define WHEEL_LEVELS 8 /* 64^8 ms: forever */

struct wheel {
    int64_t now_ms; /* everything before was fired */
    uint64_t occupied[WHEEL_LEVELS];
    struct list_node due; /* armed for a time already past */
    struct list_node slots[WHEEL_LEVELS][64];
    size_t count;
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
void bide__timer_arm_at(bide_loop *loop, struct timer *t, int64_t when_ms); /* by the loop's clock */
never_indirect void bide__timer_disarm(bide_loop *loop, struct timer *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * connector.h - what the files of the pool share: connector_host.c, connector_wait.c, connector_idle.c, connector.c
 * alone.
 */
#ifndef BIDE_HTTP_CONNECTOR_H
#define BIDE_HTTP_CONNECTOR_H

#include "http/http.h"

#define NS_PER_MS 1000000

/* ---- connector_host.c: origins ---- */

/* The origin of the request, made when it is new.  NULL: out of memory, on record. */
struct host *bide__host_find(struct request *q);
/* Nothing holds it: forget it. */
void bide__host_free_if_unused(struct host *h);

/* ---- connector_wait.c: slots, and who waits for one ---- */

/* A request that waits; on its task's stack. */
struct waiter {
    struct clause clause; /* in host.waiters */
    bide_task *task;
    uint64_t ticket;   /* in order of coming, over all origins */
    struct conn *conn; /* this one, or, if NULL, the slot to open one */
    bool assigned;
};

/* The one who has waited longest for this origin; NULL: nobody. */
struct waiter *bide__host_first_waiter(const struct host *h);
/* Suspends.  0: w has what it waited for; else what ended the wait, and w may have it even so. */
int bide__wait_for_turn(struct request *q, struct host *h, struct waiter *w);
/* A connection is free: give it to w. */
void bide__assign(struct host *h, struct waiter *w, struct conn *c);
/* Has another origin, which has to have a slot first, waited longer than w (NULL: nobody)?  Then it is the next to get
   one. */
bool bide__yield_to_older_waiter(struct host *h, const struct waiter *w);
/* May one more connection of this origin, or of any, be in use? */
static inline bool bide__may_be_busy(const struct host *h)
{
    const bide_session *s = h->session;

    return h->open - h->nidle < s->args.limit_per_host && s->open - s->nidle < s->args.limit;
}
/* What the host has in use has changed. */
void bide__update_blocked(struct host *h);
/* Slots that nobody has go to those who wait for one. */
void bide__share_slots(bide_session *s);
/* A connection of this origin is going to be there. */
void bide__take_slot(struct host *h);
/* It is gone: who needs a slot gets it.  May free h. */
void bide__free_slot(struct host *h);

/* ---- connector_idle.c: connections that nobody uses ---- */

void bide__idle_add(struct conn *c, int64_t keep_ms);
/* The one used last that is still good; NULL: there is none. */
struct conn *bide__idle_take(struct host *h);
void bide__idle_close(struct conn *c);
/* May one more be open in all?  What was used longest ago gives way. */
bool bide__idle_make_room(bide_session *s);
void bide__idle_ready(struct ready *ready); /* conn.ready.run */

/* ---- connector.c ---- */

/* A connection of this origin, without a stream yet; NULL and an error on record. */
struct conn *bide__conn_new(struct host *h);
/* Everything but its slot. */
void bide__conn_free(struct conn *c);

#endif

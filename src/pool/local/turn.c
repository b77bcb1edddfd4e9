/* SPDX-License-Identifier: MIT */
/* turn.c - one turn of a pool: what its workers have said is read, what became of them is acted on, jobs are handed out. */
#include "pool/local/local.h"

/* What was found out about the worker itself, now that all it had to say was read.  False: it is gone. */
static bool act_on(struct proxy *x)
{
    if (x->has_ended) {
        bide__proxy_died(x);
        return false;
    }
    if (x->birth_code < 0) {
        bide__proxy_not_born(x);
        return false;
    }
    if (x->state == STARTING && x->said_ready && (x->pid > 0 || x->has_thread))
        bide__slot_take_over(x);
    return true;
}

void bide__local_turn(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    if (bide__pool_is_parents(p))
        return; /* a forked child: the lanes are the parent's to read */

    p->awaits_outside = false; /* but for births and ends, those that begin below too */
    for (struct list_node *n = l->proxies.next, *next; n != &l->proxies; n = next) {
        struct proxy *x = container_of(n, struct proxy, node);
        next = n->next; /* this one may go; no other does */
        bide__proxy_drain(x);
        if (act_on(x) && x->state != READY)
            p->awaits_outside = true;
    }
    bide__local_dispatch(p);
    bide__local_adjust(p);
    bide__pool_note_outside(p);
    bide__stats_publish(p);
}

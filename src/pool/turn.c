/* SPDX-License-Identifier: MIT */
/* turn.c - one turn of a pool: what its workers have said is read, what became of them is acted on, jobs are handed out. */
#include "pool/pool.h"

/* What was found out about the worker itself, now that all it had to say was read. */
static void act_on(struct proxy *x)
{
    if (x->has_ended)
        bide__proxy_died(x);
    else if (x->birth_code < 0)
        bide__proxy_not_born(x);
    else if (x->state == STARTING && x->said_ready && (x->pid > 0 || x->has_thread))
        bide__slot_take_over(x);
}

void bide__local_turn(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    bool all_ready = true;
    if (bide__pool_is_parents(p))
        return; /* a forked child: the lanes are the parent's to read */

    for (struct list_node *n = l->proxies.next, *next; n != &l->proxies; n = next) {
        next = n->next; /* this one may go; no other does */
        bide__proxy_drain(container_of(n, struct proxy, node));
        act_on(container_of(n, struct proxy, node));
    }
    bide__pool_dispatch(p);
    bide__pool_adjust(p);
    for (struct list_node *n = l->proxies.next; all_ready && n != &l->proxies; n = n->next)
        all_ready = container_of(n, struct proxy, node)->state == READY;
    p->awaits_outside = !all_ready;
    bide__pool_note_outside(p);
    bide__stats_publish(p);
}
